-- Records behind processes, by id.
-- Grain: one row per record. Dimensions have no history: the latest line applies at any as_of.
with dimension_rows as (from raw_dimension_rows),

find_latest as (
    select id, name, data
    from dimension_rows
    where dimension = 'records'
    qualify row_number() over (partition by id order by ingest_seq desc) = 1
)

select
    id as record_id,
    name,
    data
from find_latest
