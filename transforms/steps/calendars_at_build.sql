-- How much each calendar had worked until the build's instant, where running clocks end.
-- Grain: one row per calendar but `always`; `worked_ms` since 2000.
with calendars as (from calendars),

slots as (from working_slots),

build as (from build),

latest_slots as (
    select
        s.calendar,
        max(s.starts_at) as starts_at,
        max(s.ends_at) as ends_at,
        max(s.worked_ms_before) as worked_ms_before
    from slots as s
    cross join build as b
    where s.starts_at <= b.as_of
    group by s.calendar
)

select
    c.calendar,
    worked_ms(b.as_of, s.starts_at, s.ends_at, s.worked_ms_before) as worked_ms
from calendars as c
cross join build as b
left join latest_slots as s on s.calendar = c.calendar
where not c.is_always
