-- Stays in a state at the build's as_of, where running stays end.
-- Grain: one row per stay in a state.
-- kind: view
with visits as (from history_state_visits),

processes as (from history_processes),

build as (from build),

worked as (from history_worked_visits),

calendars_at_build as (from calendars_at_build)

select
    v.process_id,
    p.team_id,
    v.procedure,
    v.visit_no,
    v.state,
    v.state_name,
    v.state_kind,
    v.state_rank,
    v.entered_at,
    v.left_at,
    v.is_current,
    seconds_between(v.entered_at, coalesce(v.left_at, b.as_of)) as seconds,
    case
        when w.process_id is null
            then seconds_between(v.entered_at, coalesce(v.left_at, b.as_of))
        else (coalesce(w.left_worked_ms, w.offset_ms + c.worked_ms) - w.entered_worked_ms) / 1000
    end as business_seconds,
    v.previous_state,
    v.next_state,
    v.direction,
    v.is_allowed,
    v.n_previous_visits,
    v.assigned_to,
    v.entered_source,
    v.is_left_by_deletion,
    v.is_left_by_procedure_change,
    v.entered_version_no::integer as entered_version_no
from visits as v
inner join processes as p on p.process_id = v.process_id
left join worked as w on w.process_id = v.process_id and w.visit_no = v.visit_no
left join calendars_at_build as c on c.calendar = w.calendar
cross join build as b
