-- People who create processes and hold them, by id.
-- Grain: one row per user. Dimensions have no time: the latest line counts at any instant.
with dimension_rows as (from raw_dimension_rows),

latest as (
    select id, name, data
    from dimension_rows
    where dimension = 'users'
    qualify row_number() over (partition by id order by ingest_seq desc) = 1
)

select
    id as user_id,
    name,
    data
from latest
