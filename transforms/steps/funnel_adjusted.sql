-- The share of the processes that entered a funnel that reach a step within its window, as far as
-- open processes let it be known.
-- Grain: one row per funnel with a window, mode, group of processes and step; null until a process
-- of the group entered as long ago as the window. A process is watched until it reaches the step,
-- and otherwise for its whole time since the entry up to the window: one that has left cannot reach
-- the step any more, and stays at risk like all others, as it is known how long it would have been
-- watched. So one minus the Kaplan-Meier estimate is the cumulative incidence, with leaving as the
-- competing outcome (Fine and Gray 1999, on data with complete censoring times).
-- kind: table
with paths as (from funnel_paths),

memberships as (from funnel_groups),

mode_steps as (from funnel_mode_steps),

funnels as (from funnels),

begun as (select process_id, is_observed_from_start from process_outcomes),

build as (from build),

entries as (
    select
        p.mode,
        p.funnel_no,
        p.process_id,
        least(epoch_ms(b.as_of) - epoch_ms(p.entered_at), f.within_seconds * 1000) as watched_ms,
        is_window_over(b.as_of, p.entered_at, f.within_seconds * 1000) as is_whole
    from paths as p
    inner join funnels as f on f.funnel_no = p.funnel_no and f.within_seconds is not null
    inner join begun as s on s.process_id = p.process_id and s.is_observed_from_start
    cross join build as b
    where p.step_no = 1
),

watched as (
    select
        e.mode,
        e.funnel_no,
        g.grouping,
        g.attribute,
        g.value_of,
        g.value,
        s.step_no,
        e.is_whole,
        r.process_id is not null as is_reached,
        coalesce(epoch_ms(r.reached_at) - epoch_ms(r.entered_at), e.watched_ms) as ms
    from entries as e
    inner join memberships as g
        on g.mode = e.mode and g.funnel_no = e.funnel_no and g.process_id = e.process_id
    inner join mode_steps as s on s.mode = e.mode and s.funnel_no = e.funnel_no
    left join paths as r
        on r.mode = e.mode
        and r.funnel_no = e.funnel_no
        and r.process_id = e.process_id
        and r.step_no = s.step_no
),

at_times as (
    select
        mode,
        funnel_no,
        grouping,
        attribute,
        value_of,
        value,
        step_no,
        ms,
        count(*) as n_leaving,
        count(*) filter (is_reached) as n_reached,
        bool_or(is_whole) as is_whole
    from watched
    group by mode, funnel_no, grouping, attribute, value_of, value, step_no, ms
),

at_risk as (
    select
        *,
        sum(n_leaving) over (
            partition by mode, funnel_no, grouping, attribute, value_of, value, step_no
            order by ms desc
            rows between unbounded preceding and current row
        ) as n_at_risk
    from at_times
),

-- In the order of time, so that rounding is the same in every run.
ended as (
    select
        mode,
        funnel_no,
        grouping,
        attribute,
        value_of,
        value,
        step_no,
        bool_or(is_whole) as is_known,
        coalesce(
            product(1 - n_reached / n_at_risk order by ms) filter (n_reached > 0), 1
        ) as survival,
        -- When all at risk reach the step together, nothing is left to vary.
        coalesce(
            sum(n_reached / nullif(n_at_risk * (n_at_risk - n_reached), 0) order by ms)
                filter (n_reached > 0),
            0
        ) as hazard_variance
    from at_risk
    group by mode, funnel_no, grouping, attribute, value_of, value, step_no
),

scaled as (
    select
        *,
        case
            when survival > 1e-12 and survival < 1
                then 1.959963984540054 * sqrt(hazard_variance) / abs(ln(survival))
        end as width
    from ended
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
