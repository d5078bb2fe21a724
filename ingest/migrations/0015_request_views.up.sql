-- An error counts as often as it says. What a browser reports of deprecated features and of its own interventions is kept as an error, and is
-- none of a session or a page: nothing failed.
ALTER TABLE error_groups_mv MODIFY QUERY
SELECT
    project_id,
    fingerprint,
    toDate(ts) AS day,
    name,
    sum(e.count) AS count,
    sum(e.count * toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_count,
    min(ts) AS first_seen,
    max(ts) AS last_seen,
    uniqStateIf(session_id, session_id != 0) AS sessions,
    groupUniqArray(toString(release)) AS releases,
    groupUniqArray(100)(toString(page)) AS pages,
    max((ts, message, toString(page), session_id)) AS sample
FROM errors AS e
GROUP BY project_id, fingerprint, day, name;

DETACH TABLE error_groups_mv;

ATTACH TABLE error_groups_mv;

ALTER TABLE sessions_of_errors_mv MODIFY QUERY
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
    sumIf(e.count, source NOT IN ('deprecation', 'intervention')) AS errors,
    min((ts, toString(page))) AS entry,
    max((ts, toString(page))) AS exit,
    max(release) AS release,
    max(env) AS env,
    max(device) AS device,
    max(browser) AS browser,
    max(os) AS os,
    max(country) AS country,
    max(sample_rate) AS sample_rate
FROM errors AS e
WHERE session_id != 0
GROUP BY project_id, session_id, day, retention_days;

DETACH TABLE sessions_of_errors_mv;

ATTACH TABLE sessions_of_errors_mv;

ALTER TABLE activity_of_errors_mv MODIFY QUERY
SELECT
    project_id,
    'error' AS kind,
    '' AS name,
    page, device, release,
    toStartOfHour(received_at) AS t,
    sum(e.count) AS count,
    toFloat64(0) AS value
FROM errors AS e
WHERE source NOT IN ('deprecation', 'intervention')
GROUP BY project_id, kind, name, page, device, release, t;

DETACH TABLE activity_of_errors_mv;

ATTACH TABLE activity_of_errors_mv;

-- Measures by name like actions; fetch and XMLHttpRequest, which are all sent, by whether they failed. Other resources are sent when they are slow.
ALTER TABLE activity_1h
    MODIFY COLUMN kind Enum8('page_view' = 1, 'action' = 2, 'error' = 3, 'measure' = 4, 'request' = 5, 'failed_request' = 6) COMMENT 'what happened; a request is one that did not fail',
    COMMENT COLUMN name 'name of the action or measure; empty for other kinds',
    COMMENT COLUMN value 'sum of the values of actions and measures that are above zero';

ALTER TABLE activity_of_events_mv MODIFY QUERY
SELECT
    project_id,
    multiIf(e.kind != 'request', toString(e.kind), e.failure IN ('network', 'timeout') OR e.status >= 400, 'failed_request', 'request') AS kind,
    if(e.kind IN ('action', 'measure'), e.name, '') AS name,
    page, device, release,
    toStartOfHour(received_at) AS t,
    count() AS count,
    sum(if(e.kind IN ('action', 'measure'), greatest(e.value, 0), 0)) AS value
FROM events AS e
WHERE e.kind IN ('page_view', 'action', 'measure') OR (e.kind = 'request' AND e.initiator IN ('fetch', 'xmlhttprequest'))
GROUP BY project_id, kind, name, page, device, release, t;

DETACH TABLE activity_of_events_mv;

ATTACH TABLE activity_of_events_mv;

DROP VIEW page_performance;

-- One row for each page: how often it was seen, how it performs, how often it fails.
CREATE VIEW page_performance
(
    page LowCardinality(String) COMMENT 'name or route of the page',
    views UInt64 COMMENT 'page views that were sent',
    estimated_views Decimal(38, 3) COMMENT 'page views of all users, sampled or not',
    lcp_p75 Float64 COMMENT 'p75 of LCP: milliseconds; nan: none measured',
    inp_p75 Float64 COMMENT 'p75 of INP: milliseconds; nan: none measured',
    cls_p75 Float64 COMMENT 'p75 of CLS: without unit; nan: none measured',
    fcp_p75 Float64 COMMENT 'p75 of FCP: milliseconds; nan: none measured',
    ttfb_p75 Float64 COMMENT 'p75 of TTFB: milliseconds; nan: none measured',
    good_lcp Float64 COMMENT 'share of LCP rated good, 0 to 1',
    good_inp Float64 COMMENT 'share of INP rated good',
    good_cls Float64 COMMENT 'share of CLS rated good',
    errors UInt64 COMMENT 'errors that were sent'
)
AS SELECT
    viewed.page AS page, viewed.n AS views, viewed.estimated AS estimated_views,
    if(measured.page = '', nan, lcp) AS lcp_p75, if(measured.page = '', nan, inp) AS inp_p75, if(measured.page = '', nan, cls) AS cls_p75,
    if(measured.page = '', nan, fcp) AS fcp_p75, if(measured.page = '', nan, ttfb) AS ttfb_p75,
    if(measured.page = '', nan, lcp_good) AS good_lcp, if(measured.page = '', nan, inp_good) AS good_inp,
    if(measured.page = '', nan, cls_good) AS good_cls, failed.n AS errors
FROM
(
    SELECT page, count() AS n, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated FROM events
    WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND ts < {until:DateTime} AND kind = 'page_view' GROUP BY page
) AS viewed
LEFT JOIN
(
    SELECT
        page, vital_quantile(0.75, sumMapIf(vitals_1h.buckets, metric = 'LCP')) AS lcp, vital_quantile(0.75, sumMapIf(vitals_1h.buckets, metric = 'INP')) AS inp,
        vital_quantile(0.75, sumMapIf(vitals_1h.buckets, metric = 'CLS')) AS cls, vital_quantile(0.75, sumMapIf(vitals_1h.buckets, metric = 'FCP')) AS fcp,
        vital_quantile(0.75, sumMapIf(vitals_1h.buckets, metric = 'TTFB')) AS ttfb,
        sumIf(vitals_1h.good, metric = 'LCP') / sumIf(vitals_1h.count, metric = 'LCP') AS lcp_good,
        sumIf(vitals_1h.good, metric = 'INP') / sumIf(vitals_1h.count, metric = 'INP') AS inp_good,
        sumIf(vitals_1h.good, metric = 'CLS') / sumIf(vitals_1h.count, metric = 'CLS') AS cls_good
    FROM vitals_1h WHERE project_id = {project:String} AND t >= {since:DateTime} AND t < {until:DateTime} GROUP BY page
) AS measured ON viewed.page = measured.page
LEFT JOIN
(
    SELECT page, sumIf(count, source NOT IN ('deprecation', 'intervention')) AS n FROM errors WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND ts < {until:DateTime} GROUP BY page
) AS failed ON viewed.page = failed.page;

DROP VIEW errors_by_release;

-- Which errors a release has, how many users they hit, and whether they are new.
CREATE VIEW errors_by_release
(
    release LowCardinality(String) COMMENT 'of the application',
    fingerprint UInt64 COMMENT 'equal for errors with one cause',
    name LowCardinality(String) COMMENT 'of the error, such as TypeError',
    message String COMMENT 'of the last one in this release',
    errors UInt64 COMMENT 'errors that were sent',
    estimated_errors Decimal(38, 3) COMMENT 'errors of all users, sampled or not',
    sessions UInt64 COMMENT 'sessions with the error, sent ones',
    first_seen DateTime64(3, 'UTC') COMMENT 'in this release, in the range',
    last_seen DateTime64(3, 'UTC') COMMENT 'in this release, in the range',
    known_since DateTime64(3, 'UTC') COMMENT 'first time in any release, as far back as error_groups reaches'
)
AS SELECT
    found.release AS release, found.fingerprint AS fingerprint, found.name AS name, found.message AS message, found.n AS errors,
    found.estimated AS estimated_errors, found.sessions AS sessions, found.first_seen AS first_seen, found.last_seen AS last_seen,
    if(known.fingerprint = 0, found.first_seen, least(known.since, found.first_seen)) AS known_since
FROM
(
    SELECT
        release, fingerprint, name, argMax(errors.message, ts) AS message, sum(count) AS n, sum(count * toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated,
        uniqIf(session_id, session_id != 0) AS sessions, min(ts) AS first_seen, max(ts) AS last_seen
    FROM errors
    WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND ts < {until:DateTime}
    GROUP BY release, fingerprint, name
) AS found
LEFT JOIN
(
    SELECT fingerprint, min(error_groups.first_seen) AS since FROM error_groups WHERE project_id = {project:String} GROUP BY fingerprint
) AS known ON found.fingerprint = known.fingerprint;

DROP VIEW business_measures;

-- Actions and measures with the values the application gave them: sign-ups, orders and their worth, what took how long.
CREATE VIEW business_measures
(
    day Date COMMENT 'UTC',
    kind String COMMENT 'action or measure',
    name LowCardinality(String) COMMENT 'of the action or measure',
    category LowCardinality(String) COMMENT 'of the action',
    unit LowCardinality(String) COMMENT 'of the measure; empty: not given',
    actions UInt64 COMMENT 'actions or measures that were sent',
    estimated_actions Decimal(38, 3) COMMENT 'of all users, sampled or not',
    sessions UInt64 COMMENT 'sessions with it, sent ones',
    total Float64 COMMENT 'of the values, sent ones',
    estimated_total Float64 COMMENT 'of all users, sampled or not',
    average Float64 COMMENT 'of the values'
)
AS SELECT
    toDate(ts) AS day, toString(events.kind) AS kind, name, category, unit, count() AS actions, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_actions,
    uniqIf(session_id, session_id != 0) AS sessions, sum(value) AS total, sum(value * round(1 / greatest(sample_rate, 0.000001), 3)) AS estimated_total,
    avg(value) AS average
FROM events
WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND ts < {until:DateTime} AND events.kind IN ('action', 'measure')
GROUP BY day, kind, name, category, unit;

-- What pages ask servers for, how long it takes and how often it fails.
CREATE VIEW slow_requests
(
    endpoint LowCardinality(String) COMMENT 'host and route of the address',
    method LowCardinality(String) COMMENT 'such as GET; empty: not known',
    initiator LowCardinality(String) COMMENT 'who asked, such as fetch, xmlhttprequest, img or script',
    requests UInt64 COMMENT 'requests that were sent',
    estimated_requests Decimal(38, 3) COMMENT 'requests of all users, sampled or not',
    failed UInt64 COMMENT 'of requests, those without an answer or with a status from 400 on; what the page gave up is not among them',
    failed_share Float64 COMMENT 'failed by requests, 0 to 1',
    duration_p50 Float64 COMMENT 'median of the durations, milliseconds',
    duration_p75 Float64 COMMENT 'three quarters took at most this',
    duration_p95 Float64 COMMENT '95 of 100 took at most this',
    ttfb_ms Nullable(Float64) COMMENT 'average: from the begin to the first byte',
    transfer_bytes Nullable(Float64) COMMENT 'average: bytes of the answer on the wire',
    sessions UInt64 COMMENT 'sessions with it, sent ones'
)
AS SELECT
    name AS endpoint, method, initiator, count() AS requests, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_requests,
    countIf(failure IN ('network', 'timeout') OR status >= 400) AS failed, failed / requests AS failed_share,
    quantileExactInclusive(0.5)(value) AS duration_p50, quantileExactInclusive(0.75)(value) AS duration_p75,
    quantileExactInclusive(0.95)(value) AS duration_p95, avg(events.ttfb_ms) AS ttfb_ms, avg(events.transfer_bytes) AS transfer_bytes,
    uniqIf(session_id, session_id != 0) AS sessions
FROM events
WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND ts < {until:DateTime} AND kind = 'request'
GROUP BY endpoint, method, initiator;

-- Frames that kept users waiting, by page and the script that ran longest in them.
CREATE VIEW long_frames
(
    page LowCardinality(String) COMMENT 'name or route of the page',
    script_url LowCardinality(String) COMMENT 'the script that ran longest in the frame; empty: not known',
    script_invoker LowCardinality(String) COMMENT 'what called it, such as BUTTON#buy.onclick',
    frames UInt64 COMMENT 'long frames that were sent',
    estimated_frames Decimal(38, 3) COMMENT 'long frames of all users, sampled or not',
    duration_p75 Float64 COMMENT 'p75 of the durations, milliseconds',
    blocking_ms Nullable(Float64) COMMENT 'sum: how long they kept input waiting, milliseconds',
    script_ms Nullable(Float64) COMMENT 'sum: how long the script ran in them, milliseconds',
    sessions UInt64 COMMENT 'sessions with it, sent ones'
)
AS SELECT
    page, longest_script_url AS script_url, longest_script_invoker AS script_invoker, count() AS frames, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_frames,
    quantileExactInclusive(0.75)(value) AS duration_p75, sum(toFloat64(events.blocking_ms)) AS blocking_ms, sum(toFloat64(longest_script_ms)) AS script_ms,
    uniqIf(session_id, session_id != 0) AS sessions
FROM events
WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND ts < {until:DateTime} AND kind = 'long_frame'
GROUP BY page, script_url, script_invoker;

-- How long pages are looked at, and how far down. Each view once, as it was left last.
CREATE VIEW time_on_page
(
    page LowCardinality(String) COMMENT 'name or route of the page',
    views UInt64 COMMENT 'page views that told when they were left or hidden',
    estimated_views Decimal(38, 3) COMMENT 'of all users, sampled or not',
    visible_p50 Float64 COMMENT 'median: how long the view was visible, milliseconds',
    visible_p75 Float64 COMMENT 'three quarters were visible for at most this',
    total_p50 Float64 COMMENT 'median: from its begin to when it was left, milliseconds',
    scroll_average Float64 COMMENT 'deepest part of the page that was seen, 0 to 1',
    to_the_end Float64 COMMENT 'share of views that saw nine tenths of the page or more, 0 to 1'
)
AS SELECT
    page, count() AS views, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_views,
    quantileExactInclusive(0.5)(visible) AS visible_p50, quantileExactInclusive(0.75)(visible) AS visible_p75,
    quantileExactInclusive(0.5)(total) AS total_p50, avg(scroll) AS scroll_average, countIf(scroll >= 0.9) / count() AS to_the_end
FROM
(
    SELECT
        page, max(events.sample_rate) AS sample_rate, argMax(toFloat64(ifNull(visible_ms, 0)), value) AS visible, max(value) AS total,
        argMax(ifNull(scroll_ratio, 0), value) AS scroll
    FROM events
    WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND ts < {until:DateTime} AND kind = 'page_leave'
    GROUP BY page, session_id, if(view_id = 0, event_key, view_id)
)
GROUP BY page;
