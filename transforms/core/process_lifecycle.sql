-- What happened to each process, with running clocks up to the build's as_of.
-- Grain: one row per process.
-- kind: view
with lifecycles as (from history_process_lifecycle),

hierarchy as (from hierarchy),

processes as (from history_processes),

build as (from build),

worked as (from history_worked_lifecycle),

calendars as (from process_calendars),

calendars_at_build as (from calendars_at_build),

run_clocks as (
    select
        l.*,
        p.team_id,
        h.n_children,
        h.n_open_children,
        h.depth,
        h.root_process_id,
        b.as_of,
        coalesce(epoch_ms(b.as_of) - epoch_ms(l.open_since), 0) as open_running_ms,
        coalesce(epoch_ms(b.as_of) - epoch_ms(l.stay_since), 0) as stay_running_ms,
        coalesce(epoch_ms(b.as_of) - epoch_ms(l.unassigned_since), 0) as unassigned_running_ms,
        l.outcome = 'open' and coalesce(l.next_action_at < b.as_of, false) as is_overdue,
        k.calendar,
        w.process_id is not null as has_calendar,
        w.started_worked_ms,
        w.first_assigned_worked_ms,
        w.first_completed_worked_ms,
        w.last_completed_worked_ms,
        w.open_worked_ms,
        w.offset_ms + c.worked_ms as worked_until_now_ms,
        coalesce(w.offset_ms + c.worked_ms - w.open_since_worked_ms, 0) as open_running_worked_ms
    from lifecycles as l
    inner join processes as p on p.process_id = l.process_id
    inner join hierarchy as h on h.process_id = l.process_id
    inner join calendars as k on k.process_id = l.process_id
    left join worked as w on w.process_id = l.process_id
    left join calendars_at_build as c on c.calendar = w.calendar
    cross join build as b
)

select
    process_id,
    team_id,
    procedure,
    first_completed_at,
    last_completed_at,
    n_completions,
    n_reopens,
    is_reopened,
    seconds_between(started_at, first_completed_at) as resolution_seconds,
    case when outcome = 'completed' then seconds_between(started_at, last_completed_at) end
        as full_resolution_seconds,
    (open_ms + open_running_ms) / 1000 as open_seconds,
    case when outcome = 'open' then seconds_between(started_at, as_of) end as age_seconds,
    calendar,
    if(
        has_calendar,
        (first_completed_worked_ms - started_worked_ms) / 1000,
        seconds_between(started_at, first_completed_at)
    ) as business_resolution_seconds,
    case
        when outcome = 'completed' then if(
            has_calendar,
            (last_completed_worked_ms - started_worked_ms) / 1000,
            seconds_between(started_at, last_completed_at)
        )
    end as business_full_resolution_seconds,
    if(has_calendar, open_worked_ms + open_running_worked_ms, open_ms + open_running_ms) / 1000
        as business_open_seconds,
    case
        when outcome = 'open' then if(
            has_calendar,
            (worked_until_now_ms - started_worked_ms) / 1000,
            seconds_between(started_at, as_of)
        )
    end as business_age_seconds,
    (queue_ms + if(stay_kind = 'queue', stay_running_ms, 0)) / 1000 as queue_seconds,
    (work_ms + if(stay_kind = 'work', stay_running_ms, 0)) / 1000 as work_seconds,
    (waiting_customer_ms + if(stay_kind = 'waiting_customer', stay_running_ms, 0)) / 1000
        as waiting_customer_seconds,
    (waiting_other_ms + if(stay_kind = 'waiting_other', stay_running_ms, 0)) / 1000
        as waiting_other_seconds,
    (done_ms + if(stay_kind = 'done', stay_running_ms, 0)) / 1000 as done_seconds,
    seconds_between(in_state_since, as_of) as seconds_in_state,
    n_visits,
    n_states,
    n_backward,
    n_not_allowed,
    n_reentries,
    n_done_exits,
    first_assigned_at,
    seconds_between(started_at, first_assigned_at) as first_assignment_seconds,
    if(
        has_calendar,
        (first_assigned_worked_ms - started_worked_ms) / 1000,
        seconds_between(started_at, first_assigned_at)
    ) as business_first_assignment_seconds,
    first_assignment_source,
    n_assignments,
    n_assignees,
    n_handoffs,
    n_ping_pongs,
    (unassigned_ms + unassigned_running_ms) / 1000 as unassigned_seconds,
    next_action_at,
    is_overdue,
    case when is_overdue then seconds_between(next_action_at, as_of) end as overdue_seconds,
    n_next_action_moves,
    n_children,
    n_open_children,
    depth,
    root_process_id,
    last_changed_at
from run_clocks
