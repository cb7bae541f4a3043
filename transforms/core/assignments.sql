-- Stays with an assignee as at the build's instant, where running stays end.
-- Grain: one row per stay; `assigned_to` is null while nobody held the process.
with stays as (from history_assignments),

build as (from build)

select
    a.process_id,
    a.procedure,
    a.assignment_no,
    a.assigned_to,
    a.started_at,
    a.ended_at,
    a.is_current,
    seconds_between(a.started_at, coalesce(a.ended_at, b.as_of)) as seconds,
    a.state
from stays as a
cross join build as b
