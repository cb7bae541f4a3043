-- What each assignee held, received, handed on and closed on each local day, by who held the
-- process at the time; the last day ends at the build's as_of.
-- Grain: one row per day, procedure and assignee with something held or done; `assigned_to` is null
-- on the rows of unassigned processes. Built from +1/-1 events, not from processes x days.
-- held of the day before + opened + moved_in + received
-- - handed_on - completed - cancelled - deleted - moved_out = held.
with stays as (from dated_stays),

follow_ups as (from follow_ups),

flow_days as (from flow_daily),

users as (from users),

build as (from build),

-- A change of state or pod alone leaves a process with its assignee.
find_holdings as (
    select procedure, assigned_to, started_day as day, began_by as event, 1 as change
    from stays
    where began_by <> 'moved'
    union all
    select procedure, assigned_to, ended_day, ended_by, -1
    from stays
    where ended_by <> 'moved'
),

-- Reopenings, for the person who held the process when it was completed.
find_undone_completions as (
    select c.procedure, c.assigned_to, r.started_day as day
    from stays as r
    inner join stays as c on c.process_id = r.process_id and c.stay_no = r.stay_no - 1
    where r.began_by = 'reopened' and c.ended_by = 'completed'
),

-- A plan is overdue from the first millisecond after it was due, as long as the record holds it.
find_overdue_plans as (
    select
        f.process_id,
        greatest(f.set_at, f.due_at + interval 1 millisecond) as overdue_from,
        f.removed_at as overdue_until
    from follow_ups as f
    cross join build as b
    where f.due_at < least(f.removed_at, b.as_of)
),

find_overdue_stays as (
    select
        s.procedure,
        s.assigned_to,
        greatest(o.overdue_from, s.started_at) as overdue_from,
        least(o.overdue_until, s.ended_at) as overdue_until
    from find_overdue_plans as o
    inner join stays as s
        on s.process_id = o.process_id
        and (s.ended_at is null or o.overdue_from < s.ended_at)
        and (o.overdue_until is null or s.started_at < o.overdue_until)
),

date_overdue_stays as (
    select
        o.procedure,
        o.assigned_to,
        local_day(o.overdue_from, b.time_zone) as first_day,
        local_day(o.overdue_until, b.time_zone) as last_day
    from find_overdue_stays as o
    cross join build as b
),

find_events as (
    select procedure, assigned_to, day, event, change, 0 as overdue_change from find_holdings
    union all
    select procedure, assigned_to, day, 'undone', 0, 0 from find_undone_completions
    union all
    select procedure, assigned_to, first_day, 'overdue', 0, 1 from date_overdue_stays
    union all
    select procedure, assigned_to, last_day, 'overdue', 0, -1
    from date_overdue_stays
    where last_day is not null
),

count_events as (
    select
        procedure,
        assigned_to,
        day,
        sum(change) as change,
        sum(overdue_change) as overdue_change,
        count(*) filter (event in ('created', 'reopened', 'restored')) as opened,
        count(*) filter (event = 'moved_in') as moved_in,
        count(*) filter (event = 'reassigned' and change = 1) as received,
        count(*) filter (event = 'reassigned' and change = -1) as handed_on,
        count(*) filter (event = 'completed') as completed,
        count(*) filter (event = 'cancelled') as cancelled,
        count(*) filter (event = 'deleted') as deleted,
        count(*) filter (event = 'moved_out') as moved_out,
        count(*) filter (event = 'undone') as reopened_after_completion
    from find_events
    group by procedure, assigned_to, day
),

add_up as (
    select
        e.*,
        sum(e.change) over assignee_days as held,
        sum(e.overdue_change) over assignee_days as overdue,
        coalesce(
            lead(e.day) over assignee_days, local_day(b.as_of, b.time_zone) + 1
        ) - 1 as last_day
    from count_events as e
    cross join build as b
    window assignee_days as (partition by e.procedure, e.assigned_to order by e.day)
),

list_days as (
    select
        *,
        day as event_day,
        unnest(
            generate_series(day, if(held > 0, last_day, day), interval 1 day)
        )::date as held_day
    from add_up
)

select
    d.held_day as day,
    d.procedure,
    d.assigned_to,
    coalesce(u.name, d.assigned_to::varchar) as assigned_to_name,
    d.held::bigint as held,
    if(d.held_day = d.event_day, d.opened, 0) as opened,
    if(d.held_day = d.event_day, d.moved_in, 0) as moved_in,
    if(d.held_day = d.event_day, d.received, 0) as received,
    if(d.held_day = d.event_day, d.handed_on, 0) as handed_on,
    if(d.held_day = d.event_day, d.completed, 0) as completed,
    if(d.held_day = d.event_day, d.cancelled, 0) as cancelled,
    if(d.held_day = d.event_day, d.deleted, 0) as deleted,
    if(d.held_day = d.event_day, d.moved_out, 0) as moved_out,
    if(d.held_day = d.event_day, d.reopened_after_completion, 0) as reopened_after_completion,
    d.overdue::bigint as overdue
from list_days as d
-- A time zone that crosses the date line skips a day, which flow_daily leaves out.
semi join flow_days as f on f.procedure = d.procedure and f.day = d.held_day
left join users as u on u.user_id = d.assigned_to
order by d.procedure, d.held_day, d.assigned_to nulls first
