-- A vital is counted in the interval in which its page view began. Every report of a vital tells the same start, so that a later one takes
-- the earlier value back where it was counted, whenever it is made and in whichever order they arrive.
ALTER TABLE events ADD COLUMN counted_at DateTime('UTC') DEFAULT toDateTime(ts) COMMENT 'vital: the time whose interval in the rollups counts it, which is the start of its page view, or ts if that is not known; 1970: not counted, for it would replace a value of a page view more than 14 days old. Other kinds: ts' CODEC(Delta(4), ZSTD(1)) AFTER ts;

ALTER TABLE vitals_5m ADD COLUMN estimated_count SimpleAggregateFunction(sum, Decimal(38, 3)) DEFAULT count COMMENT 'vitals of all users, sampled or not: each divided by its sample_rate' CODEC(ZSTD(1)) AFTER count;

ALTER TABLE vitals_1h ADD COLUMN estimated_count SimpleAggregateFunction(sum, Decimal(38, 3)) DEFAULT count COMMENT 'vitals of all users, sampled or not: each divided by its sample_rate' CODEC(ZSTD(1)) AFTER count;

ALTER TABLE vitals_1d ADD COLUMN estimated_count SimpleAggregateFunction(sum, Decimal(38, 3)) DEFAULT count COMMENT 'vitals of all users, sampled or not: each divided by its sample_rate' CODEC(ZSTD(1)) AFTER count;

-- A running engine that has altered a view makes other deduplication tokens for it than after a restart, and would take an insert that is
-- sent again after a crash for a new one. Attaching the view again gives it its lasting tokens.
ALTER TABLE vitals_5m_mv MODIFY QUERY
SELECT
    project_id,
    metric,
    page, device,
    toStartOfFiveMinutes(counted_at) AS t,
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

DETACH TABLE vitals_5m_mv;

ATTACH TABLE vitals_5m_mv;

ALTER TABLE vitals_1h_mv MODIFY QUERY
SELECT
    project_id,
    metric,
    page, device, release, env, browser, os,
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
GROUP BY project_id, metric, page, device, release, env, browser, os, t;

DETACH TABLE vitals_1h_mv;

ATTACH TABLE vitals_1h_mv;

ALTER TABLE vitals_1d_mv MODIFY QUERY
SELECT
    project_id,
    metric,
    page, device, release, env, browser, os,
    toStartOfDay(counted_at) AS t,
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
GROUP BY project_id, metric, page, device, release, env, browser, os, t;

DETACH TABLE vitals_1d_mv;

ATTACH TABLE vitals_1d_mv;
