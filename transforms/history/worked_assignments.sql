-- How much the calendar of a process had worked when each of its stays with an assignee began and
-- ended.
-- Grain: one row per stay of a process whose calendar is not `always`; for a running stay
-- `ended_worked_ms` is null. The difference of the two is the working time of the stay.
with stays as (from assignments),

calendars as (from process_calendars),

slots as (from working_slots)

select
    a.process_id,
    a.assignment_no,
    c.calendar,
    worked_ms(a.started_at, s.starts_at, s.ends_at, s.worked_ms_before) as started_worked_ms,
    worked_ms(a.ended_at, e.starts_at, e.ends_at, e.worked_ms_before) as ended_worked_ms
from stays as a
inner join calendars as c on c.process_id = a.process_id and c.calendar <> 'always'
asof left join slots as s on s.calendar = c.calendar and s.starts_at <= a.started_at
asof left join slots as e on e.calendar = c.calendar and e.starts_at <= a.ended_at
