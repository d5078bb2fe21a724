-- Views for people. Each takes the project and a range of time: SELECT * FROM web_vitals(project = 'shop', since = today() - 7, until = now()).
-- Each vital once, with its last value and what explains it. Page views that began in [since, until).
CREATE VIEW vital_values
(
    metric Enum8('' = 0, 'FCP' = 1, 'LCP' = 2, 'FID' = 3, 'CLS' = 4, 'INP' = 5, 'TTFB' = 6) COMMENT 'which vital',
    counted_at DateTime('UTC') COMMENT 'when its page view began',
    ts DateTime64(3, 'UTC') COMMENT 'when its last report was made',
    value Float64 COMMENT 'its last value: milliseconds, CLS without unit',
    rating Enum8('' = 0, 'good' = 1, 'needs-improvement' = 2, 'poor' = 3) COMMENT 'of the value',
    page LowCardinality(String) COMMENT 'name or route of the page',
    url String COMMENT 'without query and fragment',
    navigation_type LowCardinality(String) COMMENT 'how the page was reached',
    session_id UInt64 COMMENT '0: not given',
    view_id UInt64 COMMENT 'page view; 0: not given',
    metric_id UInt64 COMMENT 'one vital of one page load; 0: not given',
    release LowCardinality(String) COMMENT 'of the application',
    env LowCardinality(String) COMMENT 'deployment environment',
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet or unknown',
    browser LowCardinality(String) COMMENT 'name of the browser',
    browser_major UInt16 COMMENT 'its major version',
    os LowCardinality(String) COMMENT 'operating system',
    connection LowCardinality(String) COMMENT 'effective connection type',
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: not known',
    sample_rate Float32 COMMENT 'divide counts by it',
    target LowCardinality(String) COMMENT 'LCP, FID, CLS, INP: selector of the element',
    load_state LowCardinality(String) COMMENT 'FCP, FID, CLS, INP: loading, dom-interactive, dom-content-loaded or complete when it happened',
    ttfb_ms Nullable(Float64) COMMENT 'FCP, LCP: time to the first byte',
    first_byte_to_fcp_ms Nullable(Float64) COMMENT 'FCP: from the first byte to the paint',
    resource_url String COMMENT 'LCP: address of the image; empty for text',
    resource_load_delay_ms Nullable(Float64) COMMENT 'LCP: from the first byte to the request of the image',
    resource_load_duration_ms Nullable(Float64) COMMENT 'LCP: from the request of the image to its end',
    element_render_delay_ms Nullable(Float64) COMMENT 'LCP: from the end of the image, or the first byte for text, to the paint',
    waiting_ms Nullable(Float64) COMMENT 'TTFB: redirects, and the wait until the fetch or the service worker starts',
    cache_ms Nullable(Float64) COMMENT 'TTFB: looking into the HTTP cache, and the service worker''s time',
    dns_ms Nullable(Float64) COMMENT 'TTFB: name resolution',
    connection_ms Nullable(Float64) COMMENT 'TTFB: connecting, TLS included',
    request_ms Nullable(Float64) COMMENT 'TTFB: from the request to the first byte',
    largest_shift_time_ms Nullable(Float64) COMMENT 'CLS: when the largest shift of the session window happened',
    largest_shift_value Nullable(Float64) COMMENT 'CLS: score of that shift',
    interaction_type LowCardinality(String) COMMENT 'INP: pointer or keyboard',
    interaction_time_ms Nullable(Float64) COMMENT 'INP: when the user interacted',
    input_delay_ms Nullable(Float64) COMMENT 'INP: from the interaction to the first handler',
    processing_duration_ms Nullable(Float64) COMMENT 'INP: from the first handler''s start to the last one''s end',
    presentation_delay_ms Nullable(Float64) COMMENT 'INP: from the last handler''s end to the next paint',
    script_ms Nullable(Float64) COMMENT 'INP: scripts in the long animation frames of the interaction, without forced style and layout',
    style_and_layout_ms Nullable(Float64) COMMENT 'INP: style and layout in those frames, forced ones included',
    paint_ms Nullable(Float64) COMMENT 'INP: from the end of those frames to the next paint',
    unattributed_ms Nullable(Float64) COMMENT 'INP: the rest of the interaction',
    longest_script_url LowCardinality(String) COMMENT 'INP: address of the script that ran longest during the interaction',
    longest_script_invoker LowCardinality(String) COMMENT 'INP: what called it, such as BUTTON#buy.onclick',
    longest_script_subpart LowCardinality(String) COMMENT 'INP: where it began: input-delay, processing-duration or presentation-delay',
    longest_script_ms Nullable(Float64) COMMENT 'INP: how long it ran during the interaction',
    event_type LowCardinality(String) COMMENT 'FID: name of the event, such as pointerdown',
    event_time_ms Nullable(Float64) COMMENT 'FID: when the user''s input happened'
)
AS SELECT
    metric, counted_at, ts, value, rating, page,
    url, navigation_type, session_id, view_id, metric_id, release,
    env, device, browser, browser_major, os, connection,
    country, sample_rate, target, load_state, ttfb_ms, first_byte_to_fcp_ms,
    resource_url, resource_load_delay_ms, resource_load_duration_ms, element_render_delay_ms, waiting_ms, cache_ms,
    dns_ms, connection_ms, request_ms, largest_shift_time_ms, largest_shift_value, interaction_type,
    interaction_time_ms, input_delay_ms, processing_duration_ms, presentation_delay_ms, script_ms, style_and_layout_ms,
    paint_ms, unattributed_ms, longest_script_url, longest_script_invoker, longest_script_subpart, longest_script_ms,
    event_type, event_time_ms
