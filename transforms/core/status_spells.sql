-- Stays in a status at the build's as_of, where running stays end.
-- Grain: one row per stay in a status.
-- kind: view
with spells as (from history_status_spells),

build as (from build)

select
    s.process_id,
    s.procedure,
    s.spell_no,
    s.status,
    s.started_at,
    s.ended_at,
    s.is_current,
    seconds_between(s.started_at, coalesce(s.ended_at, b.as_of)) as seconds,
    s.began_by,
    s.shown_version_no::integer as shown_version_no
from spells as s
cross join build as b
