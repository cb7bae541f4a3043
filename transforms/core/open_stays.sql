-- Stays in one state with one assignee and one pod while open, as at the build's instant, where
-- running stays end.
-- Grain: one row per stay.
with stays as (from history_open_stays),

build as (from build)

select
    s.process_id,
    s.procedure,
    s.stay_no,
    s.spell_no,
    s.state,
    s.state_kind,
    s.state_rank,
    s.assigned_to,
    s.pod_id,
    s.started_at,
    s.ended_at,
    s.is_current,
    seconds_between(s.started_at, coalesce(s.ended_at, b.as_of)) as seconds,
    s.began_by,
    s.ended_by
from stays as s
cross join build as b
