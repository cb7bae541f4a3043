-- Stays while open with the local days on which they began and ended: several marts count by day.
-- Grain: one row per stay.
with stays as (from open_stays),

build as (from build)

select
    s.process_id,
    s.procedure,
    s.stay_no,
    s.spell_no,
    s.state,
    s.assigned_to,
    s.pod_id,
    s.started_at,
    s.ended_at,
    s.began_by,
    s.ended_by,
    local_day(s.started_at, b.time_zone) as started_day,
    local_day(s.ended_at, b.time_zone) as ended_day
from stays as s
cross join build as b
