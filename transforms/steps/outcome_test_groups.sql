-- The groups of an attribute whose outcomes are compared: the 8 largest of at least 5 processes.
-- Grain: one row per procedure, attribute of `compareBy` and compared value. Processes without a
-- value are in no group.
with groups as (from outcome_groups)

select
    procedure,
    attribute,
    value,
    count(*) as processes,
    row_number() over (partition by procedure, attribute order by count(*) desc, value)
        as group_no
from groups
where attribute not in ('', ' month') and value <> ''
group by procedure, attribute, value
having not is_small_sample(count(*))
qualify group_no <= 8
