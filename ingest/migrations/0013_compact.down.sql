-- A vital's id is again its own, made of the one it has within its page view.
DROP VIEW vital_values;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name IN ('events', 'events_local') AND sorting_key NOT LIKE '%FifteenMinutes%'
CREATE TABLE events_reordered
(
    project_id LowCardinality(String) COMMENT 'the project' CODEC(ZSTD(1)),
    kind Enum8('page_view' = 1, 'vital' = 2, 'action' = 3, 'measure' = 4, 'request' = 5, 'long_frame' = 6, 'page_leave' = 7) COMMENT 'what happened',
    metric Enum8('' = 0, 'FCP' = 1, 'LCP' = 2, 'FID' = 3, 'CLS' = 4, 'INP' = 5, 'TTFB' = 6) COMMENT 'which vital; empty for other kinds',
    ts DateTime64(3, 'UTC') COMMENT 'when it happened, corrected to the service''s clock' CODEC(Delta(8), ZSTD(1)),
    counted_at DateTime('UTC') DEFAULT toDateTime(ts) COMMENT 'vital: the time whose interval in the rollups counts it, which is the start of its page view, or ts if that is not known; 1970: not counted, for it would replace a value of a page view more than 14 days old. Other kinds: ts' CODEC(Delta(4), ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'when the service took the beacon' CODEC(Delta(8), ZSTD(1)),
    skew_ms Int64 COMMENT 'sender''s clock minus the service''s, as removed from ts' CODEC(ZSTD(1)),
    event_id UInt64 COMMENT 'derived from beacon id and position; equal for the same event sent again' CODEC(NONE),
    session_id UInt64 COMMENT '0: not given' CODEC(ZSTD(1)),
    view_id UInt64 COMMENT 'page view; 0: not given' CODEC(ZSTD(1)),
    metric_id UInt64 COMMENT 'one vital of one page load; a later row with the same id replaces this value; 0: not given' CODEC(ZSTD(1)),
    value Float64 COMMENT 'vital: milliseconds, CLS without unit; action and measure: the caller''s number; request and long frame: duration in milliseconds; page leave: milliseconds since the view began; page view: 0' CODEC(ZSTD(1)),
    rating Enum8('' = 0, 'good' = 1, 'needs-improvement' = 2, 'poor' = 3) COMMENT 'of value; empty for other kinds' CODEC(ZSTD(1)),
    prev_value Float64 COMMENT 'the value this row replaces, if prev_rating is not empty' CODEC(ZSTD(1)),
    prev_rating Enum8('' = 0, 'good' = 1, 'needs-improvement' = 2, 'poor' = 3) COMMENT 'of prev_value; empty: nothing is replaced' CODEC(ZSTD(1)),
    page LowCardinality(String) COMMENT 'name or route of the page' CODEC(ZSTD(1)),
    url String COMMENT 'without query and fragment' CODEC(ZSTD(1)),
    navigation_type LowCardinality(String) COMMENT 'page view, vital: how the page was reached: navigate, reload, back-forward, back-forward-cache, prerender, restore, route-change or soft-navigation' CODEC(ZSTD(1)),
    name LowCardinality(String) COMMENT 'action or measure: the caller''s word; request: host and route' CODEC(ZSTD(1)),
    category LowCardinality(String) COMMENT 'of the action' CODEC(ZSTD(1)),
    release LowCardinality(String) COMMENT 'of the application; empty: not given' CODEC(ZSTD(1)),
    env LowCardinality(String) COMMENT 'deployment environment; empty: not given' CODEC(ZSTD(1)),
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet or unknown' CODEC(ZSTD(1)),
    browser LowCardinality(String) COMMENT 'name of the browser, or unknown' CODEC(ZSTD(1)),
    browser_major UInt16 COMMENT 'its major version; 0: not known' CODEC(ZSTD(1)),
    os LowCardinality(String) COMMENT 'operating system, or unknown' CODEC(ZSTD(1)),
    connection LowCardinality(String) COMMENT 'effective connection type' CODEC(ZSTD(1)),
    sample_rate Float32 COMMENT 'divide counts by it' CODEC(ZSTD(1)),
    retention_days UInt16 COMMENT 'days the row is kept after received_at' CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) COMMENT 'what the page said of itself, its user and its feature flags, and what the caller gave; action: target and label of the element, if it was captured' CODEC(ZSTD(1)),
    timings Map(LowCardinality(String), Float64) COMMENT 'page view: navigation timing in milliseconds' CODEC(ZSTD(1)),
    target LowCardinality(String) COMMENT 'LCP, FID, CLS, INP: selector of the element: largest paint, input, largest shift or interaction' CODEC(ZSTD(1)),
    load_state LowCardinality(String) COMMENT 'FCP, FID, CLS, INP: loading, dom-interactive, dom-content-loaded or complete when it happened' CODEC(ZSTD(1)),
    ttfb_ms Nullable(Float64) COMMENT 'FCP, LCP: time to the first byte; request: from its begin to the first byte' CODEC(ZSTD(1)),
    first_byte_to_fcp_ms Nullable(Float64) COMMENT 'FCP: from the first byte to the paint' CODEC(ZSTD(1)),
    resource_url String COMMENT 'LCP: address of the image; absent for text. Request: its address; neither query nor fragment' CODEC(ZSTD(1)),
    resource_load_delay_ms Nullable(Float64) COMMENT 'LCP: from the first byte to the request of the image' CODEC(ZSTD(1)),
    resource_load_duration_ms Nullable(Float64) COMMENT 'LCP: from the request of the image to its end' CODEC(ZSTD(1)),
    element_render_delay_ms Nullable(Float64) COMMENT 'LCP: from the end of the image, or the first byte for text, to the paint' CODEC(ZSTD(1)),
    waiting_ms Nullable(Float64) COMMENT 'TTFB: redirects, and the wait until the fetch or the service worker starts' CODEC(ZSTD(1)),
    cache_ms Nullable(Float64) COMMENT 'TTFB: looking into the HTTP cache, and the service worker''s time' CODEC(ZSTD(1)),
    dns_ms Nullable(Float64) COMMENT 'TTFB: name resolution' CODEC(ZSTD(1)),
    connection_ms Nullable(Float64) COMMENT 'TTFB: connecting, TLS included' CODEC(ZSTD(1)),
    request_ms Nullable(Float64) COMMENT 'TTFB: from the request to the first byte' CODEC(ZSTD(1)),
    largest_shift_time_ms Nullable(Float64) COMMENT 'CLS: when the largest shift of the session window happened' CODEC(ZSTD(1)),
    largest_shift_value Nullable(Float64) COMMENT 'CLS: score of that shift' CODEC(ZSTD(1)),
    interaction_type LowCardinality(String) COMMENT 'INP: pointer or keyboard' CODEC(ZSTD(1)),
    interaction_time_ms Nullable(Float64) COMMENT 'INP: when the user interacted' CODEC(ZSTD(1)),
    input_delay_ms Nullable(Float64) COMMENT 'INP: from the interaction to the first handler' CODEC(ZSTD(1)),
    processing_duration_ms Nullable(Float64) COMMENT 'INP: from the first handler''s start to the last one''s end' CODEC(ZSTD(1)),
    presentation_delay_ms Nullable(Float64) COMMENT 'INP: from the last handler''s end to the next paint' CODEC(ZSTD(1)),
    script_ms Nullable(Float64) COMMENT 'INP: scripts in the long animation frames of the interaction, without forced style and layout' CODEC(ZSTD(1)),
    style_and_layout_ms Nullable(Float64) COMMENT 'INP: style and layout in those frames, forced ones included' CODEC(ZSTD(1)),
    paint_ms Nullable(Float64) COMMENT 'INP: from the end of those frames to the next paint' CODEC(ZSTD(1)),
    unattributed_ms Nullable(Float64) COMMENT 'INP: the rest of the interaction' CODEC(ZSTD(1)),
    longest_script_url LowCardinality(String) COMMENT 'INP, long frame: address of the script that ran longest' CODEC(ZSTD(1)),
    longest_script_invoker LowCardinality(String) COMMENT 'INP, long frame: what called it, such as BUTTON#buy.onclick' CODEC(ZSTD(1)),
    longest_script_subpart LowCardinality(String) COMMENT 'INP: where it began: input-delay, processing-duration or presentation-delay' CODEC(ZSTD(1)),
    longest_script_ms Nullable(Float64) COMMENT 'INP, long frame: how long it ran' CODEC(ZSTD(1)),
    event_type LowCardinality(String) COMMENT 'FID: name of the event, such as pointerdown' CODEC(ZSTD(1)),
    event_time_ms Nullable(Float64) COMMENT 'FID: when the user''s input happened' CODEC(ZSTD(1)),
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: not known' CODEC(ZSTD(1)),
    unit LowCardinality(String) COMMENT 'measure: unit of the value; empty: not given' CODEC(ZSTD(1)),
    action_id UInt64 COMMENT 'action: its own id; request: that of the action that caused it; 0: not known' CODEC(ZSTD(1)),
    initiator LowCardinality(String) COMMENT 'request: who asked, such as fetch, xmlhttprequest, img or script' CODEC(ZSTD(1)),
    method LowCardinality(String) COMMENT 'request: method; empty: not known' CODEC(ZSTD(1)),
    status UInt16 COMMENT 'request: status of the answer; 0: none, or not known' CODEC(ZSTD(1)),
    failure Enum8('' = 0, 'network' = 1, 'abort' = 2, 'timeout' = 3) COMMENT 'request: why there was no answer; empty: answered' CODEC(ZSTD(1)),
    transfer_bytes Nullable(UInt64) COMMENT 'request: bytes of the answer on the wire; 0 from a cache' CODEC(ZSTD(1)),
    decoded_bytes Nullable(UInt64) COMMENT 'request: bytes of the answer''s body, decompressed' CODEC(ZSTD(1)),
    trace_id String COMMENT 'request: trace in the backend, hexadecimal; empty: none' CODEC(ZSTD(1)),
    blocking_ms Nullable(Float64) COMMENT 'long frame: how long it kept input waiting' CODEC(ZSTD(1)),
    visible_ms Nullable(Float64) COMMENT 'page leave: how long the view was visible' CODEC(ZSTD(1)),
    scroll_ratio Nullable(Float32) COMMENT 'page leave: deepest part of the page that was seen, 0 to 1' CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY (toDate(received_at), retention_days)
ORDER BY (project_id, kind, metric, toStartOfHour(ts), page, session_id, ts)
TTL toDateTime(received_at) + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name IN ('events', 'events_local') AND sorting_key NOT LIKE '%FifteenMinutes%'
TRUNCATE TABLE events_reordered;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name IN ('events', 'events_local') AND sorting_key NOT LIKE '%FifteenMinutes%'
INSERT INTO events_reordered
(
    project_id, kind, metric, ts, counted_at, received_at, skew_ms, event_id, session_id, view_id, metric_id, value, rating,
    prev_value, prev_rating, page, url, navigation_type, name, category, release, env, device, browser, browser_major, os, connection,
    sample_rate, retention_days, attributes, timings, target, load_state, ttfb_ms, first_byte_to_fcp_ms, resource_url,
    resource_load_delay_ms, resource_load_duration_ms, element_render_delay_ms, waiting_ms, cache_ms, dns_ms, connection_ms,
    request_ms, largest_shift_time_ms, largest_shift_value, interaction_type, interaction_time_ms, input_delay_ms,
    processing_duration_ms, presentation_delay_ms, script_ms, style_and_layout_ms, paint_ms, unattributed_ms, longest_script_url,
    longest_script_invoker, longest_script_subpart, longest_script_ms, event_type, event_time_ms, country, unit, action_id, initiator,
    method, status, failure, transfer_bytes, decoded_bytes, trace_id, blocking_ms, visible_ms, scroll_ratio
)
SELECT
    project_id, kind, metric, ts, counted_at, received_at, skew_ms, event_id, session_id, view_id,
    if(view_id != 0 AND metric_id != 0, sipHash64(view_id, toInt8(metric), metric_id), metric_id), value, rating, prev_value,
    prev_rating, page, url, navigation_type, name, category, release, env, device, browser, browser_major, os, connection, sample_rate,
    retention_days, attributes, timings, target, load_state, ttfb_ms, first_byte_to_fcp_ms, resource_url, resource_load_delay_ms,
    resource_load_duration_ms, element_render_delay_ms, waiting_ms, cache_ms, dns_ms, connection_ms, request_ms, largest_shift_time_ms,
    largest_shift_value, interaction_type, interaction_time_ms, input_delay_ms, processing_duration_ms, presentation_delay_ms,
    script_ms, style_and_layout_ms, paint_ms, unattributed_ms, longest_script_url, longest_script_invoker, longest_script_subpart,
    longest_script_ms, event_type, event_time_ms, country, unit, action_id, initiator, method, status, failure, transfer_bytes,
    decoded_bytes, trace_id, blocking_ms, visible_ms, scroll_ratio
FROM events
SETTINGS max_partitions_per_insert_block = 0, max_execution_time = 0;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name IN ('events', 'events_local') AND sorting_key NOT LIKE '%FifteenMinutes%'
EXCHANGE TABLES events AND events_reordered;

DROP TABLE events_reordered;

DETACH TABLE vitals_5m_mv;

ATTACH TABLE vitals_5m_mv;

DETACH TABLE vitals_1h_mv;

ATTACH TABLE vitals_1h_mv;

DETACH TABLE vitals_1d_mv;

ATTACH TABLE vitals_1d_mv;

DETACH TABLE sessions_of_events_mv;

ATTACH TABLE sessions_of_events_mv;

DETACH TABLE activity_of_events_mv;

ATTACH TABLE activity_of_events_mv;

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
