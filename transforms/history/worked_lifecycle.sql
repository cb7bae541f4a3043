-- Working time of each process until the events that its durations are measured by.
-- Grain: one row per process whose calendar has not been `always` throughout. `open_worked_ms` is
-- the working time of the stays in status OPEN that have ended; `open_since_worked_ms` belongs to
-- the running one. `calendar` and `offset_ms` are those that apply now.
with lifecycles as (from process_lifecycle),

spells as (from status_spells where status = 'OPEN'),

instants as (from worked_instants),

calendars as (from process_calendars where is_current),

sum_spells as (
    select p.process_id, sum(e.worked_ms - s.worked_ms) as open_worked_ms
    from spells as p
    inner join instants as s on s.process_id = p.process_id and s.worked_until = p.started_at
    inner join instants as e on e.process_id = p.process_id and e.worked_until = p.ended_at
    group by p.process_id
)

select
    l.process_id,
    c.calendar,
    c.offset_ms,
    s.worked_ms as started_worked_ms,
    a.worked_ms as first_assigned_worked_ms,
    f.worked_ms as first_completed_worked_ms,
    t.worked_ms as last_completed_worked_ms,
    coalesce(p.open_worked_ms, 0)::bigint as open_worked_ms,
    o.worked_ms as open_since_worked_ms
from lifecycles as l
inner join calendars as c on c.process_id = l.process_id
inner join instants as s on s.process_id = l.process_id and s.worked_until = l.started_at
left join instants as a on a.process_id = l.process_id and a.worked_until = l.first_assigned_at
left join instants as f on f.process_id = l.process_id and f.worked_until = l.first_completed_at
left join instants as t on t.process_id = l.process_id and t.worked_until = l.last_completed_at
left join instants as o on o.process_id = l.process_id and o.worked_until = l.open_since
left join sum_spells as p on p.process_id = l.process_id
