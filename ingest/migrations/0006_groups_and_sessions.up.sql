-- Errors of one cause on one day. Kept longer than the errors themselves, so that a new error can be told from one that came back. One row
-- for each group and day once merged; sum and merge by fingerprint.
CREATE TABLE error_groups
(
    project_id LowCardinality(String) COMMENT 'the project' CODEC(ZSTD(1)),
    fingerprint UInt64 COMMENT 'equal for errors with one cause, as in errors' CODEC(ZSTD(1)),
    day Date COMMENT 'when they happened, UTC' CODEC(Delta(2), ZSTD(1)),
    name LowCardinality(String) COMMENT 'of the error, such as TypeError' CODEC(ZSTD(1)),
    count SimpleAggregateFunction(sum, UInt64) COMMENT 'errors that were sent' CODEC(ZSTD(1)),
    estimated_count SimpleAggregateFunction(sum, Decimal(38, 3)) COMMENT 'errors of all users, sampled or not: each divided by its sample_rate' CODEC(ZSTD(1)),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'first of the day' CODEC(ZSTD(1)),
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'last of the day' CODEC(ZSTD(1)),
    sessions AggregateFunction(uniq, UInt64) COMMENT 'sessions with the error; read with uniqMerge(sessions)' CODEC(ZSTD(1)),
    releases SimpleAggregateFunction(groupUniqArrayArray, Array(String)) COMMENT 'releases it was seen in' CODEC(ZSTD(1)),
    pages SimpleAggregateFunction(groupUniqArrayArray(100), Array(String)) COMMENT 'up to 100 of the pages it was seen on' CODEC(ZSTD(1)),
    sample SimpleAggregateFunction(max, Tuple(ts DateTime64(3, 'UTC'), message String, page String, session_id UInt64)) COMMENT 'the last of the day: when, message, page, session' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (project_id, fingerprint, name, day)
TTL day + toIntervalMonth(13)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW error_groups_mv TO error_groups AS
SELECT
    project_id,
    fingerprint,
    toDate(ts) AS day,
    name,
    count() AS count,
    sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_count,
    min(ts) AS first_seen,
    max(ts) AS last_seen,
    uniqStateIf(session_id, session_id != 0) AS sessions,
    groupUniqArray(toString(release)) AS releases,
    groupUniqArray(100)(toString(page)) AS pages,
    max((ts, message, toString(page), session_id)) AS sample
FROM errors
GROUP BY project_id, fingerprint, day, name;

-- One row for each session, once merged; a session over midnight has one for each day. It lives as long as the raw data.
CREATE TABLE sessions
(
    project_id LowCardinality(String) COMMENT 'the project' CODEC(ZSTD(1)),
    session_id UInt64 COMMENT 'the session' CODEC(NONE),
    day Date COMMENT 'when the service took the events, UTC; part of the key' CODEC(ZSTD(1)),
    retention_days UInt16 COMMENT 'days the row is kept after day' CODEC(ZSTD(1)),
    started_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'first event' CODEC(ZSTD(1)),
    ended_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'last event' CODEC(ZSTD(1)),
    page_views SimpleAggregateFunction(sum, UInt64) COMMENT 'page views, those of single-page routes included' CODEC(ZSTD(1)),
    vitals SimpleAggregateFunction(sum, UInt64) COMMENT 'vitals, each once however often reported' CODEC(ZSTD(1)),
    actions SimpleAggregateFunction(sum, UInt64) COMMENT 'actions' CODEC(ZSTD(1)),
    errors SimpleAggregateFunction(sum, UInt64) COMMENT 'errors' CODEC(ZSTD(1)),
    entry SimpleAggregateFunction(min, Tuple(ts DateTime64(3, 'UTC'), page String)) COMMENT 'first event: when, and on which page' CODEC(ZSTD(1)),
    exit SimpleAggregateFunction(max, Tuple(ts DateTime64(3, 'UTC'), page String)) COMMENT 'last event: when, and on which page' CODEC(ZSTD(1)),
    release SimpleAggregateFunction(max, LowCardinality(String)) COMMENT 'of the application; the greatest by text, if there are several' CODEC(ZSTD(1)),
    env SimpleAggregateFunction(max, LowCardinality(String)) COMMENT 'deployment environment' CODEC(ZSTD(1)),
    device SimpleAggregateFunction(max, LowCardinality(String)) COMMENT 'desktop, mobile, tablet or unknown' CODEC(ZSTD(1)),
    browser SimpleAggregateFunction(max, LowCardinality(String)) COMMENT 'name of the browser' CODEC(ZSTD(1)),
    os SimpleAggregateFunction(max, LowCardinality(String)) COMMENT 'operating system' CODEC(ZSTD(1)),
    country SimpleAggregateFunction(max, LowCardinality(String)) COMMENT 'ISO 3166-1 alpha-2; empty: not known' CODEC(ZSTD(1)),
    sample_rate SimpleAggregateFunction(max, Float32) COMMENT 'share of sessions that is sent: divide counts by it' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY (day, retention_days)
ORDER BY (project_id, session_id, day, retention_days)
TTL day + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW sessions_of_events_mv TO sessions AS
SELECT
    project_id,
    session_id,
    toDate(received_at) AS day,
    retention_days,
    min(ts) AS started_at,
    max(ts) AS ended_at,
    countIf(kind = 'page_view') AS page_views,
    countIf(kind = 'vital' AND prev_rating = '') AS vitals,
    countIf(kind = 'action') AS actions,
    toUInt64(0) AS errors,
    min((ts, toString(page))) AS entry,
    max((ts, toString(page))) AS exit,
    max(release) AS release,
    max(env) AS env,
    max(device) AS device,
    max(browser) AS browser,
    max(os) AS os,
    max(country) AS country,
    max(sample_rate) AS sample_rate
FROM events
WHERE session_id != 0
GROUP BY project_id, session_id, day, retention_days;

CREATE MATERIALIZED VIEW sessions_of_errors_mv TO sessions AS
SELECT
    project_id,
    session_id,
    toDate(received_at) AS day,
    retention_days,
    min(ts) AS started_at,
    max(ts) AS ended_at,
    toUInt64(0) AS page_views,
    toUInt64(0) AS vitals,
    toUInt64(0) AS actions,
    count() AS errors,
    min((ts, toString(page))) AS entry,
    max((ts, toString(page))) AS exit,
    max(release) AS release,
    max(env) AS env,
    max(device) AS device,
    max(browser) AS browser,
    max(os) AS os,
    max(country) AS country,
    max(sample_rate) AS sample_rate
FROM errors
WHERE session_id != 0
GROUP BY project_id, session_id, day, retention_days;
