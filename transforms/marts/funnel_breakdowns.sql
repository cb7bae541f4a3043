-- The steps of each funnel by the values of the attributes it is broken down by.
-- Grain: one row per funnel, mode, attribute, value and step.
with sums as (from funnel_sums),

funnels as (from funnels)

select
    f.funnel,
    f.procedure,
    s.mode,
    s.attribute,
    s.value_of,
    nullif(s.value, '') as value,
    s.step_no,
    s.step,
    s.processes,
    s.share_of_first,
    s.share_of_previous,
    s.median_seconds_from_first,
    s.p90_seconds_from_first,
    s.median_seconds_from_previous,
    s.immature
from sums as s
inner join funnels as f on f.funnel_no = s.funnel_no
where s.grouping = 'attribute'
order by f.procedure, f.funnel, s.mode, s.attribute, s.value_of, value nulls last, s.step_no
