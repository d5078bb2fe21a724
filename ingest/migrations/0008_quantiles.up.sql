-- Reading the bucket maps. The position q * (n - 1) among n sorted values lies between two of them; each is taken as the middle of its
-- bucket on the logarithmic scale, and what lies between is interpolated, as quantileExactInclusive does on raw values. The middle is
-- at most 0.55 % off any value of its bucket, so the quantile is too. Buckets whose count a lost report left below zero are
-- passed over. Functions belong to the server, not to a database.
CREATE FUNCTION vital_bucket AS (value) ->
    if(value > 0, toInt16(greatest(-32767, ceil(log2(value) * 64))), toInt16(-32768));

CREATE FUNCTION vital_bucket_value AS (bucket) ->
    if(bucket = -32768, 0, exp2((bucket - 0.5) / 64));

CREATE FUNCTION vital_quantiles AS (levels, buckets) ->
    arrayMap(filled ->
        arrayMap(ranks ->
            arrayMap(level ->
                if(empty(ranks), nan,
                    arrayMap((lower, upper, part) -> lower + (upper - lower) * part,
                        [vital_bucket_value(mapKeys(filled)[arrayFirstIndex(rank -> rank > floor(level * (ranks[-1] - 1)), ranks)])],
                        [vital_bucket_value(mapKeys(filled)[arrayFirstIndex(rank -> rank > ceil(level * (ranks[-1] - 1)), ranks)])],
                        [level * (ranks[-1] - 1) - floor(level * (ranks[-1] - 1))])[1]),
                levels),
            [arrayCumSum(mapValues(filled))])[1],
        [mapSort(mapFilter((bucket, n) -> n > 0, buckets))])[1];

CREATE FUNCTION vital_quantile AS (q, buckets) -> vital_quantiles([q], buckets)[1];

CREATE FUNCTION vital_histogram AS (buckets) ->
    arrayMap((bucket, n) -> (if(bucket = -32768, 0, exp2(bucket / 64)), n),
        mapKeys(mapSort(mapFilter((bucket, n) -> n > 0, buckets))), mapValues(mapSort(mapFilter((bucket, n) -> n > 0, buckets))));

CREATE FUNCTION vital_share_within AS (bound, buckets) ->
    arraySum((bucket, n) -> if(bucket <= vital_bucket(bound) AND n > 0, n, 0), mapKeys(buckets), mapValues(buckets))
        / arraySum(n -> greatest(n, 0), mapValues(buckets));
