DROP FUNCTION vital_share_within;

DROP FUNCTION vital_histogram;

DROP FUNCTION vital_quantile;

DROP FUNCTION vital_quantiles;

DROP FUNCTION vital_bucket_value;

DROP FUNCTION vital_bucket;
