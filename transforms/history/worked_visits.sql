-- How much the calendar of a process had worked when each of its stays in a state began and ended.
-- Grain: one row per stay of a process whose calendar is not `always`; for a running stay
-- `left_worked_ms` is null. The difference of the two is the working time of the stay.
with visits as (from state_visits),

calendars as (from process_calendars),

slots as (from working_slots)

select
    v.process_id,
    v.visit_no,
    c.calendar,
    worked_ms(v.entered_at, e.starts_at, e.ends_at, e.worked_ms_before) as entered_worked_ms,
    worked_ms(v.left_at, l.starts_at, l.ends_at, l.worked_ms_before) as left_worked_ms
from visits as v
inner join calendars as c on c.process_id = v.process_id and c.calendar <> 'always'
asof left join slots as e on e.calendar = c.calendar and e.starts_at <= v.entered_at
asof left join slots as l on l.calendar = c.calendar and l.starts_at <= v.left_at
