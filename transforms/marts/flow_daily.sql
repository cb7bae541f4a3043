-- What opened and closed on each local day, and what came from and went to other procedures.
-- Grain: one row per procedure and day, from its first event to the day of the build's as_of.
-- open_at_start + created + reopened + restored + moved_in
-- - completed - cancelled - deleted - moved_out = open_at_end.
-- An event at midnight belongs to the day that begins.
with stays as (from dated_stays),

build as (from build),

find_events as (
    select procedure, started_day as day, began_by as event
    from stays
    where begins_spell
    union all
    select procedure, ended_day, ended_by
    from stays
    where ends_spell
),

count_events as (
    select
        procedure,
        day,
        count(*) filter (event = 'created') as created,
        count(*) filter (event = 'reopened') as reopened,
        count(*) filter (event = 'restored') as restored,
        count(*) filter (event = 'moved_in') as moved_in,
        count(*) filter (event = 'completed') as completed,
        count(*) filter (event = 'cancelled') as cancelled,
        count(*) filter (event = 'deleted') as deleted,
        count(*) filter (event = 'moved_out') as moved_out
    from find_events
    group by procedure, day
),

find_spans as (
    select
        e.procedure,
        min(e.day) as first_day,
        local_day(any_value(b.as_of), any_value(b.time_zone)) as last_day
    from count_events as e
    cross join build as b
    group by e.procedure
),

list_days as (
    select procedure, unnest(generate_series(first_day, last_day, interval 1 day))::date as day
    from find_spans
),

fill_days as (
    select
        d.day,
        d.procedure,
        coalesce(e.created, 0) as created,
        coalesce(e.reopened, 0) as reopened,
        coalesce(e.restored, 0) as restored,
        coalesce(e.moved_in, 0) as moved_in,
        coalesce(e.completed, 0) as completed,
        coalesce(e.cancelled, 0) as cancelled,
        coalesce(e.deleted, 0) as deleted,
        coalesce(e.moved_out, 0) as moved_out
    from list_days as d
    cross join build as b
    left join count_events as e using (procedure, day)
    -- A time zone that crosses the date line skips a day, which then has no row.
    where local_day(timezone('UTC', timezone(b.time_zone, d.day::timestamp)), b.time_zone) = d.day
),

add_up as (
    select
        *,
        created + reopened + restored + moved_in - completed - cancelled - deleted - moved_out
            as change,
        sum(change) over (partition by procedure order by day) as open_at_end
    from fill_days
)

select
    day,
    procedure,
    (open_at_end - change)::bigint as open_at_start,
    created,
    reopened,
    restored,
    moved_in,
    completed,
    cancelled,
    deleted,
    moved_out,
    open_at_end::bigint as open_at_end
from add_up
order by procedure, day
