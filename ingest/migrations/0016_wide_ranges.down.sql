DROP VIEW vitals_page_1d_mv;

DROP TABLE vitals_page_1d;

DROP VIEW vitals_site_1h_mv;

DROP TABLE vitals_site_1h;
