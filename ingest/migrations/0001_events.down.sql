DROP TABLE ingest_outcomes;
DROP TABLE errors;
DROP TABLE events;