FROM events
WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND kind = 'vital' AND counted_at >= {since:DateTime} AND counted_at < {until:DateTime}
    AND (metric_id = 0 OR metric_id NOT IN
    (
        SELECT metric_id FROM events WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND kind = 'vital' AND counted_at >= {since:DateTime} AND counted_at < {until:DateTime} AND prev_rating != ''
    )
    OR (metric_id, event_id) IN
    (
        SELECT metric_id, argMax(event_id, (ts, value, event_id)) FROM events
        WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND kind = 'vital' AND counted_at >= {since:DateTime} AND counted_at < {until:DateTime} AND metric_id IN (SELECT metric_id FROM events WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND kind = 'vital' AND counted_at >= {since:DateTime} AND counted_at < {until:DateTime} AND prev_rating != '')
        GROUP BY metric_id
    ));

-- The vitals by page, device and release, from the rollup: page views that began in hours that begin in [since, until).
CREATE VIEW web_vitals
(
    metric Enum8('' = 0, 'FCP' = 1, 'LCP' = 2, 'FID' = 3, 'CLS' = 4, 'INP' = 5, 'TTFB' = 6) COMMENT 'which vital',
    page LowCardinality(String) COMMENT 'name or route of the page',
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet or unknown',
    release LowCardinality(String) COMMENT 'of the application',
    count Int64 COMMENT 'vitals that were sent',
    estimated_count Decimal(38, 3) COMMENT 'vitals of all users, sampled or not',
    average Float64 COMMENT 'of the values: milliseconds, CLS without unit',
    p50 Float64 COMMENT 'median',
    p75 Float64 COMMENT 'three quarters are at most this',
    p90 Float64 COMMENT 'nine in ten are at most this',
    p95 Float64 COMMENT '95 of 100 are at most this',
    p99 Float64 COMMENT '99 of 100 are at most this',
    good Float64 COMMENT 'share rated good, 0 to 1',
    needs_improvement Float64 COMMENT 'share rated needs-improvement',
    poor Float64 COMMENT 'share rated poor',
    buckets Map(Int16, Int64) COMMENT 'histogram, to sum rows up: vital_quantile(0.75, sumMap(buckets))'
)
AS SELECT
    metric, page, device, release, count, estimated_count, total / count AS average,
    quantiles[1] AS p50, quantiles[2] AS p75, quantiles[3] AS p90, quantiles[4] AS p95, quantiles[5] AS p99,
    good_count / count AS good, needs_improvement_count / count AS needs_improvement, poor_count / count AS poor, buckets
