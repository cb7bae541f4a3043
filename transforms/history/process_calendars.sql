-- Which calendar's working time counts for each process: as its procedure says, or by a formula over
-- its latest version. What is no calendar counts as `otherwise`.
-- Grain: one row per process. `choices` comes from the definitions (transforms/calendars.py).
with choices as (from choices),

procedure_calendars as (from procedure_calendars)

select
    c.process_id,
    c.procedure,
    coalesce(k.calendar, c.otherwise) as calendar
from choices as c
left join procedure_calendars as k
    on k.procedure = c.procedure and k.calendar = c.calendar
