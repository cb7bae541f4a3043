-- Computed attributes beside what the platform supplied under the same name.
-- Grain: one row per procedure and computed attribute, also where the platform supplied nothing.
with derived_comparisons as (from derived_comparisons)

select
    procedure,
    attribute,
    count(*) as processes,
    count(*) filter (is_failed) as n_failed,
    count(*) filter (supplied is not null) as n_supplied,
    count(*) filter (computed is not null) as n_computed,
    count(*) filter (differs is not null) as n_compared,
    count(*) filter (differs) as n_different,
    count(*) filter (differs) / nullif(count(*) filter (differs is not null), 0) as share_different
from derived_comparisons
group by procedure, attribute
