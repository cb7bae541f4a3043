-- Open processes by assignee at the end of each local day; the last day ends at the build's as_of.
-- Grain: one row per day, procedure and assignee with at least one open process; `assigned_to` is
-- null on the rows of unassigned processes.
with assignee_days as (from assignee_daily)

select
    day,
    procedure,
    assigned_to,
    assigned_to_name,
    held as open_processes
from assignee_days
where held > 0
order by procedure, day, assigned_to nulls first
