-- A vital in a third of the bytes. What one page view reports lies close together, each vital in a run of its own, so that the ids of a run repeat
-- those of the run before, and what other vitals do not have costs nothing. Times that explain a vital are tenths of a millisecond, as fine as
-- browsers tell them. The id of a vital is told within its page view, that of a report is computed. A table's order cannot be changed, so this
-- makes another, fills it, and puts it in the place of the first.
-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name IN ('events', 'events_local') AND sorting_key LIKE '%FifteenMinutes%'
CREATE TABLE events_reordered
(
    project_id LowCardinality(String) COMMENT 'the project' CODEC(ZSTD(1)),
    kind Enum8('page_view' = 1, 'vital' = 2, 'action' = 3, 'measure' = 4, 'request' = 5, 'long_frame' = 6, 'page_leave' = 7) COMMENT 'what happened',
    metric Enum8('' = 0, 'FCP' = 1, 'LCP' = 2, 'FID' = 3, 'CLS' = 4, 'INP' = 5, 'TTFB' = 6) COMMENT 'which vital; empty for other kinds',
    ts DateTime64(3, 'UTC') COMMENT 'when it happened, corrected to the service''s clock' CODEC(T64, ZSTD(1)),
    counted_at DateTime('UTC') DEFAULT toDateTime(ts) COMMENT 'vital: the time whose interval in the rollups counts it, which is the start of its page view, or ts if that is not known; 1970: not counted, for it would replace a value of a page view more than 14 days old. Other kinds: ts' CODEC(Delta(4), ZSTD(3)),
    received_at DateTime64(3, 'UTC') COMMENT 'when the service took the beacon' CODEC(ZSTD(6)),
    skew_ms Int64 COMMENT 'sender''s clock minus the service''s, as removed from ts' CODEC(ZSTD(6)),
    event_key UInt64 COMMENT 'an event by beacon and position, equal if it is sent again; 0: a report of a vital, which its page view, vital, time and value tell from others' CODEC(ZSTD(1)),
    event_id UInt64 ALIAS if(event_key != 0, event_key, sipHash64(view_id, toInt8(metric), metric_id, toUnixTimestamp64Milli(ts) + skew_ms, value)) COMMENT 'an event, equal if it is sent again; computed when it is read',
    session_id UInt64 COMMENT '0: not given' CODEC(ZSTD(6)),
    view_id UInt64 COMMENT 'page view; 0: not given' CODEC(LZ4HC(9)),
    metric_id UInt64 COMMENT 'with view_id and metric: one vital of one page load; a later row with the same replaces this value; 0: not given' CODEC(T64, ZSTD(1)),
    value Float64 COMMENT 'vital: milliseconds, CLS without unit; action and measure: the caller''s number; request and long frame: duration in milliseconds; page leave: milliseconds since the view began; page view: 0' CODEC(ZSTD(6)),
    rating Enum8('' = 0, 'good' = 1, 'needs-improvement' = 2, 'poor' = 3) COMMENT 'of value; empty for other kinds' CODEC(ZSTD(6)),
    prev_value Float64 COMMENT 'the value this row replaces, if prev_rating is not empty' CODEC(ZSTD(1)),
    prev_rating Enum8('' = 0, 'good' = 1, 'needs-improvement' = 2, 'poor' = 3) COMMENT 'of prev_value; empty: nothing is replaced' CODEC(ZSTD(1)),
    page LowCardinality(String) COMMENT 'name or route of the page' CODEC(ZSTD(6)),
    url String COMMENT 'without query and fragment' CODEC(ZSTD(3)),
    navigation_type LowCardinality(String) COMMENT 'page view, vital: how the page was reached: navigate, reload, back-forward, back-forward-cache, prerender, restore, route-change or soft-navigation' CODEC(ZSTD(6)),
    name LowCardinality(String) COMMENT 'action or measure: the caller''s word; request: host and route' CODEC(ZSTD(1)),
    category LowCardinality(String) COMMENT 'of the action' CODEC(ZSTD(1)),
    release LowCardinality(String) COMMENT 'of the application; empty: not given' CODEC(ZSTD(6)),
    env LowCardinality(String) COMMENT 'deployment environment; empty: not given' CODEC(ZSTD(6)),
    device LowCardinality(String) COMMENT 'desktop, mobile, tablet or unknown' CODEC(ZSTD(6)),
    browser LowCardinality(String) COMMENT 'name of the browser, or unknown' CODEC(ZSTD(6)),
    browser_major UInt16 COMMENT 'its major version; 0: not known' CODEC(ZSTD(6)),
    os LowCardinality(String) COMMENT 'operating system, or unknown' CODEC(ZSTD(6)),
    connection LowCardinality(String) COMMENT 'effective connection type' CODEC(ZSTD(6)),
    sample_rate Float32 COMMENT 'divide counts by it' CODEC(ZSTD(6)),
    retention_days UInt16 COMMENT 'days the row is kept after received_at' CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) COMMENT 'what the page said of itself, its user and its feature flags, and what the caller gave; action: target and label of the element, if it was captured' CODEC(ZSTD(1)),
    timings Map(LowCardinality(String), Float64) COMMENT 'page view: navigation timing in milliseconds' CODEC(ZSTD(1)),
    target LowCardinality(String) COMMENT 'LCP, FID, CLS, INP: selector of the element: largest paint, input, largest shift or interaction' CODEC(ZSTD(6)),
    load_state LowCardinality(String) COMMENT 'FCP, FID, CLS, INP: loading, dom-interactive, dom-content-loaded or complete when it happened' CODEC(ZSTD(6)),
    ttfb_ms Nullable(Decimal(9, 1)) COMMENT 'FCP, LCP: time to the first byte; request: from its begin to the first byte' CODEC(ZSTD(3)),
    first_byte_to_fcp_ms Nullable(Decimal(9, 1)) COMMENT 'FCP: from the first byte to the paint' CODEC(T64, ZSTD(1)),
    resource_url String COMMENT 'LCP: address of the image; absent for text. Request: its address; neither query nor fragment' CODEC(ZSTD(3)),
    resource_load_delay_ms Nullable(Decimal(9, 1)) COMMENT 'LCP: from the first byte to the request of the image' CODEC(T64, ZSTD(1)),
    resource_load_duration_ms Nullable(Decimal(9, 1)) COMMENT 'LCP: from the request of the image to its end' CODEC(T64, ZSTD(1)),
    element_render_delay_ms Nullable(Decimal(9, 1)) COMMENT 'LCP: from the end of the image, or the first byte for text, to the paint' CODEC(T64, ZSTD(1)),
    waiting_ms Nullable(Decimal(9, 1)) COMMENT 'TTFB: redirects, and the wait until the fetch or the service worker starts' CODEC(T64, ZSTD(1)),
    cache_ms Nullable(Decimal(9, 1)) COMMENT 'TTFB: looking into the HTTP cache, and the service worker''s time' CODEC(T64, ZSTD(1)),
    dns_ms Nullable(Decimal(9, 1)) COMMENT 'TTFB: name resolution' CODEC(ZSTD(1)),
    connection_ms Nullable(Decimal(9, 1)) COMMENT 'TTFB: connecting, TLS included' CODEC(ZSTD(1)),
    request_ms Nullable(Decimal(9, 1)) COMMENT 'TTFB: from the request to the first byte' CODEC(T64, ZSTD(1)),
    largest_shift_time_ms Nullable(Decimal(18, 1)) COMMENT 'CLS: when the largest shift of the session window happened' CODEC(T64, ZSTD(1)),
    largest_shift_value Nullable(Decimal(9, 6)) COMMENT 'CLS: score of that shift' CODEC(T64, ZSTD(1)),
    interaction_type LowCardinality(String) COMMENT 'INP: pointer or keyboard' CODEC(ZSTD(1)),
    interaction_time_ms Nullable(Decimal(18, 1)) COMMENT 'INP: when the user interacted' CODEC(T64, ZSTD(1)),
    input_delay_ms Nullable(Decimal(9, 1)) COMMENT 'INP: from the interaction to the first handler' CODEC(T64, ZSTD(1)),
    processing_duration_ms Nullable(Decimal(9, 1)) COMMENT 'INP: from the first handler''s start to the last one''s end' CODEC(T64, ZSTD(1)),
    presentation_delay_ms Nullable(Decimal(9, 1)) COMMENT 'INP: from the last handler''s end to the next paint' CODEC(T64, ZSTD(1)),
    script_ms Nullable(Decimal(9, 1)) COMMENT 'INP: scripts in the long animation frames of the interaction, without forced style and layout' CODEC(T64, ZSTD(1)),
    style_and_layout_ms Nullable(Decimal(9, 1)) COMMENT 'INP: style and layout in those frames, forced ones included' CODEC(T64, ZSTD(1)),
    paint_ms Nullable(Decimal(9, 1)) COMMENT 'INP: from the end of those frames to the next paint' CODEC(T64, ZSTD(1)),
    unattributed_ms Nullable(Decimal(9, 1)) COMMENT 'INP: the rest of the interaction' CODEC(T64, ZSTD(1)),
    longest_script_url LowCardinality(String) COMMENT 'INP, long frame: address of the script that ran longest' CODEC(ZSTD(6)),
    longest_script_invoker LowCardinality(String) COMMENT 'INP, long frame: what called it, such as BUTTON#buy.onclick' CODEC(ZSTD(6)),
    longest_script_subpart LowCardinality(String) COMMENT 'INP: where it began: input-delay, processing-duration or presentation-delay' CODEC(ZSTD(1)),
    longest_script_ms Nullable(Decimal(9, 1)) COMMENT 'INP, long frame: how long it ran' CODEC(T64, ZSTD(1)),
    event_type LowCardinality(String) COMMENT 'FID: name of the event, such as pointerdown' CODEC(ZSTD(1)),
    event_time_ms Nullable(Decimal(18, 1)) COMMENT 'FID: when the user''s input happened' CODEC(T64, ZSTD(1)),
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: not known' CODEC(ZSTD(6)),
    unit LowCardinality(String) COMMENT 'measure: unit of the value; empty: not given' CODEC(ZSTD(1)),
    action_id UInt64 COMMENT 'action: its own id; request: that of the action that caused it; 0: not known' CODEC(ZSTD(1)),
    initiator LowCardinality(String) COMMENT 'request: who asked, such as fetch, xmlhttprequest, img or script' CODEC(ZSTD(1)),
    method LowCardinality(String) COMMENT 'request: method; empty: not known' CODEC(ZSTD(1)),
    status UInt16 COMMENT 'request: status of the answer; 0: none, or not known' CODEC(ZSTD(1)),
    failure Enum8('' = 0, 'network' = 1, 'abort' = 2, 'timeout' = 3) COMMENT 'request: why there was no answer; empty: answered' CODEC(ZSTD(1)),
    transfer_bytes Nullable(UInt64) COMMENT 'request: bytes of the answer on the wire; 0 from a cache' CODEC(ZSTD(1)),
    decoded_bytes Nullable(UInt64) COMMENT 'request: bytes of the answer''s body, decompressed' CODEC(ZSTD(1)),
    trace_id String COMMENT 'request: trace in the backend, hexadecimal; empty: none' CODEC(ZSTD(1)),
    blocking_ms Nullable(Decimal(9, 1)) COMMENT 'long frame: how long it kept input waiting' CODEC(T64, ZSTD(1)),
    visible_ms Nullable(Decimal(18, 1)) COMMENT 'page leave: how long the view was visible' CODEC(T64, ZSTD(1)),
    scroll_ratio Nullable(Float32) COMMENT 'page leave: deepest part of the page that was seen, 0 to 1' CODEC(ZSTD(1)),
    INDEX ts_range ts TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY (toDate(received_at), retention_days)
