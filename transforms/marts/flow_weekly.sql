-- Arrivals, closings and work in progress of each local week, and Little's law on them.
-- Grain: one row per procedure and week (Monday to Sunday), from its first event to the week of the
-- build's as_of, where the last week ends (`is_partial`). Work in progress is the average over all
-- milliseconds of the week: what was open at its start, and each opening and closing weighted with
-- the time that was left. Arrivals and closings are those of the processes: what comes from or goes
-- to another procedure is counted beside them. The law holds for a steady flow: no prediction is
-- made for a week in which more came or went than by chance.
with stays as (from dated_stays),

flow_days as (from flow_daily),

build as (from build),

sum_weeks as (
    select
        procedure,
        date_trunc('week', day)::date as week,
        sum(created) as created,
        sum(reopened) as reopened,
        sum(restored) as restored,
        sum(moved_in) as moved_in,
        sum(completed) as completed,
        sum(cancelled) as cancelled,
        sum(deleted) as deleted,
        sum(moved_out) as moved_out,
        min_by(open_at_start, day) as open_at_start,
        max_by(open_at_end, day) as open_at_end
    from flow_days
    group by all
),

bound_weeks as (
    select
        w.*,
        day_start(w.week, b.time_zone) as begins_at,
        not is_period_over(day_start(w.week + 7, b.time_zone), b.as_of) as is_partial,
        if(is_partial, b.as_of, day_start(w.week + 7, b.time_zone)) as ends_at
    from sum_weeks as w
    cross join build as b
),

-- Each spell in which a process is open has one first and one last stay.
find_openings as (
    select process_id, procedure, spell_no, started_at as opened_at, started_day as day
    from stays
    where begins_spell
),

find_endings as (
    select process_id, procedure, spell_no, ended_at, ended_by, ended_day as day
    from stays
    where ends_spell
),

find_events as (
    select procedure, day, opened_at as happened_at, 1 as change, null as closed_after_ms
    from find_openings
    union all
    select
        e.procedure,
        e.day,
        e.ended_at,
        -1,
        case
            when e.ended_by in ('completed', 'cancelled')
                then epoch_ms(e.ended_at) - epoch_ms(o.opened_at)
        end
    from find_endings as e
    inner join find_openings as o on o.process_id = e.process_id and o.spell_no = e.spell_no
),

sum_events as (
    select
        procedure,
        date_trunc('week', day)::date as week,
        sum(change) as change,
        sum(change * epoch_ms(happened_at)) as change_ms,
        count(closed_after_ms) as closed,
        sum(closed_after_ms) as closed_after_ms
    from find_events
    group by all
),

measure_weeks as (
    select
        w.*,
        epoch_ms(w.ends_at) - epoch_ms(w.begins_at) as length_ms,
        w.open_at_start * (epoch_ms(w.ends_at) - epoch_ms(w.begins_at))
        + coalesce(e.change * epoch_ms(w.ends_at) - e.change_ms, 0) as open_ms,
        w.created + w.reopened + w.restored as arrivals,
        w.completed + w.cancelled as closed,
        w.created + w.reopened + w.restored + w.moved_in as came,
        w.completed + w.cancelled + w.deleted + w.moved_out as went,
        e.closed_after_ms / nullif(e.closed, 0) as mean_ms
    from bound_weeks as w
    left join sum_events as e on e.procedure = w.procedure and e.week = w.week
)

select
    week,
    procedure,
    is_partial,
    open_at_start,
    created::bigint as created,
    reopened::bigint as reopened,
    restored::bigint as restored,
    moved_in::bigint as moved_in,
    arrivals::bigint as arrivals,
    completed::bigint as completed,
    cancelled::bigint as cancelled,
    closed::bigint as closed,
    deleted::bigint as deleted,
    moved_out::bigint as moved_out,
    open_at_end,
    arrivals * 86400000 / nullif(length_ms, 0) as arrivals_per_day,
    closed * 86400000 / nullif(length_ms, 0) as throughput_per_day,
    open_ms / nullif(length_ms, 0) as average_open_processes,
    mean_ms / 1000 as mean_open_seconds,
    case
        when not is_partial
        and not is_small_sample(closed)
        -- A difference of two Poisson counts of one rate, by the normal approximation at 95 %.
        and abs(came - went) <= 1.959963984540054 * sqrt(came + went)
            then arrivals * mean_ms / length_ms
    end as predicted_open_processes
from measure_weeks
order by procedure, week
