-- Where the sender is, as far as an operator's database of networks tells. An old row has no country.
ALTER TABLE events ADD COLUMN country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: not known' CODEC(ZSTD(1));

ALTER TABLE errors ADD COLUMN country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty: not known' CODEC(ZSTD(1));

-- Beacons that were sent again. Their events are counted here and nowhere else.
ALTER TABLE ingest_outcomes MODIFY COLUMN outcome Enum8('accepted' = 1, 'rejected' = 2, 'duplicate' = 3);
