DROP VIEW activity_of_errors_mv;

DROP VIEW activity_of_events_mv;

DROP TABLE activity_1h;
