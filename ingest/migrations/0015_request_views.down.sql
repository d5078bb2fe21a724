DROP VIEW time_on_page;

DROP VIEW long_frames;

DROP VIEW slow_requests;

DROP VIEW business_measures;

-- Actions and the values the application gave them: sign-ups, orders and their worth.
CREATE VIEW business_measures
(
    day Date COMMENT 'UTC',
    name LowCardinality(String) COMMENT 'of the action',
    category LowCardinality(String) COMMENT 'of the action',
    actions UInt64 COMMENT 'that were sent',
    estimated_actions Decimal(38, 3) COMMENT 'of all users, sampled or not',
    sessions UInt64 COMMENT 'sessions with the action, sent ones',
    total Float64 COMMENT 'of the values the caller gave, sent ones',
    estimated_total Float64 COMMENT 'of all users, sampled or not',
    average Float64 COMMENT 'of the values'
)
AS SELECT
    toDate(ts) AS day, name, category, count() AS actions, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_actions,
    uniqIf(session_id, session_id != 0) AS sessions, sum(value) AS total, sum(value * round(1 / greatest(sample_rate, 0.000001), 3)) AS estimated_total,
    avg(value) AS average
FROM events
WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND ts < {until:DateTime} AND kind = 'action'
GROUP BY day, name, category;

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
        release, fingerprint, name, argMax(errors.message, ts) AS message, count() AS n, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated,
        uniqIf(session_id, session_id != 0) AS sessions, min(ts) AS first_seen, max(ts) AS last_seen
    FROM errors
    WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND ts < {until:DateTime}
    GROUP BY release, fingerprint, name
) AS found
LEFT JOIN
(
    SELECT fingerprint, min(error_groups.first_seen) AS since FROM error_groups WHERE project_id = {project:String} GROUP BY fingerprint
) AS known ON found.fingerprint = known.fingerprint;

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
    SELECT page, count() AS n FROM errors WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND ts < {until:DateTime} GROUP BY page
) AS failed ON viewed.page = failed.page;

-- The new kinds stay: a value of a sorting key cannot be taken back.
ALTER TABLE activity_of_events_mv MODIFY QUERY
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

DETACH TABLE activity_of_events_mv;

ATTACH TABLE activity_of_events_mv;

ALTER TABLE activity_of_errors_mv MODIFY QUERY
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

DETACH TABLE activity_of_errors_mv;

ATTACH TABLE activity_of_errors_mv;

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

DETACH TABLE sessions_of_errors_mv;

ATTACH TABLE sessions_of_errors_mv;

ALTER TABLE error_groups_mv MODIFY QUERY
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

DETACH TABLE error_groups_mv;

ATTACH TABLE error_groups_mv;
