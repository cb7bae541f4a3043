-- The steps of each funnel with the number of processes that reached them.
-- Grain: one row per funnel and step, steps that nobody reached included. `immature` counts the
-- open processes that may still reach the step: a share with immature > 0 can rise.
with progress as (from funnel_progress),

funnels as (from funnels),

funnel_states as (from funnel_states),

processes as (from processes),

build as (from build),

steps as (select distinct funnel, procedure, step_no, step from funnel_states),

step_sums as (
    select
        funnel,
        procedure,
        step_no,
        count(*) as processes,
        quantile_cont(seconds_from_first, [0.5, 0.9]) as from_first,
        quantile_cont(seconds_from_previous, 0.5) as median_from_previous
    from progress
    group by funnel, procedure, step_no
),

last_steps as (
    select p.funnel, p.procedure, p.process_id, p.step_no, e.reached_at as entered_at
    from progress as p
    inner join progress as e
        on e.funnel = p.funnel
        and e.procedure = p.procedure
        and e.process_id = p.process_id
        and e.step_no = 1
    where p.stop_reason is not null
),

waiting as (
    select l.funnel, l.procedure, l.step_no, count(*) as processes
    from last_steps as l
    inner join funnels as f on f.funnel = l.funnel and f.procedure = l.procedure
    inner join processes as o on o.process_id = l.process_id and o.outcome = 'open'
    cross join build as b
    where
        l.step_no < f.n_steps
        and (
            f.within_seconds is null
            or seconds_between(l.entered_at, b.as_of) < f.within_seconds
        )
    group by l.funnel, l.procedure, l.step_no
),

counted as (
    select
        s.funnel,
        s.procedure,
        s.step_no,
        s.step,
        coalesce(p.processes, 0) as processes,
        p.from_first,
        p.median_from_previous,
        -- Those whose last step comes before this one.
        coalesce(sum(w.processes) over (
            partition by s.funnel, s.procedure order by s.step_no
            rows between unbounded preceding and 1 preceding
        ), 0) as immature
    from steps as s
    left join step_sums as p using (funnel, procedure, step_no)
    left join waiting as w using (funnel, procedure, step_no)
)

select
    funnel,
    procedure,
    'ordered' as mode,
    step_no,
    step,
    processes,
    processes / nullif(first_value(processes) over step_order, 0) as share_of_first,
    processes / nullif(coalesce(lag(processes) over step_order, processes), 0)
        as share_of_previous,
    round(from_first[1], 3) as median_seconds_from_first,
    round(from_first[2], 3) as p90_seconds_from_first,
    round(median_from_previous, 3) as median_seconds_from_previous,
    immature::bigint as immature
from counted
window step_order as (partition by funnel, procedure order by step_no)
order by procedure, funnel, step_no
