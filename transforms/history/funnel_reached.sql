-- Steps reached in mode `reached`: a process that is further on has reached the steps before it,
-- even if it was never seen there; a cancelled process has reached only the steps it was seen in.
-- Grain: one row per funnel, process and step reached. Windows and gaps between two steps do not
-- count here; outcomes and steps with a condition are reached only when they happen.
-- kind: view
with occurrences as (from funnel_occurrences),

step_list as (from funnel_step_list),

funnels as (from funnels),

processes as (from processes),

moves as (from funnel_moves),

excluded as (from funnel_excluded_moves),

first_at_rank as (
    select
        m.procedure,
        m.process_id,
        m.state_rank,
        min(m.place) as place,
        min(m.entered_at) as happened_at
    from moves as m
    inner join processes as p on p.process_id = m.process_id
    where p.outcome <> 'cancelled'
    group by m.procedure, m.process_id, m.state_rank
),

-- Every process has reached the steps it was seen in.
signs as (
    select funnel_no, process_id, step_no, place, happened_at from occurrences
    union all
    select s.funnel_no, r.process_id, s.step_no, r.place, r.happened_at
    from first_at_rank as r
    inner join step_list as s on s.procedure = r.procedure and r.state_rank >= s.least_rank
),

firsts as (
    select
        funnel_no,
        process_id,
        step_no,
        min(place) as place,
        arg_min(happened_at, place) as happened_at
    from signs
    group by funnel_no, process_id, step_no
),

begun as (
    select
        f.funnel_no,
        f.process_id,
        f.step_no,
        s.required_no,
        first_value(f.place) over step_order as entry_place,
        first_value(f.happened_at) over step_order as entered_at,
        first_value(f.step_no) over step_order as first_step_no,
        max(f.place) over step_order as place,
        max(f.happened_at) over step_order as reached_at
    from firsts as f
    inner join step_list as s on s.funnel_no = f.funnel_no and s.step_no = f.step_no
    window step_order as (
        partition by f.funnel_no, f.process_id order by f.step_no
        rows between unbounded preceding and current row
    )
),

bounded as (
    select b.*, x.place as end_place, x.entered_at as excluded_at
    from begun as b
    asof left join excluded as x
        on x.funnel_no = b.funnel_no
        and x.process_id = b.process_id
        and x.place > b.entry_place
    where b.first_step_no = 1
),

in_time as (
    select
        b.*,
        count(*) filter (not s.is_optional) over (
            partition by b.funnel_no, b.process_id order by b.step_no
            rows between unbounded preceding and current row
        ) as n_required_reached
    from bounded as b
    inner join funnels as f on f.funnel_no = b.funnel_no
    inner join step_list as s on s.funnel_no = b.funnel_no and s.step_no = b.step_no
    where
        (b.end_place is null or b.place < b.end_place)
        and is_in_window(b.reached_at, b.entered_at, f.within_seconds * 1000)
)

select
    funnel_no,
    process_id,
    entry_place,
    entered_at,
    excluded_at,
    step_no,
    required_no,
    place,
    reached_at,
    null::timestamp as strayed_at
from in_time
-- No step counts beyond one that was not reached.
where n_required_reached = required_no
