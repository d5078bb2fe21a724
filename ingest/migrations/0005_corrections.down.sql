-- Attached again for the reason given in the other direction.
ALTER TABLE vitals_5m_mv MODIFY QUERY
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

DETACH TABLE vitals_5m_mv;

ATTACH TABLE vitals_5m_mv;

ALTER TABLE vitals_1h_mv MODIFY QUERY
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

DETACH TABLE vitals_1h_mv;

ATTACH TABLE vitals_1h_mv;

ALTER TABLE vitals_1d_mv MODIFY QUERY
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

DETACH TABLE vitals_1d_mv;

ATTACH TABLE vitals_1d_mv;

ALTER TABLE vitals_1d DROP COLUMN estimated_count;

ALTER TABLE vitals_1h DROP COLUMN estimated_count;

ALTER TABLE vitals_5m DROP COLUMN estimated_count;

ALTER TABLE events DROP COLUMN counted_at;
