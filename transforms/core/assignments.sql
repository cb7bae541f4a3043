-- Stays with an assignee at the build's as_of, where running stays end.
-- Grain: one row per stay; `assigned_to` is null while the process was unassigned.
-- kind: view
with stays as (from history_assignments),

processes as (from history_processes),

build as (from build),

worked as (from history_worked_assignments),

calendars_at_build as (from calendars_at_build)

select
    a.process_id,
    p.team_id,
    a.procedure,
    a.assignment_no,
    a.assigned_to,
    a.started_at,
    a.ended_at,
    a.is_current,
    seconds_between(a.started_at, coalesce(a.ended_at, b.as_of)) as seconds,
    case
        when w.process_id is null
            then seconds_between(a.started_at, coalesce(a.ended_at, b.as_of))
        else (coalesce(w.ended_worked_ms, w.offset_ms + c.worked_ms) - w.started_worked_ms) / 1000
    end as business_seconds,
    a.state
from stays as a
inner join processes as p on p.process_id = a.process_id
left join worked as w
    on w.process_id = a.process_id and w.assignment_no = a.assignment_no
left join calendars_at_build as c on c.calendar = w.calendar
cross join build as b
