-- The named durations of procedures, from the event that starts each to the one that ends it.
-- Grain: one row per process, measure and occurrence that counts by the definition. A running one
-- ends at the build's as_of. Working time is in the calendar that applied at the start.
with cycles as (from history_sla_cycles where occurrence is not null),

processes as (from history_processes),

observed as (from observed_since),

build as (from build),

slots as (from working_slots),

choose_cycles as (
    select *
    from cycles
    qualify
        occurrence = 'each'
        or (occurrence = 'first' and cycle = 1)
        or (
            occurrence = 'last'
            and cycle = max(cycle) over (partition by process_id, policy_no)
        )
),

measure as (
    select c.*, coalesce(c.stopped_at, b.as_of) as measured_until
    from choose_cycles as c
    cross join build as b
)

select
    m.process_id,
    p.team_id,
    m.procedure,
    m.policy as measure,
    m.cycle as occurrence_no,
    m.started_at,
    m.stopped_at as ended_at,
    m.ended_by,
    seconds_between(m.started_at, m.measured_until) as seconds,
    (
        worked_ms(m.measured_until, u.starts_at, u.ends_at, u.worked_ms_before)
        - worked_ms(m.started_at, f.starts_at, f.ends_at, f.worked_ms_before)
    ) / 1000 as business_seconds,
    m.calendar,
    coalesce(m.started_at >= o.observed_since, true) as is_observed
from measure as m
inner join processes as p on p.process_id = m.process_id
inner join observed as o on o.procedure = m.procedure
asof left join slots as f on f.calendar = m.calendar and f.starts_at <= m.started_at
asof left join slots as u on u.calendar = m.calendar and u.starts_at <= m.measured_until
