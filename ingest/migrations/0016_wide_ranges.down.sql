DROP VIEW vitals_page_1w_mv;

DROP TABLE vitals_page_1w;

DROP VIEW vitals_site_1h_mv;

DROP TABLE vitals_site_1h;