ORDER BY (project_id, kind, toStartOfFifteenMinutes(counted_at), metric, prev_rating != '', counted_at, session_id, view_id)
TTL toDateTime(received_at) + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_compress_block_size = 1048576, max_compress_block_size = 1048576;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name IN ('events', 'events_local') AND sorting_key LIKE '%FifteenMinutes%'
TRUNCATE TABLE events_reordered;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name IN ('events', 'events_local') AND sorting_key LIKE '%FifteenMinutes%'
INSERT INTO events_reordered
(
    project_id, kind, metric, ts, counted_at, received_at, skew_ms, event_key, session_id, view_id, metric_id, value, rating,
    prev_value, prev_rating, page, url, navigation_type, name, category, release, env, device, browser, browser_major, os, connection,
    sample_rate, retention_days, attributes, timings, target, load_state, ttfb_ms, first_byte_to_fcp_ms, resource_url,
    resource_load_delay_ms, resource_load_duration_ms, element_render_delay_ms, waiting_ms, cache_ms, dns_ms, connection_ms,
    request_ms, largest_shift_time_ms, largest_shift_value, interaction_type, interaction_time_ms, input_delay_ms,
    processing_duration_ms, presentation_delay_ms, script_ms, style_and_layout_ms, paint_ms, unattributed_ms, longest_script_url,
    longest_script_invoker, longest_script_subpart, longest_script_ms, event_type, event_time_ms, country, unit, action_id, initiator,
    method, status, failure, transfer_bytes, decoded_bytes, trace_id, blocking_ms, visible_ms, scroll_ratio
)
WITH (number, most) -> if(isNull(number), NULL, least(greatest(number, -most), most)) AS within
SELECT
    project_id, kind, metric, ts, counted_at, received_at, skew_ms, event_id, session_id, view_id,
    if(view_id != 0 AND metric_id != 0, metric_id % 255 + 1, metric_id), value, rating, prev_value, prev_rating, page, url,
    navigation_type, name, category, release, env, device, browser, browser_major, os, connection, sample_rate, retention_days,
    attributes, timings, target, load_state, within(ttfb_ms, 99999999.), within(first_byte_to_fcp_ms, 99999999.), resource_url,
    within(resource_load_delay_ms, 99999999.), within(resource_load_duration_ms, 99999999.),
    within(element_render_delay_ms, 99999999.), within(waiting_ms, 99999999.), within(cache_ms, 99999999.), within(dns_ms, 99999999.),
    within(connection_ms, 99999999.), within(request_ms, 99999999.), within(largest_shift_time_ms, 99999999.),
    within(largest_shift_value, 999.), interaction_type, within(interaction_time_ms, 99999999.), within(input_delay_ms, 99999999.),
    within(processing_duration_ms, 99999999.), within(presentation_delay_ms, 99999999.), within(script_ms, 99999999.),
    within(style_and_layout_ms, 99999999.), within(paint_ms, 99999999.), within(unattributed_ms, 99999999.), longest_script_url,
    longest_script_invoker, longest_script_subpart, within(longest_script_ms, 99999999.), event_type, within(event_time_ms, 99999999.),
    country, unit, action_id, initiator, method, status, failure, transfer_bytes, decoded_bytes, trace_id,
    within(blocking_ms, 99999999.), within(visible_ms, 99999999.), scroll_ratio
