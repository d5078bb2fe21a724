DROP VIEW sessions_of_errors_mv;

DROP VIEW sessions_of_events_mv;

DROP TABLE sessions;

DROP VIEW error_groups_mv;

DROP TABLE error_groups;
