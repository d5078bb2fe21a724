-- The new kinds and sources stay: a value of a sorting key cannot be taken back. Their rows stay, too; older releases pass over them.
ALTER TABLE errors
    DROP COLUMN `breadcrumbs.text`,
    DROP COLUMN `breadcrumbs.kind`,
    DROP COLUMN `breadcrumbs.ts`,
    DROP COLUMN action_id,
    DROP COLUMN count;

ALTER TABLE events
    DROP COLUMN scroll_ratio,
    DROP COLUMN visible_ms,
    DROP COLUMN blocking_ms,
    DROP COLUMN trace_id,
    DROP COLUMN decoded_bytes,
    DROP COLUMN transfer_bytes,
    DROP COLUMN failure,
    DROP COLUMN status,
    DROP COLUMN method,
    DROP COLUMN initiator,
    DROP COLUMN action_id,
    DROP COLUMN unit;
