-- How much each calendar has worked until the build's as_of, where running clocks end.
-- Grain: one row per calendar.
with calendars as (from calendars),

slots as (from working_slots),

build as (from build),

until_build as (select c.calendar, b.as_of from calendars as c cross join build as b)

select
    u.calendar,
    worked_ms(u.as_of, s.starts_at, s.ends_at, s.worked_ms_before) as worked_ms
from until_build as u
asof left join slots as s on s.calendar = u.calendar and s.starts_at <= u.as_of
