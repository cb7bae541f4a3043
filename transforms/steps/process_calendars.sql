-- Which calendar's working time counts for each process; `always` is every hour of every day.
-- Grain: one row per process.
with chosen as (from history_process_calendars)

select process_id, procedure, calendar
from chosen