FROM
(
    SELECT
        metric, page, device, release, sum(vitals_1h.count) AS count, sum(vitals_1h.estimated_count) AS estimated_count,
        sum(vitals_1h.sum) AS total, sum(vitals_1h.good) AS good_count,
        sum(vitals_1h.needs_improvement) AS needs_improvement_count, sum(vitals_1h.poor) AS poor_count,
        sumMap(vitals_1h.buckets) AS buckets, vital_quantiles([0.5, 0.75, 0.9, 0.95, 0.99], buckets) AS quantiles
    FROM vitals_1h
    WHERE project_id = {project:String} AND t >= {since:DateTime} AND t < {until:DateTime}
    GROUP BY metric, page, device, release
    HAVING count > 0
);

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

-- Interactions over 200 ms by page and element, and where their time went.
CREATE VIEW slow_interactions
(
    page LowCardinality(String) COMMENT 'name or route of the page',
    target LowCardinality(String) COMMENT 'selector of the element; empty: not known',
    interaction_type LowCardinality(String) COMMENT 'pointer or keyboard',
    interactions UInt64 COMMENT 'slow ones that were sent',
    estimated_interactions Decimal(38, 3) COMMENT 'slow ones of all users, sampled or not',
    poor UInt64 COMMENT 'of interactions, those over 500 ms',
    inp_p75 Float64 COMMENT 'p75 of these, milliseconds',
    input_delay_ms Nullable(Float64) COMMENT 'average: from the interaction to the first handler',
    processing_duration_ms Nullable(Float64) COMMENT 'average: from the first handler''s start to the last one''s end',
    presentation_delay_ms Nullable(Float64) COMMENT 'average: from the last handler''s end to the next paint',
    script_ms Nullable(Float64) COMMENT 'average: scripts in the long frames',
    style_and_layout_ms Nullable(Float64) COMMENT 'average: style and layout in them',
    longest_script_url String COMMENT 'the script that ran longest most often; empty: not known',
    longest_script_invoker String COMMENT 'what called a script most often, such as BUTTON#buy.onclick'
)
AS SELECT
    page, target, interaction_type, count() AS interactions, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_interactions,
    countIf(rating = 'poor') AS poor, quantileExactInclusive(0.75)(value) AS inp_p75, avg(v.input_delay_ms) AS input_delay_ms,
    avg(v.processing_duration_ms) AS processing_duration_ms, avg(v.presentation_delay_ms) AS presentation_delay_ms,
    avg(v.script_ms) AS script_ms, avg(v.style_and_layout_ms) AS style_and_layout_ms,
    topKWeightedIf(1)(v.longest_script_url, 1, v.longest_script_url != '')[1] AS longest_script_url,
    topKWeightedIf(1)(v.longest_script_invoker, 1, v.longest_script_invoker != '')[1] AS longest_script_invoker
FROM vital_values(project = {project:String}, since = {since:DateTime}, until = {until:DateTime}) AS v
WHERE metric = 'INP' AND rating != 'good'
GROUP BY page, target, interaction_type;