FROM events
SETTINGS max_partitions_per_insert_block = 0, max_execution_time = 0;

-- unless: SELECT count() > 0 FROM system.tables WHERE database = currentDatabase() AND name IN ('events', 'events_local') AND sorting_key LIKE '%FifteenMinutes%'
EXCHANGE TABLES events AND events_reordered;

DROP TABLE events_reordered;

-- Attached again for the reason given in 0005.
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

DROP VIEW vital_values;

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
    metric_id UInt64 COMMENT 'with view_id and metric: one vital of one page load; 0: not given',
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
    metric, counted_at, ts, value, rating, page, url, navigation_type, session_id, view_id, metric_id, release, env, device, browser,
    browser_major, os, connection, country, sample_rate, target, load_state, toFloat64(events.ttfb_ms) AS ttfb_ms,
    toFloat64(events.first_byte_to_fcp_ms) AS first_byte_to_fcp_ms, resource_url,
    toFloat64(events.resource_load_delay_ms) AS resource_load_delay_ms,
    toFloat64(events.resource_load_duration_ms) AS resource_load_duration_ms,
    toFloat64(events.element_render_delay_ms) AS element_render_delay_ms, toFloat64(events.waiting_ms) AS waiting_ms,
    toFloat64(events.cache_ms) AS cache_ms, toFloat64(events.dns_ms) AS dns_ms, toFloat64(events.connection_ms) AS connection_ms,
    toFloat64(events.request_ms) AS request_ms, toFloat64(events.largest_shift_time_ms) AS largest_shift_time_ms,
    toFloat64(events.largest_shift_value) AS largest_shift_value, interaction_type,
    toFloat64(events.interaction_time_ms) AS interaction_time_ms, toFloat64(events.input_delay_ms) AS input_delay_ms,
    toFloat64(events.processing_duration_ms) AS processing_duration_ms,
    toFloat64(events.presentation_delay_ms) AS presentation_delay_ms, toFloat64(events.script_ms) AS script_ms,
    toFloat64(events.style_and_layout_ms) AS style_and_layout_ms, toFloat64(events.paint_ms) AS paint_ms,
    toFloat64(events.unattributed_ms) AS unattributed_ms, longest_script_url, longest_script_invoker, longest_script_subpart,
    toFloat64(events.longest_script_ms) AS longest_script_ms, event_type, toFloat64(events.event_time_ms) AS event_time_ms
