-- Rollups of the vitals. A value is counted in the bucket ceil(log2(value) * 64) of a map, a value of zero in bucket -32768: buckets merge in
-- any order to the same result, keep quantiles within 0.55 %, are those of a Prometheus native histogram of schema 6, and can be taken
-- back: a row that replaces an earlier value subtracts it from its bucket, sum and rating, and adds the new one.
CREATE TABLE vitals_5m
(
    project_id LowCardinality(String) CODEC(ZSTD(1)),
    metric Enum8('' = 0, 'FCP' = 1, 'LCP' = 2, 'FID' = 3, 'CLS' = 4, 'INP' = 5, 'TTFB' = 6),
    page LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    t DateTime('UTC') COMMENT 'start of the interval the vital was measured in' CODEC(Delta(4), ZSTD(1)),
    count SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    sum SimpleAggregateFunction(sum, Float64) COMMENT 'milliseconds, CLS without unit' CODEC(ZSTD(1)),
    good SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    needs_improvement SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    poor SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    buckets SimpleAggregateFunction(sumMap, Map(Int16, Int64)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMMDD(t)
ORDER BY (project_id, metric, page, device, t)
TTL t + toIntervalDay(8)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW vitals_5m_mv TO vitals_5m AS
SELECT
    project_id,
    metric,
    page, device,
    toStartOfFiveMinutes(ts) AS t,
    sum(sign) AS count,
    sum(sign * v) AS sum,
    sumIf(sign, r = 'good') AS good,
    sumIf(sign, r = 'needs-improvement') AS needs_improvement,
    sumIf(sign, r = 'poor') AS poor,
    sumMap(map(if(v > 0, toInt16(greatest(-32767, ceil(log2(v) * 64))), toInt16(-32768)), sign)) AS buckets
FROM events
ARRAY JOIN
    if(prev_rating = '', [value], [value, prev_value]) AS v,
    if(prev_rating = '', [rating], [rating, prev_rating]) AS r,
    if(prev_rating = '', [toInt64(1)], [toInt64(1), toInt64(-1)]) AS sign
WHERE kind = 'vital'
GROUP BY project_id, metric, page, device, t;

CREATE TABLE vitals_1h
(
    project_id LowCardinality(String) CODEC(ZSTD(1)),
    metric Enum8('' = 0, 'FCP' = 1, 'LCP' = 2, 'FID' = 3, 'CLS' = 4, 'INP' = 5, 'TTFB' = 6),
    page LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    release LowCardinality(String) CODEC(ZSTD(1)),
    env LowCardinality(String) CODEC(ZSTD(1)),
    browser LowCardinality(String) CODEC(ZSTD(1)),
    os LowCardinality(String) CODEC(ZSTD(1)),
    t DateTime('UTC') COMMENT 'start of the interval the vital was measured in' CODEC(Delta(4), ZSTD(1)),
    count SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    sum SimpleAggregateFunction(sum, Float64) COMMENT 'milliseconds, CLS without unit' CODEC(ZSTD(1)),
    good SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    needs_improvement SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    poor SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    buckets SimpleAggregateFunction(sumMap, Map(Int16, Int64)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(t)
ORDER BY (project_id, metric, page, device, release, env, browser, os, t)
TTL t + toIntervalMonth(13)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW vitals_1h_mv TO vitals_1h AS
SELECT
    project_id,
    metric,
    page, device, release, env, browser, os,
    toStartOfHour(ts) AS t,
    sum(sign) AS count,
    sum(sign * v) AS sum,
    sumIf(sign, r = 'good') AS good,
    sumIf(sign, r = 'needs-improvement') AS needs_improvement,
    sumIf(sign, r = 'poor') AS poor,
    sumMap(map(if(v > 0, toInt16(greatest(-32767, ceil(log2(v) * 64))), toInt16(-32768)), sign)) AS buckets
FROM events
ARRAY JOIN
    if(prev_rating = '', [value], [value, prev_value]) AS v,
    if(prev_rating = '', [rating], [rating, prev_rating]) AS r,
    if(prev_rating = '', [toInt64(1)], [toInt64(1), toInt64(-1)]) AS sign
WHERE kind = 'vital'
GROUP BY project_id, metric, page, device, release, env, browser, os, t;

CREATE TABLE vitals_1d
(
    project_id LowCardinality(String) CODEC(ZSTD(1)),
    metric Enum8('' = 0, 'FCP' = 1, 'LCP' = 2, 'FID' = 3, 'CLS' = 4, 'INP' = 5, 'TTFB' = 6),
    page LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    release LowCardinality(String) CODEC(ZSTD(1)),
    env LowCardinality(String) CODEC(ZSTD(1)),
    browser LowCardinality(String) CODEC(ZSTD(1)),
    os LowCardinality(String) CODEC(ZSTD(1)),
    t DateTime('UTC') COMMENT 'start of the interval the vital was measured in' CODEC(Delta(4), ZSTD(1)),
    count SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    sum SimpleAggregateFunction(sum, Float64) COMMENT 'milliseconds, CLS without unit' CODEC(ZSTD(1)),
    good SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    needs_improvement SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    poor SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    buckets SimpleAggregateFunction(sumMap, Map(Int16, Int64)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYear(t)
ORDER BY (project_id, metric, page, device, release, env, browser, os, t)
TTL t + toIntervalMonth(25)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW vitals_1d_mv TO vitals_1d AS
SELECT
    project_id,
    metric,
    page, device, release, env, browser, os,
    toStartOfDay(ts) AS t,
    sum(sign) AS count,
    sum(sign * v) AS sum,
    sumIf(sign, r = 'good') AS good,
    sumIf(sign, r = 'needs-improvement') AS needs_improvement,
    sumIf(sign, r = 'poor') AS poor,
    sumMap(map(if(v > 0, toInt16(greatest(-32767, ceil(log2(v) * 64))), toInt16(-32768)), sign)) AS buckets
FROM events
ARRAY JOIN
    if(prev_rating = '', [value], [value, prev_value]) AS v,
    if(prev_rating = '', [rating], [rating, prev_rating]) AS r,
    if(prev_rating = '', [toInt64(1)], [toInt64(1), toInt64(-1)]) AS sign
WHERE kind = 'vital'
GROUP BY project_id, metric, page, device, release, env, browser, os, t;
