-- The whole site by hour: what a dashboard of all pages asks.
CREATE TABLE vitals_site_1h
(
    project_id LowCardinality(String) COMMENT 'the project' CODEC(ZSTD(1)),
    metric Enum8('' = 0, 'FCP' = 1, 'LCP' = 2, 'FID' = 3, 'CLS' = 4, 'INP' = 5, 'TTFB' = 6) COMMENT 'which vital',
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet or unknown' CODEC(ZSTD(1)),
    release LowCardinality(String) COMMENT 'of the application; empty: not given' CODEC(ZSTD(1)),
    env LowCardinality(String) COMMENT 'deployment environment; empty: not given' CODEC(ZSTD(1)),
    t DateTime('UTC') COMMENT 'start of the interval in which the page views began' CODEC(Delta(4), ZSTD(1)),
    count SimpleAggregateFunction(sum, Int64) COMMENT 'vitals that were sent, each once however often reported' CODEC(ZSTD(1)),
    estimated_count SimpleAggregateFunction(sum, Decimal(38, 3)) DEFAULT count COMMENT 'vitals of all users, sampled or not: each divided by its sample_rate' CODEC(ZSTD(1)),
    sum SimpleAggregateFunction(sum, Float64) COMMENT 'of their values: milliseconds, CLS without unit' CODEC(ZSTD(1)),
    good SimpleAggregateFunction(sum, Int64) COMMENT 'of count, those rated good' CODEC(ZSTD(1)),
    needs_improvement SimpleAggregateFunction(sum, Int64) COMMENT 'of count, those rated needs-improvement' CODEC(ZSTD(1)),
    poor SimpleAggregateFunction(sum, Int64) COMMENT 'of count, those rated poor' CODEC(ZSTD(1)),
    buckets SimpleAggregateFunction(sumMap, Map(Int16, Int64)) COMMENT 'how many values in each bucket ceil(log2(value) * 64), zeros in bucket -32768; merge with sumMap, read with vital_quantile' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(t)
ORDER BY (project_id, metric, t, device, release, env)
TTL t + toIntervalMonth(13)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name = 'vitals_site_1h_mv'
TRUNCATE TABLE vitals_site_1h;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name = 'vitals_site_1h_mv'
INSERT INTO vitals_site_1h
(
    project_id, metric, device, release, env, t, count, estimated_count, sum, good, needs_improvement, poor, buckets
)
SELECT
    project_id, metric, device, release, env, t, sum(vitals_1h.count), sum(vitals_1h.estimated_count), sum(vitals_1h.sum),
    sum(vitals_1h.good), sum(vitals_1h.needs_improvement), sum(vitals_1h.poor), sumMap(vitals_1h.buckets)
FROM vitals_1h
GROUP BY project_id, metric, device, release, env, t
SETTINGS max_partitions_per_insert_block = 0, max_execution_time = 0, max_bytes_before_external_group_by = 1000000000;

CREATE MATERIALIZED VIEW vitals_site_1h_mv TO vitals_site_1h AS
SELECT
    project_id,
    metric,
    device, release, env,
    toStartOfHour(counted_at) AS t,
    sum(sign) AS count,
    sum(sign * toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_count,
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
WHERE kind = 'vital' AND counted_at > toDateTime(0, 'UTC')
GROUP BY project_id, metric, device, release, env, t;

-- Pages by week (from Monday) with nothing but the device: pages are compared over months.
CREATE TABLE vitals_page_1w
(
    project_id LowCardinality(String) COMMENT 'the project' CODEC(ZSTD(1)),
    metric Enum8('' = 0, 'FCP' = 1, 'LCP' = 2, 'FID' = 3, 'CLS' = 4, 'INP' = 5, 'TTFB' = 6) COMMENT 'which vital',
    page LowCardinality(String) COMMENT 'name or route of the page' CODEC(ZSTD(1)),
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet or unknown' CODEC(ZSTD(1)),
    t DateTime('UTC') COMMENT 'start of the interval in which the page views began' CODEC(Delta(4), ZSTD(1)),
    count SimpleAggregateFunction(sum, Int64) COMMENT 'vitals that were sent, each once however often reported' CODEC(ZSTD(1)),
    estimated_count SimpleAggregateFunction(sum, Decimal(38, 3)) DEFAULT count COMMENT 'vitals of all users, sampled or not: each divided by its sample_rate' CODEC(ZSTD(1)),
    sum SimpleAggregateFunction(sum, Float64) COMMENT 'of their values: milliseconds, CLS without unit' CODEC(ZSTD(1)),
    good SimpleAggregateFunction(sum, Int64) COMMENT 'of count, those rated good' CODEC(ZSTD(1)),
    needs_improvement SimpleAggregateFunction(sum, Int64) COMMENT 'of count, those rated needs-improvement' CODEC(ZSTD(1)),
    poor SimpleAggregateFunction(sum, Int64) COMMENT 'of count, those rated poor' CODEC(ZSTD(1)),
    buckets SimpleAggregateFunction(sumMap, Map(Int16, Int64)) COMMENT 'how many values in each bucket ceil(log2(value) * 64), zeros in bucket -32768; merge with sumMap, read with vital_quantile' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYear(t)
ORDER BY (project_id, metric, t, page, device)
TTL t + toIntervalMonth(25)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name = 'vitals_page_1w_mv'
TRUNCATE TABLE vitals_page_1w;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name = 'vitals_page_1w_mv'
INSERT INTO vitals_page_1w
(
    project_id, metric, page, device, t, count, estimated_count, sum, good, needs_improvement, poor, buckets
)
SELECT
    project_id, metric, page, device, toDateTime(toMonday(t), 'UTC') AS week, sum(vitals_1d.count), sum(vitals_1d.estimated_count), sum(vitals_1d.sum),
    sum(vitals_1d.good), sum(vitals_1d.needs_improvement), sum(vitals_1d.poor), sumMap(vitals_1d.buckets)
FROM vitals_1d
GROUP BY project_id, metric, page, device, week
SETTINGS max_partitions_per_insert_block = 0, max_execution_time = 0, max_bytes_before_external_group_by = 1000000000;

CREATE MATERIALIZED VIEW vitals_page_1w_mv TO vitals_page_1w AS
SELECT
    project_id,
    metric,
    page, device,
    toDateTime(toMonday(counted_at), 'UTC') AS t,
    sum(sign) AS count,
    sum(sign * toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_count,
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
WHERE kind = 'vital' AND counted_at > toDateTime(0, 'UTC')
GROUP BY project_id, metric, page, device, t;
