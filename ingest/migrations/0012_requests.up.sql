-- Measures, requests, long frames and the leaving of pages. Each is a row of the wide table: what a kind does not have is a default or NULL
-- in it, which costs next to nothing. Columns that said the same of a vital already are used again.
ALTER TABLE events
    MODIFY COLUMN kind Enum8('page_view' = 1, 'vital' = 2, 'action' = 3, 'measure' = 4, 'request' = 5, 'long_frame' = 6, 'page_leave' = 7) COMMENT 'what happened',
    COMMENT COLUMN value 'vital: milliseconds, CLS without unit; action and measure: the caller''s number; request and long frame: duration in milliseconds; page leave: milliseconds since the view began; page view: 0',
    COMMENT COLUMN name 'action or measure: the caller''s word; request: host and route',
    COMMENT COLUMN attributes 'what the page said of itself, its user and its feature flags, and what the caller gave; action: target and label of the element, if it was captured',
    COMMENT COLUMN resource_url 'LCP: address of the image; absent for text. Request: its address; neither query nor fragment',
    COMMENT COLUMN ttfb_ms 'FCP, LCP: time to the first byte; request: from its begin to the first byte',
    COMMENT COLUMN longest_script_url 'INP, long frame: address of the script that ran longest',
    COMMENT COLUMN longest_script_invoker 'INP, long frame: what called it, such as BUTTON#buy.onclick',
    COMMENT COLUMN longest_script_ms 'INP, long frame: how long it ran',
    ADD COLUMN unit LowCardinality(String) COMMENT 'measure: unit of the value; empty: not given' CODEC(ZSTD(1)),
    ADD COLUMN action_id UInt64 COMMENT 'action: its own id; request: that of the action that caused it; 0: not known' CODEC(ZSTD(1)),
    ADD COLUMN initiator LowCardinality(String) COMMENT 'request: who asked, such as fetch, xmlhttprequest, img or script' CODEC(ZSTD(1)),
    ADD COLUMN method LowCardinality(String) COMMENT 'request: method; empty: not known' CODEC(ZSTD(1)),
    ADD COLUMN status UInt16 COMMENT 'request: status of the answer; 0: none, or not known' CODEC(ZSTD(1)),
    ADD COLUMN failure Enum8('' = 0, 'network' = 1, 'abort' = 2, 'timeout' = 3) COMMENT 'request: why there was no answer; empty: answered' CODEC(ZSTD(1)),
    ADD COLUMN transfer_bytes Nullable(UInt64) COMMENT 'request: bytes of the answer on the wire; 0 from a cache' CODEC(ZSTD(1)),
    ADD COLUMN decoded_bytes Nullable(UInt64) COMMENT 'request: bytes of the answer''s body, decompressed' CODEC(ZSTD(1)),
    ADD COLUMN trace_id String COMMENT 'request: trace in the backend, hexadecimal; empty: none' CODEC(ZSTD(1)),
    ADD COLUMN blocking_ms Nullable(Float64) COMMENT 'long frame: how long it kept input waiting' CODEC(ZSTD(1)),
    ADD COLUMN visible_ms Nullable(Float64) COMMENT 'page leave: how long the view was visible' CODEC(ZSTD(1)),
    ADD COLUMN scroll_ratio Nullable(Float32) COMMENT 'page leave: deepest part of the page that was seen, 0 to 1' CODEC(ZSTD(1));

ALTER TABLE errors
    MODIFY COLUMN source Enum8('uncaught' = 1, 'unhandled_rejection' = 2, 'api' = 3, 'console' = 4, 'resource' = 5, 'network' = 6, 'csp' = 7, 'deprecation' = 8, 'intervention' = 9, 'crash' = 10),
    ADD COLUMN count UInt32 DEFAULT 1 COMMENT 'how many equal errors this one stands for' CODEC(ZSTD(1)),
    ADD COLUMN action_id UInt64 COMMENT 'the action that caused it; 0: not known' CODEC(ZSTD(1)),
    ADD COLUMN `breadcrumbs.ts` Array(DateTime64(3, 'UTC')) COMMENT 'what happened before, oldest first: when; ARRAY JOIN breadcrumbs gives one row for each' CODEC(ZSTD(1)),
    ADD COLUMN `breadcrumbs.kind` Array(Enum8('navigation' = 1, 'click' = 2, 'request' = 3, 'console' = 4, 'custom' = 5)) COMMENT 'what happened before: of what kind' CODEC(ZSTD(1)),
    ADD COLUMN `breadcrumbs.text` Array(String) COMMENT 'what happened before: in words' CODEC(ZSTD(1));
