-- Stays while open with the local days on which they began and ended, for the marts that count by
-- day. `begins_spell` and `ends_spell` mark the first and the last stay of an OPEN spell; the last
-- one of a spell is marked only once it has ended.
-- Grain: one row per stay.
-- kind: table
with stays as (from history_open_stays),

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
    s.began_by not in ('moved', 'reassigned') as begins_spell,
    coalesce(s.ended_by not in ('moved', 'reassigned'), false) as ends_spell,
    local_day(s.started_at, b.time_zone) as started_day,
    local_day(s.ended_at, b.time_zone) as ended_day
from stays as s
cross join build as b
