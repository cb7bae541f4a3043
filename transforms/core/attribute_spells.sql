-- Stays in one value of attributes whose history is kept, up to the build's as_of.
-- Grain: one row per stay of one attribute of one process in one value, or without a value.
-- kind: view
with spells as (from history_attribute_spells),

processes as (from history_processes),

build as (from build)

select
    s.process_id,
    p.team_id,
    s.procedure,
    s.attribute,
    s.type,
    s.spell_no,
    s.value,
    s.started_at,
    s.ended_at,
    s.ended_at is null as is_current,
    seconds_between(s.started_at, coalesce(s.ended_at, b.as_of)) as seconds
from spells as s
inner join processes as p on p.process_id = s.process_id
cross join build as b
