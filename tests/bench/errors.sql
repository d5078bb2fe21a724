-- Errors {first} to {first} + {count} of {rows}, spread evenly over {days} days: of 3,000 causes, few of them often, in sessions of events.sql.
INSERT INTO errors (project_id, fingerprint, ts, received_at, skew_ms, event_id, session_id, view_id, source, name, message, stack, script_url, line, column,
    page, url, release, env, device, browser, browser_major, os, connection, country, sample_rate, retention_days)
WITH
    (text, salt) -> cityHash64(text, salt) / 18446744073709551616. AS chance,
    number * 7 AS session,
    toUInt32(3000 * pow(chance(number, 1), 4)) AS cause,
    toDateTime64(today() - {days} - 1, 3, 'UTC') + toIntervalMillisecond(toUInt64(number * ({days} * 86400000. / {rows}))) AS at
SELECT
    multiIf(chance(session, 2) < 0.7, 'shop', chance(session, 2) < 0.9, 'blog', chance(session, 2) < 0.98, 'app', 'docs'), cityHash64(cause, 'cause'), at,
    at + toIntervalMillisecond(toUInt32(3000 * chance(number, 3))), 0, cityHash64(number, 'error'), cityHash64(session, 'session'), cityHash64(number, 'view'),
    'uncaught', ['TypeError', 'ReferenceError', 'RangeError', 'NetworkError'][1 + cause % 4], concat('cannot read ', cause, ' of undefined'),
    concat('TypeError: cannot read\n    at f', cause, ' (https://shop.example/app.js:', cause, ':', number % 200, ')'), 'https://shop.example/app.js', cause, number % 200,
    concat('/page/', toUInt32(200 * pow(chance(number, 4), 3))), 'https://shop.example/', concat('4.', intDiv(number * {days}, {rows} * 7)), 'production',
    ['mobile', 'desktop'][1 + number % 2], 'Chrome', 150, 'Android', '4g', 'DE', 1, 90
FROM numbers({first}, {count})