FROM events
WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1)
    AND kind = 'vital' AND counted_at >= {since:DateTime} AND counted_at < {until:DateTime}
    AND (metric_id = 0 OR cityHash64(view_id, metric, metric_id) NOT IN
    (
        SELECT cityHash64(view_id, metric, metric_id) FROM events
        WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND kind = 'vital' AND counted_at >= {since:DateTime} AND counted_at < {until:DateTime} AND prev_rating != ''
    )
    OR cityHash64(view_id, metric, metric_id, ts, value, prev_rating, prev_value, event_key) IN
    (
        SELECT argMax(cityHash64(view_id, metric, metric_id, ts, value, prev_rating, prev_value, event_key), (ts, value, prev_rating, prev_value, event_key)) FROM events
        WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND kind = 'vital' AND counted_at >= {since:DateTime} AND counted_at < {until:DateTime} AND cityHash64(view_id, metric, metric_id) IN
        (
            SELECT cityHash64(view_id, metric, metric_id) FROM events
            WHERE project_id = {project:String} AND ts >= {since:DateTime} AND received_at >= {since:DateTime} - toIntervalDay(1) AND kind = 'vital' AND counted_at >= {since:DateTime} AND counted_at < {until:DateTime} AND prev_rating != ''
        )
        GROUP BY view_id, metric, metric_id
    ));
