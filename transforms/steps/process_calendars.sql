-- The calendar that applies to each process at the build's as_of; `always` is every hour.
-- Grain: one row per process.
with stretches as (from history_process_calendars)

select process_id, calendar
from stretches
where is_current
