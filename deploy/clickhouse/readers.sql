-- Analysts of one project on a ClickHouse server: a role that sees this project's rows and no others, and bounds on what a query may take.
-- Replace `shop` by the project's id, and the database `beamline` if it has another name. On a cluster add ON CLUSTER <name> after each
-- name that is created, and name the `…_local` tables in the policies too.
--
-- Row policies add up: rows that one of them lets through are seen. The first lets nothing through, so that a table without a policy of its
-- own, such as one that a later release makes, shows nothing. Users without any row policy on a table see all rows, unless the server's
-- configuration has users_without_row_policies_can_read_rows = false; then give the service's own user a policy USING 1.

CREATE ROLE IF NOT EXISTS beamline_shop;

GRANT SELECT ON beamline.* TO beamline_shop;

REVOKE SELECT ON beamline.erasures FROM beamline_shop;

REVOKE SELECT ON beamline.schema_migrations FROM beamline_shop;

CREATE ROW POLICY IF NOT EXISTS beamline_shop_nothing ON beamline.* FOR SELECT USING 0 TO beamline_shop;

CREATE ROW POLICY IF NOT EXISTS beamline_shop_rows ON
    beamline.events,
    beamline.errors,
    beamline.kept_events,
    beamline.kept_errors,
    beamline.error_groups,
    beamline.sessions,
    beamline.activity_1h,
    beamline.ingest_outcomes,
    beamline.vitals_5m,
    beamline.vitals_1h,
    beamline.vitals_1d,
    beamline.vitals_site_1h,
    beamline.vitals_page_1w,
    beamline.vitals_site_1d
FOR SELECT USING project_id = 'shop' TO beamline_shop;

-- Views show what their reader sees of the tables behind them.
CREATE ROW POLICY IF NOT EXISTS beamline_shop_views ON
    beamline.vital_values,
    beamline.web_vitals,
    beamline.page_performance,
    beamline.slow_interactions,
    beamline.lcp_elements,
    beamline.layout_shifts,
    beamline.errors_by_release,
    beamline.sessions_with_errors,
    beamline.business_measures,
    beamline.slow_requests,
    beamline.long_frames,
    beamline.time_on_page
FOR SELECT USING 1 TO beamline_shop;

-- The same bounds as `embedded.read_limits` has by default. MAX keeps a query from asking for more.
CREATE SETTINGS PROFILE IF NOT EXISTS beamline_analyst SETTINGS
    readonly = 2,
    max_execution_time = 60 MIN 1 MAX 60,
    max_memory_usage = 1073741824 MIN 1 MAX 1073741824,
    max_rows_to_read = 2000000000 MIN 1 MAX 2000000000,
    max_result_rows = 10000000 MIN 1 MAX 10000000,
    max_result_bytes = 268435456 MIN 1 MAX 268435456
TO beamline_shop;

-- For each analyst:
-- CREATE USER ada IDENTIFIED BY '…';
-- GRANT beamline_shop TO ada;
