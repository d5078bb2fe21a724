-- Page views, actions and errors by hour, few enough to be read again and again.
CREATE TABLE activity_1h
(
    project_id LowCardinality(String) COMMENT 'the project' CODEC(ZSTD(1)),
    kind Enum8('page_view' = 1, 'action' = 2, 'error' = 3) COMMENT 'what happened',
    name LowCardinality(String) COMMENT 'name of the action; empty for other kinds' CODEC(ZSTD(1)),
    page LowCardinality(String) COMMENT 'name or route of the page' CODEC(ZSTD(1)),
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet or unknown' CODEC(ZSTD(1)),
    release LowCardinality(String) COMMENT 'of the application; empty: not given' CODEC(ZSTD(1)),
    t DateTime('UTC') COMMENT 'start of the hour in which the service took it' CODEC(Delta(4), ZSTD(1)),
    count SimpleAggregateFunction(sum, UInt64) COMMENT 'how many were sent' CODEC(ZSTD(1)),
    value SimpleAggregateFunction(sum, Float64) COMMENT 'sum of the values of actions that are above zero' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(t)
ORDER BY (project_id, kind, name, page, device, release, t)
TTL t + toIntervalMonth(13)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW activity_of_events_mv TO activity_1h AS
SELECT
    project_id,
    if(events.kind = 'action', 'action', 'page_view') AS kind,
    if(events.kind = 'action', events.name, '') AS name,
    page, device, release,
    toStartOfHour(received_at) AS t,
    count() AS count,
    sum(if(events.kind = 'action', greatest(events.value, 0), 0)) AS value
FROM events
WHERE events.kind IN ('page_view', 'action')
GROUP BY project_id, kind, name, page, device, release, t;

CREATE MATERIALIZED VIEW activity_of_errors_mv TO activity_1h AS
SELECT
    project_id,
    'error' AS kind,
    '' AS name,
    page, device, release,
    toStartOfHour(received_at) AS t,
    count() AS count,
    toFloat64(0) AS value
FROM errors
GROUP BY project_id, kind, name, page, device, release, t;
