-- The steps that processes reached in each funnel and mode, and why they got no further.
-- Grain: one row per funnel, mode, process and step reached. `stop_reason` is that of the process;
-- from `out_of_time_at` on, `open` means out of time.
with ordered as (from funnel_ordered),

strict as (from funnel_strict),

any_order as (from funnel_any_order),

reached as (from funnel_reached),

funnels as (from funnels),

step_list as (from funnel_step_list),

processes as (from processes),

all_modes as (
    select 'ordered' as mode, * from ordered
    union all
    select 'strict', * from strict
    union all
    select 'any_order', * from any_order
    union all
    select 'reached', * from reached
),

-- A completion may be dated before the steps it follows: nothing in a path is earlier than what
-- comes before it.
in_order as (
    select
        mode,
        funnel_no,
        process_id,
        entry_place,
        entered_at,
        excluded_at,
        step_no,
        required_no,
        max(reached_at) over (
            partition by mode, funnel_no, process_id order by step_no
            rows between unbounded preceding and current row
        ) as reached_at,
        strayed_at
    from all_modes
),

furthest as (
    select
        mode,
        funnel_no,
        process_id,
        any_value(entered_at) as entered_at,
        any_value(excluded_at) as excluded_at,
        max(required_no) as required_no,
        max(step_no) as last_step_no,
        arg_max_null(strayed_at, step_no) as strayed_at,
        -- The window of the next step runs from the last step that is not optional.
        arg_min(reached_at, (-required_no, step_no)) as waiting_since
    from in_order
    group by mode, funnel_no, process_id
),

next_windows as (
    select g.mode, g.funnel_no, g.process_id, s.within_ms
    from furthest as g
    inner join step_list as s
        on s.funnel_no = g.funnel_no
        and s.required_no = g.required_no + 1
        and not s.is_optional
    where g.mode in ('ordered', 'strict') and s.within_ms is not null
),

stopped as (
    select
        g.mode,
        g.funnel_no,
        g.process_id,
        g.last_step_no,
        least(
            window_end(g.entered_at, f.within_seconds * 1000),
            window_end(g.waiting_since, w.within_ms)
        ) as out_of_time_at,
        case
            when g.required_no = f.n_required then 'finished'
            when
                g.excluded_at is not null
                and is_in_window(g.excluded_at, g.entered_at, f.within_seconds * 1000)
                then 'excluded'
            when g.strayed_at is not null then 'strayed'
            when p.procedure <> f.procedure then 'moved_out'
            when p.outcome <> 'open' then p.outcome
            else 'open'
        end as stop_reason
    from furthest as g
    inner join funnels as f on f.funnel_no = g.funnel_no
    inner join processes as p on p.process_id = g.process_id
    left join next_windows as w
        on w.mode = g.mode and w.funnel_no = g.funnel_no and w.process_id = g.process_id
)

select
    m.mode,
    m.funnel_no,
    m.process_id,
    m.step_no,
    m.entry_place,
    m.entered_at,
    m.reached_at,
    lag(m.reached_at) over (
        partition by m.mode, m.funnel_no, m.process_id order by m.step_no
    ) as previous_reached_at,
    m.step_no = s.last_step_no as is_last,
    s.out_of_time_at,
    s.stop_reason
from in_order as m
inner join stopped as s
    on s.mode = m.mode and s.funnel_no = m.funnel_no and s.process_id = m.process_id
