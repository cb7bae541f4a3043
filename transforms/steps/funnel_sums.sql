-- The steps of each funnel with the number of processes of each group that reached them.
-- Grain: one row per funnel, mode, group of processes and step, steps nobody reached included;
-- funnels that nobody entered are there with the group of all. `immature` counts the processes that
-- may still reach the step: a share with immature > 0 can rise.
with paths as (from funnel_paths),

mode_steps as (from funnel_mode_steps),

memberships as (from funnel_groups),

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
        count(*) as processes,
        quantile_cont(seconds_between(p.entered_at, p.reached_at), [0.5, 0.9]) as from_first,
        quantile_cont(seconds_between(p.previous_reached_at, p.reached_at), 0.5)
            as median_from_previous,
        count(*) filter (p.is_last and p.stop_reason = 'open') as waiting
    from paths as p
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
)

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
    processes / nullif(first_value(processes) over step_order, 0) as share_of_first,
    -- Of an optional step, and of the one after it, the one before is the last that is required.
    processes / nullif(
        coalesce(
            last_value(if(is_optional, null, processes) ignore nulls) over (
                partition by mode, funnel_no, grouping, attribute, value_of, value order by step_no
                rows between unbounded preceding and 1 preceding
            ),
            processes
        ),
        0
    ) as share_of_previous,
    round(from_first[1], 3) as median_seconds_from_first,
    round(from_first[2], 3) as p90_seconds_from_first,
    round(median_from_previous, 3) as median_seconds_from_previous,
    immature::bigint as immature
from counted
window step_order as (
    partition by mode, funnel_no, grouping, attribute, value_of, value order by step_no
)
