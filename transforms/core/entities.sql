-- Entities of processes, by id.
-- Grain: one row per entity. Dimensions have no history: the latest line applies at any as_of.
with dimension_rows as (from raw_dimension_rows),

find_latest as (
    select id, name, data
    from dimension_rows
    where dimension = 'entities'
    qualify row_number() over (partition by id order by ingest_seq desc) = 1
)

select
    id as entity_id,
    name,
    data
from find_latest
