-- Who was erased. The service leaves out rows that are on this list, whenever they come: from its spool, from quarantine, or sent again.
CREATE TABLE erasures
(
    project_id LowCardinality(String) COMMENT 'the project' CODEC(ZSTD(1)),
    session_id UInt64 COMMENT 'the session; 0: erased by attribute' CODEC(ZSTD(1)),
    attribute LowCardinality(String) COMMENT 'name of the attribute; empty: erased by session' CODEC(ZSTD(1)),
    value_hash String COMMENT 'SHA-256 of project, name and value with a zero byte between, in hexadecimal digits; empty: erased by session' CODEC(ZSTD(1)),
    until DateTime64(3, 'UTC') COMMENT 'rows that happened and came after this are kept' CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') COMMENT 'when it was erased' CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (project_id, session_id, attribute, value_hash)
TTL toDateTime(at) + toIntervalMonth(13)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
