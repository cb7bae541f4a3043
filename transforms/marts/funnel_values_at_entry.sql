-- The attribute values with which processes entered each funnel, for the attributes that it is
-- broken down by at entry. Mode `ordered`.
-- Grain: one row per funnel, process that entered and attribute.
with memberships as (
    from funnel_groups
    where mode = 'ordered' and grouping = 'attribute' and value_of = 'entry'
),

paths as (from funnel_paths where mode = 'ordered' and is_last),

funnels as (from funnels),

begun as (from process_outcomes),

build as (from build)

select
    f.funnel,
    f.procedure,
    m.process_id,
    s.team_id,
    m.attribute,
    nullif(m.value, '') as value,
    p.entered_at,
    if(
        f.within_seconds is null,
        null,
        is_window_over(b.as_of, p.entered_at, f.within_seconds * 1000)
    ) as is_window_over,
    p.stop_reason = 'finished' as is_finished,
    s.is_observed_from_start
from memberships as m
inner join paths as p on p.funnel_no = m.funnel_no and p.process_id = m.process_id
inner join funnels as f on f.funnel_no = m.funnel_no
inner join begun as s on s.process_id = m.process_id
cross join build as b
