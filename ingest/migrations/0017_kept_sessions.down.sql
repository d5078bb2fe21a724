DROP TABLE kept_errors;

DROP TABLE kept_events;
