-- What opened and closed on each local day.
-- Grain: one row per procedure and day, from its first event to the day of the build's instant.
-- open_at_start + created + reopened + restored - completed - cancelled - deleted = open_at_end.
-- An event at midnight belongs to the day that begins.
with stays as (from dated_stays),

build as (from build),

events as (
    select procedure, started_day as day, began_by as event
    from stays
    where began_by in ('created', 'reopened', 'restored')
    union all
    select procedure, ended_day, ended_by
    from stays
    where ended_by in ('completed', 'cancelled', 'deleted')
),

event_days as (
    select
        procedure,
        day,
        count(*) filter (event = 'created') as created,
        count(*) filter (event = 'reopened') as reopened,
        count(*) filter (event = 'restored') as restored,
        count(*) filter (event = 'completed') as completed,
        count(*) filter (event = 'cancelled') as cancelled,
        count(*) filter (event = 'deleted') as deleted
    from events
    group by procedure, day
),

spans as (
    select
        e.procedure,
        min(e.day) as first_day,
        local_day(any_value(b.as_of), any_value(b.time_zone)) as last_day
    from event_days as e
    cross join build as b
    group by e.procedure
),

days as (
    select procedure, unnest(generate_series(first_day, last_day, interval 1 day))::date as day
    from spans
),

counted as (
    select
        d.day,
        d.procedure,
        coalesce(e.created, 0) as created,
        coalesce(e.reopened, 0) as reopened,
        coalesce(e.restored, 0) as restored,
        coalesce(e.completed, 0) as completed,
        coalesce(e.cancelled, 0) as cancelled,
        coalesce(e.deleted, 0) as deleted
    from days as d
    cross join build as b
    left join event_days as e using (procedure, day)
    -- A zone that crosses the date line skips a day: it has no instant, and so no row.
    where local_day(timezone('UTC', timezone(b.time_zone, d.day::timestamp)), b.time_zone) = d.day
),

running as (
    select
        *,
        sum(created + reopened + restored - completed - cancelled - deleted) over (
            partition by procedure order by day
        ) as open_at_end
    from counted
)

select
    day,
    procedure,
    (open_at_end - created - reopened - restored + completed + cancelled + deleted)::bigint
        as open_at_start,
    created,
    reopened,
    restored,
    completed,
    cancelled,
    deleted,
    open_at_end::bigint as open_at_end
from running
order by procedure, day
