-- Working time of each process until its stays with an assignee began and ended.
-- Grain: one row per stay of a process whose calendar has not been `always` throughout; for a
-- running stay `ended_worked_ms` is null. The difference of the two is the working time of the
-- stay. `calendar` and `offset_ms` are those that apply now, for a running stay.
with stays as (from assignments),

instants as (from worked_instants),

calendars as (from process_calendars where is_current)

select
    a.process_id,
    a.assignment_no,
    c.calendar,
    c.offset_ms,
    s.worked_ms as started_worked_ms,
    e.worked_ms as ended_worked_ms
from stays as a
inner join calendars as c on c.process_id = a.process_id
inner join instants as s on s.process_id = a.process_id and s.worked_until = a.started_at
left join instants as e on e.process_id = a.process_id and e.worked_until = a.ended_at
