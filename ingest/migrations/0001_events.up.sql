-- Raw data. Partitions follow the service's clock, never the sender's: one wrong clock must not open partitions.
-- Every table keeps deduplication tokens, and so does every target of a view, so that an insert sent again changes nothing.
CREATE TABLE events
(
    project_id LowCardinality(String) CODEC(ZSTD(1)),
    kind Enum8('page_view' = 1, 'vital' = 2, 'action' = 3) COMMENT 'what happened',
    metric Enum8('' = 0, 'FCP' = 1, 'LCP' = 2, 'FID' = 3, 'CLS' = 4, 'INP' = 5, 'TTFB' = 6) COMMENT 'which vital; empty for other kinds',
    ts DateTime64(3, 'UTC') COMMENT 'when it happened, corrected to the service''s clock' CODEC(Delta(8), ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'when the service took the beacon' CODEC(Delta(8), ZSTD(1)),
    skew_ms Int64 COMMENT 'sender''s clock minus the service''s, as removed from ts' CODEC(ZSTD(1)),
    event_id UInt64 COMMENT 'derived from beacon id and position; equal for the same event sent again' CODEC(NONE),
    session_id UInt64 COMMENT '0: not given' CODEC(ZSTD(1)),
    view_id UInt64 COMMENT 'page view; 0: not given' CODEC(ZSTD(1)),
    metric_id UInt64 COMMENT 'one vital of one page load; a later row with the same id replaces this value; 0: not given' CODEC(ZSTD(1)),
    value Float64 COMMENT 'vital: milliseconds, CLS without unit; action: the caller''s number; page view: 0' CODEC(ZSTD(1)),
    rating Enum8('' = 0, 'good' = 1, 'needs-improvement' = 2, 'poor' = 3) COMMENT 'of value; empty for other kinds' CODEC(ZSTD(1)),
    prev_value Float64 COMMENT 'the value this row replaces, if prev_rating is not empty' CODEC(ZSTD(1)),
    prev_rating Enum8('' = 0, 'good' = 1, 'needs-improvement' = 2, 'poor' = 3) COMMENT 'of prev_value; empty: nothing is replaced' CODEC(ZSTD(1)),
    page LowCardinality(String) COMMENT 'name or route of the page' CODEC(ZSTD(1)),
    url String COMMENT 'without query and fragment' CODEC(ZSTD(1)),
    navigation_type LowCardinality(String) CODEC(ZSTD(1)),
    name LowCardinality(String) COMMENT 'action' CODEC(ZSTD(1)),
    category LowCardinality(String) COMMENT 'of the action' CODEC(ZSTD(1)),
    release LowCardinality(String) CODEC(ZSTD(1)),
    env LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet or unknown' CODEC(ZSTD(1)),
    browser LowCardinality(String) CODEC(ZSTD(1)),
    browser_major UInt16 CODEC(ZSTD(1)),
    os LowCardinality(String) CODEC(ZSTD(1)),
    connection LowCardinality(String) COMMENT 'effective connection type' CODEC(ZSTD(1)),
    sample_rate Float32 COMMENT 'divide counts by it' CODEC(ZSTD(1)),
    retention_days UInt16 CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    timings Map(LowCardinality(String), Float64) COMMENT 'page view: navigation timing in milliseconds' CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY (toDate(received_at), retention_days)
ORDER BY (project_id, kind, metric, toStartOfHour(ts), page, session_id, ts)
TTL toDateTime(received_at) + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE errors
(
    project_id LowCardinality(String) CODEC(ZSTD(1)),
    fingerprint UInt64 COMMENT 'equal for errors with one cause, as far as source, name, message shape and first frame tell' CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    skew_ms Int64 CODEC(ZSTD(1)),
    event_id UInt64 CODEC(NONE),
    session_id UInt64 CODEC(ZSTD(1)),
    view_id UInt64 CODEC(ZSTD(1)),
    source Enum8('uncaught' = 1, 'unhandled_rejection' = 2, 'api' = 3),
    name LowCardinality(String) CODEC(ZSTD(1)),
    message String CODEC(ZSTD(1)),
    stack String CODEC(ZSTD(3)),
    script_url String COMMENT 'where it was thrown' CODEC(ZSTD(1)),
    line UInt32 COMMENT '0: not given' CODEC(ZSTD(1)),
    column UInt32 COMMENT '0: not given' CODEC(ZSTD(1)),
    page LowCardinality(String) CODEC(ZSTD(1)),
    url String CODEC(ZSTD(1)),
    release LowCardinality(String) CODEC(ZSTD(1)),
    env LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    browser LowCardinality(String) CODEC(ZSTD(1)),
    browser_major UInt16 CODEC(ZSTD(1)),
    os LowCardinality(String) CODEC(ZSTD(1)),
    connection LowCardinality(String) CODEC(ZSTD(1)),
    sample_rate Float32 CODEC(ZSTD(1)),
    retention_days UInt16 CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY (toDate(received_at), retention_days)
ORDER BY (project_id, fingerprint, ts)
TTL toDateTime(received_at) + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE ingest_outcomes
(
    project_id LowCardinality(String) COMMENT 'empty: the request named no known project' CODEC(ZSTD(1)),
    minute DateTime('UTC') COMMENT 'when the service decided' CODEC(Delta(4), ZSTD(1)),
    outcome Enum8('accepted' = 1, 'rejected' = 2),
    reason LowCardinality(String) COMMENT 'why rejected; empty for accepted' CODEC(ZSTD(1)),
    scope Enum8('request' = 1, 'event' = 2) COMMENT 'what count counts: an accepted or refused request, or its events one by one',
    count UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree(count)
PARTITION BY toYYYYMM(minute)
ORDER BY (project_id, minute, outcome, reason, scope)
TTL minute + toIntervalMonth(13)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
