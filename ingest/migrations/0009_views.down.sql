DROP VIEW business_measures;

DROP VIEW sessions_with_errors;

DROP VIEW errors_by_release;

DROP VIEW layout_shifts;

DROP VIEW lcp_elements;

DROP VIEW slow_interactions;

DROP VIEW page_performance;

DROP VIEW web_vitals;

DROP VIEW vital_values;
