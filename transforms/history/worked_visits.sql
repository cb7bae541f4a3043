-- Working time of each process until its stays in a state began and ended.
-- Grain: one row per stay of a process whose calendar has not been `always` throughout; for a
-- running stay `left_worked_ms` is null. The difference of the two is the working time of the stay.
-- `calendar` and `offset_ms` are those that apply now, for a running stay.
with visits as (from state_visits),

instants as (from worked_instants),

calendars as (from process_calendars where is_current)

select
    v.process_id,
    v.visit_no,
    c.calendar,
    c.offset_ms,
    e.worked_ms as entered_worked_ms,
    l.worked_ms as left_worked_ms
from visits as v
inner join calendars as c on c.process_id = v.process_id
inner join instants as e on e.process_id = v.process_id and e.worked_until = v.entered_at
left join instants as l on l.process_id = v.process_id and l.worked_until = v.left_at