-- What the largest paint was, and what its time was spent on.
CREATE VIEW lcp_elements
(
    page LowCardinality(String) COMMENT 'name or route of the page',
    target LowCardinality(String) COMMENT 'selector of the element; empty: not known',
    resource_url String COMMENT 'address of the image; empty for text',
    loads UInt64 COMMENT 'loads that were sent',
    estimated_loads Decimal(38, 3) COMMENT 'loads of all users, sampled or not',
    lcp_p75 Float64 COMMENT 'p75 of LCP, milliseconds',
    good Float64 COMMENT 'share rated good, 0 to 1',
    ttfb_ms Nullable(Float64) COMMENT 'average: time to the first byte',
    resource_load_delay_ms Nullable(Float64) COMMENT 'average: from the first byte to the request of the image',
    resource_load_duration_ms Nullable(Float64) COMMENT 'average: from the request of the image to its end',
    element_render_delay_ms Nullable(Float64) COMMENT 'average: from the end of the image, or the first byte for text, to the paint'
)
AS SELECT
    page, target, resource_url, count() AS loads, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_loads,
    quantileExactInclusive(0.75)(value) AS lcp_p75, countIf(rating = 'good') / count() AS good, avg(v.ttfb_ms) AS ttfb_ms,
    avg(v.resource_load_delay_ms) AS resource_load_delay_ms, avg(v.resource_load_duration_ms) AS resource_load_duration_ms,
    avg(v.element_render_delay_ms) AS element_render_delay_ms
FROM vital_values(project = {project:String}, since = {since:DateTime}, until = {until:DateTime}) AS v
WHERE metric = 'LCP'
GROUP BY page, target, resource_url;

-- What moves under the user's eyes. Loads without a shift are left out.
CREATE VIEW layout_shifts
(
    page LowCardinality(String) COMMENT 'name or route of the page',
    target LowCardinality(String) COMMENT 'selector of what shifted most; empty: not known',
    loads UInt64 COMMENT 'loads with a shift that were sent',
    estimated_loads Decimal(38, 3) COMMENT 'loads of all users, sampled or not',
    cls_p75 Float64 COMMENT 'p75 of CLS',
    poor UInt64 COMMENT 'of loads, those with a CLS over 0.25',
    largest_shift_value Nullable(Float64) COMMENT 'average: score of the largest shift',
    largest_shift_time_ms Nullable(Float64) COMMENT 'average: when it happened, from the start of the load',
    while_loading Float64 COMMENT 'share that shifted before the load was complete, 0 to 1'
)
AS SELECT
    page, target, count() AS loads, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_loads, quantileExactInclusive(0.75)(value) AS cls_p75,
    countIf(rating = 'poor') AS poor, avg(v.largest_shift_value) AS largest_shift_value,
    avg(v.largest_shift_time_ms) AS largest_shift_time_ms, countIf(load_state NOT IN ('', 'complete')) / count() AS while_loading
FROM vital_values(project = {project:String}, since = {since:DateTime}, until = {until:DateTime}) AS v
WHERE metric = 'CLS' AND value > 0
GROUP BY page, target;

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

-- Sessions that began in [since, until), and how many of them met an error.
CREATE VIEW sessions_with_errors
(
    release String COMMENT 'of the application',
    device String COMMENT 'desktop, mobile, tablet or unknown',
    browser String COMMENT 'name of the browser',
    os String COMMENT 'operating system',
    country String COMMENT 'ISO 3166-1 alpha-2; empty: not known',
    sessions UInt64 COMMENT 'sessions that were sent',
    estimated_sessions Decimal(38, 3) COMMENT 'sessions of all users, sampled or not',
    with_errors UInt64 COMMENT 'of sessions, those with an error',
    errors UInt64 COMMENT 'errors in them'
)
AS SELECT
    release, device, browser, os, country, count() AS sessions, sum(toDecimal64(round(1 / greatest(sample_rate, 0.000001), 3), 3)) AS estimated_sessions,
    countIf(failures > 0) AS with_errors, sum(failures) AS errors
FROM
(
    SELECT
        session_id, max(sessions.release) AS release, max(sessions.device) AS device, max(sessions.browser) AS browser,
        max(sessions.os) AS os, max(sessions.country) AS country, max(sessions.sample_rate) AS sample_rate,
        sum(sessions.errors) AS failures, min(sessions.started_at) AS began
    FROM sessions
    WHERE project_id = {project:String} AND day >= toDate({since:DateTime}) - 1 AND day <= toDate({until:DateTime}) + 14
    GROUP BY session_id
    HAVING began >= {since:DateTime} AND began < {until:DateTime}
)
GROUP BY release, device, browser, os, country;

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
