DROP VIEW vitals_1d_mv;
DROP TABLE vitals_1d;
DROP VIEW vitals_1h_mv;
DROP TABLE vitals_1h;
DROP VIEW vitals_5m_mv;
DROP TABLE vitals_5m;
