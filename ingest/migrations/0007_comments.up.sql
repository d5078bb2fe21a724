-- What DESCRIBE says of every column.
ALTER TABLE events
    COMMENT COLUMN project_id 'the project',
    COMMENT COLUMN navigation_type 'page view, vital: how the page was reached: navigate, reload, back-forward, back-forward-cache, prerender, restore, route-change or soft-navigation',
    COMMENT COLUMN release 'of the application; empty: not given',
    COMMENT COLUMN env 'deployment environment; empty: not given',
    COMMENT COLUMN browser 'name of the browser, or unknown',
    COMMENT COLUMN browser_major 'its major version; 0: not known',
    COMMENT COLUMN os 'operating system, or unknown',
    COMMENT COLUMN retention_days 'days the row is kept after received_at',
    COMMENT COLUMN attributes 'action: target, label and what the caller gave';

ALTER TABLE errors
    COMMENT COLUMN project_id 'the project',
    COMMENT COLUMN ts 'when it happened, corrected to the service''s clock',
    COMMENT COLUMN received_at 'when the service took the beacon',
    COMMENT COLUMN skew_ms 'sender''s clock minus the service''s, as removed from ts',
    COMMENT COLUMN event_id 'derived from beacon id and position; equal for the same event sent again',
    COMMENT COLUMN session_id '0: not given',
    COMMENT COLUMN view_id 'page view; 0: not given',
    COMMENT COLUMN source 'how it was caught: an uncaught exception, an unhandled rejection, or given to the API',
    COMMENT COLUMN name 'of the error, such as TypeError; empty: not given',
    COMMENT COLUMN message 'what it says, without personal data as far as rules find it',
    COMMENT COLUMN stack 'as the browser wrote it; empty: not given',
    COMMENT COLUMN page 'name or route of the page',
    COMMENT COLUMN url 'without query and fragment',
    COMMENT COLUMN release 'of the application; empty: not given',
    COMMENT COLUMN env 'deployment environment; empty: not given',
    COMMENT COLUMN device 'desktop, mobile, tablet or unknown',
    COMMENT COLUMN browser 'name of the browser, or unknown',
    COMMENT COLUMN browser_major 'its major version; 0: not known',
    COMMENT COLUMN os 'operating system, or unknown',
    COMMENT COLUMN connection 'effective connection type; empty: not known',
    COMMENT COLUMN sample_rate 'divide counts by it',
    COMMENT COLUMN retention_days 'days the row is kept after received_at',
    COMMENT COLUMN attributes 'what the caller gave';

ALTER TABLE ingest_outcomes
    COMMENT COLUMN outcome 'what became of it',
    COMMENT COLUMN count 'how many';

ALTER TABLE vitals_5m
    COMMENT COLUMN project_id 'the project',
    COMMENT COLUMN metric 'which vital',
    COMMENT COLUMN page 'name or route of the page',
    COMMENT COLUMN device 'desktop, mobile, tablet or unknown',
    COMMENT COLUMN t 'start of the interval in which the page views began',
    COMMENT COLUMN count 'vitals that were sent, each once however often reported',
    COMMENT COLUMN sum 'of their values: milliseconds, CLS without unit',
    COMMENT COLUMN good 'of count, those rated good',
    COMMENT COLUMN needs_improvement 'of count, those rated needs-improvement',
    COMMENT COLUMN poor 'of count, those rated poor',
    COMMENT COLUMN buckets 'how many values in each bucket ceil(log2(value) * 64), zeros in bucket -32768; merge with sumMap, read with vital_quantile';

ALTER TABLE vitals_1h
    COMMENT COLUMN project_id 'the project',
    COMMENT COLUMN metric 'which vital',
    COMMENT COLUMN page 'name or route of the page',
    COMMENT COLUMN device 'desktop, mobile, tablet or unknown',
    COMMENT COLUMN release 'of the application; empty: not given',
    COMMENT COLUMN env 'deployment environment; empty: not given',
    COMMENT COLUMN browser 'name of the browser, or unknown',
    COMMENT COLUMN os 'operating system, or unknown',
    COMMENT COLUMN t 'start of the interval in which the page views began',
    COMMENT COLUMN count 'vitals that were sent, each once however often reported',
    COMMENT COLUMN sum 'of their values: milliseconds, CLS without unit',
    COMMENT COLUMN good 'of count, those rated good',
    COMMENT COLUMN needs_improvement 'of count, those rated needs-improvement',
    COMMENT COLUMN poor 'of count, those rated poor',
    COMMENT COLUMN buckets 'how many values in each bucket ceil(log2(value) * 64), zeros in bucket -32768; merge with sumMap, read with vital_quantile';

ALTER TABLE vitals_1d
    COMMENT COLUMN project_id 'the project',
    COMMENT COLUMN metric 'which vital',
    COMMENT COLUMN page 'name or route of the page',
    COMMENT COLUMN device 'desktop, mobile, tablet or unknown',
    COMMENT COLUMN release 'of the application; empty: not given',
    COMMENT COLUMN env 'deployment environment; empty: not given',
    COMMENT COLUMN browser 'name of the browser, or unknown',
    COMMENT COLUMN os 'operating system, or unknown',
    COMMENT COLUMN t 'start of the interval in which the page views began',
    COMMENT COLUMN count 'vitals that were sent, each once however often reported',
    COMMENT COLUMN sum 'of their values: milliseconds, CLS without unit',
    COMMENT COLUMN good 'of count, those rated good',
    COMMENT COLUMN needs_improvement 'of count, those rated needs-improvement',
    COMMENT COLUMN poor 'of count, those rated poor',
    COMMENT COLUMN buckets 'how many values in each bucket ceil(log2(value) * 64), zeros in bucket -32768; merge with sumMap, read with vital_quantile';

ALTER TABLE schema_migrations
    COMMENT COLUMN version 'number of the migration',
    COMMENT COLUMN name 'its name',
    COMMENT COLUMN state 'what happened to it; the newest row of a version counts',
    COMMENT COLUMN at 'when';
