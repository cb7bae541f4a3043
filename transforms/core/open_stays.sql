-- Stays in one state with one assignee and one pod while open, at the build's as_of, where
-- running stays end.
-- Grain: one row per stay.
-- kind: view
with stays as (from history_open_stays),

processes as (from history_processes),

build as (from build)

select
    s.process_id,
    p.team_id,
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
inner join processes as p on p.process_id = s.process_id
cross join build as b
