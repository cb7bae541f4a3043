-- How long each process took to its first outcome, or has been watched without one.
-- Grain: one row per process. Without an outcome the time ends where watching ends: at the build's
-- instant, or at the deletion. What comes after the first outcome (a reopening) does not count.
with processes as (from history_processes),

spells as (from history_status_spells),

build as (from build),

closings as (
    select
        process_id,
        min(started_at) as ended_at,
        arg_min(lower(status), spell_no) as outcome
    from spells
    where status <> 'OPEN'
    group by process_id
)

select
    p.process_id,
    p.procedure,
    p.started_at,
    c.outcome,
    coalesce(c.ended_at, p.deleted_at, b.as_of) as ended_at,
    seconds_between(p.started_at, coalesce(c.ended_at, p.deleted_at, b.as_of)) as seconds,
    case
        when c.outcome is not null then 'outcome'
        when p.deleted_at is not null then 'deleted'
        else 'open'
    end as ended_by
from processes as p
left join closings as c on c.process_id = p.process_id
cross join build as b
