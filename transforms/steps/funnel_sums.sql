-- The steps of each funnel with the number of processes of each group that reached them.
-- Grain: one row per funnel, mode, group of processes and step, steps that no process reached
-- included; funnels that no process entered have the group of all. `immature` counts the processes
-- that may still reach the step: a share with immature > 0 can rise. Processes that began before
-- their procedure was observed are left out, and counted.
-- kind: table
with paths as (from funnel_paths),

mode_steps as (from funnel_mode_steps),

memberships as (from funnel_groups),

begun as (select process_id, is_observed_from_start from process_outcomes),

adjusted as (from funnel_adjusted),

present as (
    select distinct mode, funnel_no, grouping, attribute, value_of, value from memberships
    union
    select distinct mode, funnel_no, 'all', '', '', '' from mode_steps
),

step_sums as (
    select
        p.mode,
        p.funnel_no,
        g.grouping,
        g.attribute,
        g.value_of,
        g.value,
        p.step_no,
        count(*) filter (b.is_observed_from_start) as processes,
        count(*) filter (not b.is_observed_from_start) as n_left_out,
        quantile_cont(seconds_between(p.entered_at, p.reached_at), [0.5, 0.9])
            filter (b.is_observed_from_start) as from_first,
        quantile_cont(seconds_between(p.previous_reached_at, p.reached_at), 0.5)
            filter (b.is_observed_from_start) as median_from_previous,
        count(*) filter (b.is_observed_from_start and p.is_last and p.stop_reason = 'open')
            as waiting
    from paths as p
    inner join begun as b on b.process_id = p.process_id
    inner join memberships as g
        on g.mode = p.mode and g.funnel_no = p.funnel_no and g.process_id = p.process_id
    group by p.mode, p.funnel_no, g.grouping, g.attribute, g.value_of, g.value, p.step_no
),

counted as (
    select
        n.mode,
        n.funnel_no,
        n.grouping,
        n.attribute,
        n.value_of,
        n.value,
        s.step_no,
        s.step,
        s.is_optional,
        coalesce(c.processes, 0) as processes,
        coalesce(c.n_left_out, 0) as n_left_out,
        c.from_first,
        c.median_from_previous,
        coalesce(sum(c.waiting) over earlier_steps, 0) as immature
    from present as n
    inner join mode_steps as s on s.mode = n.mode and s.funnel_no = n.funnel_no
    left join step_sums as c
        on c.mode = n.mode
        and c.funnel_no = n.funnel_no
        and c.grouping = n.grouping
        and c.attribute = n.attribute
        and c.value_of = n.value_of
        and c.value = n.value
        and c.step_no = s.step_no
    window earlier_steps as (
        partition by n.mode, n.funnel_no, n.grouping, n.attribute, n.value_of, n.value
        order by s.step_no
        rows between unbounded preceding and 1 preceding
    )
),

shared as (
    select
        mode,
        funnel_no,
        grouping,
        attribute,
        value_of,
        value,
        step_no,
        step,
        processes,
        share_of(processes, first_value(processes) over step_order) as share_of_first,
        -- For an optional step and the step after it, the previous step is the last required one.
        share_of(
            processes,
            coalesce(
                last_value(if(is_optional, null, processes) ignore nulls) over (
                    partition by mode, funnel_no, grouping, attribute, value_of, value
                    order by step_no
                    rows between unbounded preceding and 1 preceding
                ),
                processes
            )
        ) as share_of_previous,
        round(from_first[1], 3) as median_seconds_from_first,
        round(from_first[2], 3) as p90_seconds_from_first,
        round(median_from_previous, 3) as median_seconds_from_previous,
        immature::bigint as immature,
        share_low(processes, first_value(processes) over step_order) as share_of_first_low,
        share_high(processes, first_value(processes) over step_order) as share_of_first_high,
        is_small_sample(first_value(processes) over step_order) as is_small,
        first_value(n_left_out) over step_order as n_left_out
    from counted
    window step_order as (
        partition by mode, funnel_no, grouping, attribute, value_of, value order by step_no
    )
)

select
    s.mode,
    s.funnel_no,
    s.grouping,
    s.attribute,
    s.value_of,
    s.value,
    s.step_no,
    s.step,
    s.processes,
    s.share_of_first,
    s.share_of_previous,
    s.median_seconds_from_first,
    s.p90_seconds_from_first,
    s.median_seconds_from_previous,
    s.immature,
    s.share_of_first_low,
    s.share_of_first_high,
    s.is_small,
    s.n_left_out,
    a.share as share_of_first_adjusted,
    a.share_low as share_of_first_adjusted_low,
    a.share_high as share_of_first_adjusted_high
from shared as s
left join adjusted as a
    on a.mode = s.mode
    and a.funnel_no = s.funnel_no
    and a.grouping = s.grouping
    and a.attribute = s.attribute
    and a.value_of = s.value_of
    and a.value = s.value
    and a.step_no = s.step_no
