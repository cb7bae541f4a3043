-- How long each process took to its first outcome, or how long it has been observed without one.
-- Grain: one row per process. Without an outcome the time is censored at the build's as_of, or at
-- the deletion. Events after the first outcome (a reopening) do not count. `procedure` is the one
-- that the process is in at the build's as_of. A process that began before its first
-- procedure was observed enters the risk set with its first version: nothing is known of those that
-- have had none since, so that the time until then cannot count. One that had ended by then never
-- enters.
with processes as (from history_processes),

spells as (from history_status_spells),

observed as (from observed_since),

build as (from build),

find_closings as (
    select
        process_id,
        min(started_at) as ended_at,
        arg_min(lower(status), spell_no) as outcome
    from spells
    where status <> 'OPEN'
    group by process_id
),

end_times as (
    select
        p.process_id,
        p.team_id,
        p.procedure,
        p.started_at,
        c.outcome,
        coalesce(c.ended_at, p.deleted_at, b.as_of) as ended_at,
        case
            when c.outcome is not null then 'outcome'
            when p.deleted_at is not null then 'deleted'
            else 'open'
        end as ended_by,
        coalesce(p.started_at >= o.observed_since, true) as is_observed_from_start,
        if(is_observed_from_start, p.started_at, greatest(o.observed_since, p.first_seen_at))
            as entered_at
    from processes as p
    inner join observed as o on o.procedure = p.first_procedure
    left join find_closings as c on c.process_id = p.process_id
    cross join build as b
)

select
    process_id,
    team_id,
    procedure,
    started_at,
    outcome,
    ended_at,
    seconds_between(started_at, ended_at) as seconds,
    ended_by,
    if(is_observed_from_start or entered_at < ended_at, entered_at, null) as entered_at,
    is_observed_from_start
from end_times
