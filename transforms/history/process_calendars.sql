-- The calendar that applies to each process over time: the one its procedure names, or the one a
-- formula gives for each version. A name without a calendar counts as `otherwise`.
-- Grain: one row per process and stretch in which one calendar applies. Working time of a process
-- until an instant is `offset_ms` plus what the calendar has worked until then, so that a
-- difference of two instants adds up over all stretches. `choices` is written from the definitions
-- (transforms/per_procedure/calendars.py).
with choices as (from choices),

procedure_calendars as (from procedure_calendars),

slots as (from working_slots),

named as (
    select
        c.process_id,
        c.version_no,
        c.started_at,
        coalesce(k.calendar, c.otherwise) as calendar
    from choices as c
    left join procedure_calendars as k
        on k.procedure = c.procedure and k.calendar = c.calendar
),

find_changes as (
    select *
    from named
    qualify calendar is distinct from lag(calendar) over (
        partition by process_id order by version_no
    )
),

stretches as (
    select
        process_id,
        row_number() over version_order as stretch_no,
        calendar,
        version_no,
        started_at,
        lead(started_at) over version_order as ended_at
    from find_changes
    window version_order as (partition by process_id order by version_no)
),

-- Most processes have one calendar, and need no offset.
switching as (select process_id from stretches where stretch_no = 2),

bounds as (
    select s.process_id, s.stretch_no, s.calendar, s.started_at as bound_at, true as is_start
    from stretches as s
    semi join switching as w on w.process_id = s.process_id
    union all
    select s.process_id, s.stretch_no, s.calendar, s.ended_at, false
    from stretches as s
    semi join switching as w on w.process_id = s.process_id
    where s.ended_at is not null
),

work_bounds as (
    select
        b.*,
        worked_ms(b.bound_at, f.starts_at, f.ends_at, f.worked_ms_before) as worked_ms
    from bounds as b
    asof left join slots as f on f.calendar = b.calendar and f.starts_at <= b.bound_at
),

sum_stretches as (
    select
        process_id,
        stretch_no,
        max(worked_ms) filter (is_start) as started_worked_ms,
        max(worked_ms) filter (not is_start) as ended_worked_ms
    from work_bounds
    group by process_id, stretch_no
),

offsets as (
    select
        process_id,
        stretch_no,
        coalesce(sum(ended_worked_ms - started_worked_ms) over (
            partition by process_id order by stretch_no
            rows between unbounded preceding and 1 preceding
        ), 0) - started_worked_ms as offset_ms
    from sum_stretches
)

select
    s.process_id,
    s.stretch_no::integer as stretch_no,
    s.calendar,
    s.version_no,
    s.started_at,
    s.ended_at,
    s.ended_at is null as is_current,
    coalesce(o.offset_ms, 0)::bigint as offset_ms
from stretches as s
left join offsets as o on o.process_id = s.process_id and o.stretch_no = s.stretch_no
