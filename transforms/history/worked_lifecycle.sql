-- How much the calendar of a process had worked at the events that its durations are measured by.
-- Grain: one row per process whose calendar is not `always`. `open_worked_ms` is the working time of
-- the stays in status OPEN that have ended, `open_since_worked_ms` belongs to the one that runs.
with processes as (from processes),

spells as (from status_spells),

calendars as (from process_calendars),

slots as (from working_slots),

worked_spells as (
    select
        p.process_id,
        p.status,
        p.is_current,
        worked_ms(p.started_at, s.starts_at, s.ends_at, s.worked_ms_before) as started_worked_ms,
        worked_ms(p.ended_at, e.starts_at, e.ends_at, e.worked_ms_before) as ended_worked_ms
    from spells as p
    inner join calendars as c on c.process_id = p.process_id and c.calendar <> 'always'
    asof left join slots as s on s.calendar = c.calendar and s.starts_at <= p.started_at
    asof left join slots as e on e.calendar = c.calendar and e.starts_at <= p.ended_at
    where p.status in ('OPEN', 'COMPLETED')
),

spell_sums as (
    select
        process_id,
        min(started_worked_ms) filter (status = 'COMPLETED') as first_completed_worked_ms,
        max(started_worked_ms) filter (status = 'COMPLETED') as last_completed_worked_ms,
        sum(ended_worked_ms - started_worked_ms) filter (status = 'OPEN') as open_worked_ms,
        max(started_worked_ms) filter (status = 'OPEN' and is_current) as open_since_worked_ms
    from worked_spells
    group by process_id
)

select
    p.process_id,
    c.calendar,
    worked_ms(p.started_at, s.starts_at, s.ends_at, s.worked_ms_before) as started_worked_ms,
    worked_ms(p.first_assigned_at, a.starts_at, a.ends_at, a.worked_ms_before)
        as first_assigned_worked_ms,
    o.first_completed_worked_ms,
    o.last_completed_worked_ms,
    coalesce(o.open_worked_ms, 0)::bigint as open_worked_ms,
    o.open_since_worked_ms
from processes as p
inner join calendars as c on c.process_id = p.process_id and c.calendar <> 'always'
left join spell_sums as o on o.process_id = p.process_id
asof left join slots as s on s.calendar = c.calendar and s.starts_at <= p.started_at
asof left join slots as a on a.calendar = c.calendar and a.starts_at <= p.first_assigned_at
