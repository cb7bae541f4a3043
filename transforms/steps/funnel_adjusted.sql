-- The share of the processes that entered a funnel that reach a step within its window, as far as
-- open processes let it be known.
-- Grain: one row per funnel with a window, mode, group of processes and step; null until a process
-- of the group entered as long ago as the window. A process is watched until it reaches the step,
-- and otherwise for its whole time since the entry up to the window: one that has left cannot reach
-- the step any more, and stays at risk like all others, as it is known how long it would have been
-- watched. So one minus the Kaplan-Meier estimate is the cumulative incidence, with leaving as the
-- competing outcome (Fine and Gray 1999, on data with complete censoring times). The first step is
-- reached by all at once.
-- kind: table
with paths as (from funnel_paths),

memberships as (from funnel_groups),

mode_steps as (from funnel_mode_steps),

funnels as (from funnels),

begun as (select process_id from process_outcomes where is_observed_from_start),

build as (from build),

-- Numbers, as they are compared faster than the names they stand for.
groups as (
    select *, row_number() over () as group_no
    from (
        select distinct m.mode, m.funnel_no, m.grouping, m.attribute, m.value_of, m.value
        from memberships as m
        inner join funnels as f
            on f.funnel_no = m.funnel_no and f.within_seconds is not null
    )
),

entries as (
    select
        g.group_no,
        m.mode,
        m.funnel_no,
        m.process_id,
        epoch_ms(b.as_of) - epoch_ms(p.entered_at) as watched_ms,
        is_window_over(b.as_of, p.entered_at, f.within_seconds * 1000) as is_whole
    from memberships as m
    inner join groups as g
        on g.mode = m.mode
        and g.funnel_no = m.funnel_no
        and g.grouping = m.grouping
        and g.attribute = m.attribute
        and g.value_of = m.value_of
        and g.value = m.value
    inner join funnels as f on f.funnel_no = m.funnel_no
    inner join paths as p
        on p.mode = m.mode
        and p.funnel_no = m.funnel_no
        and p.process_id = m.process_id
        and p.step_no = 1
    semi join begun on begun.process_id = m.process_id
    cross join build as b
),

totals as (
    select group_no, count(*) as n_entries, bool_or(is_whole) as is_known
    from entries
    group by group_no
),

reached as (
    select
        e.group_no,
        p.step_no,
        e.process_id,
        epoch_ms(p.reached_at) - epoch_ms(p.entered_at) as ms
    from entries as e
    inner join paths as p
        on p.mode = e.mode
        and p.funnel_no = e.funnel_no
        and p.process_id = e.process_id
        and p.step_no > 1
),

-- Those whose window is over are watched to its end, when nothing can happen any more.
censored as (
    select e.group_no, s.step_no, e.process_id, e.watched_ms as ms
    from entries as e
    inner join mode_steps as s
        on s.mode = e.mode and s.funnel_no = e.funnel_no and s.step_no > 1
    anti join reached as r
        on r.group_no = e.group_no and r.step_no = s.step_no and r.process_id = e.process_id
    where not e.is_whole
),

-- One by one in the order of time, which gives the same product and sum as time by time. Of those
-- at the same time the ones that reach the step come first.
at_risk as (
    select
        a.group_no,
        a.step_no,
        a.ms,
        a.is_reached,
        t.n_entries + 1 - row_number() over (
            partition by a.group_no, a.step_no order by a.ms, a.is_reached desc
        ) as n_at_risk
    from (
        select group_no, step_no, ms, true as is_reached from reached
        union all
        select group_no, step_no, ms, false from censored
    ) as a
    inner join totals as t on t.group_no = a.group_no
),

ended as (
    -- In order, so that rounding is the same in every run.
    select
        group_no,
        step_no,
        product((n_at_risk - 1) / n_at_risk order by n_at_risk desc) as survival,
        sum(1 / nullif(n_at_risk * (n_at_risk - 1), 0) order by n_at_risk desc) as hazard_variance
    from at_risk
    where is_reached
    group by group_no, step_no
),

steps as (
    select
        g.*,
        s.step_no,
        t.is_known,
        if(s.step_no = 1, 0, coalesce(e.survival, 1)) as survival,
        e.hazard_variance
    from groups as g
    inner join totals as t on t.group_no = g.group_no
    inner join mode_steps as s on s.mode = g.mode and s.funnel_no = g.funnel_no
    left join ended as e on e.group_no = g.group_no and e.step_no = s.step_no
),

scaled as (
    select
        *,
        case
            when survival > 1e-12 and survival < 1
                then 1.959963984540054 * sqrt(hazard_variance) / abs(ln(survival))
        end as width
    from steps
)

select
    mode,
    funnel_no,
    grouping,
    attribute,
    value_of,
    value,
    step_no,
    if(is_known, if(survival < 1e-12, 1, 1 - survival), null) as share,
    if(is_known, 1 - pow(survival, exp(-width)), null) as share_low,
    if(is_known, 1 - pow(survival, exp(width)), null) as share_high
from scaled
