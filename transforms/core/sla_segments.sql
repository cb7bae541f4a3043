-- The stretches of time in which the clocks of SLA policies counted.
-- Grain: one row per policy, process, cycle and stretch between two pauses; stretches of no length
-- are left out. Time counts in the calendar of the clock. The `elapsed_seconds` of a clock add up
-- to its elapsed time.
with cycles as (from history_sla_cycles where occurrence is null),

visits as (from history_state_visits),

pauses as (from sla_pauses),

processes as (from history_processes),

build as (from build),

slots as (from working_slots),

paused as (
    select
        c.process_id,
        c.policy_no,
        c.cycle,
        greatest(v.entered_at, c.started_at) as paused_at,
        v.left_at as resumed_at
    from cycles as c
    inner join pauses as p on p.policy_no = c.policy_no
    inner join visits as v
        on v.process_id = c.process_id
        and v.procedure = c.procedure
        and v.state = p.state
    where
        (v.left_at is null or v.left_at > greatest(v.entered_at, c.started_at))
        and (c.stopped_at is null or v.entered_at < c.stopped_at)
),

-- A clock starts as if it resumed from a pause of no length.
resumptions as (
    select process_id, policy_no, cycle, started_at as paused_at, started_at as resumed_at
    from cycles
    union all
    select process_id, policy_no, cycle, paused_at, resumed_at
    from paused
),

stretches as (
    select
        *,
        lead(paused_at) over (
            partition by process_id, policy_no, cycle order by paused_at, resumed_at nulls last
        ) as next_paused_at
    from resumptions
),

counted as (
    select
        c.process_id,
        c.procedure,
        c.policy,
        c.cycle,
        c.calendar,
        s.resumed_at as started_at,
        coalesce(s.next_paused_at, c.stopped_at) as ended_at
    from stretches as s
    inner join cycles as c
        on c.process_id = s.process_id
        and c.policy_no = s.policy_no
        and c.cycle = s.cycle
    where
        s.resumed_at is not null
        and (
            coalesce(s.next_paused_at, c.stopped_at) is null
            or s.resumed_at < coalesce(s.next_paused_at, c.stopped_at)
        )
)

select
    s.process_id,
    p.team_id,
    s.procedure,
    s.policy,
    s.cycle,
    (row_number() over (
        partition by s.process_id, s.procedure, s.policy, s.cycle order by s.started_at
    ))::integer as segment_no,
    s.started_at,
    s.ended_at,
    (
        worked_ms(s.counted_until, u.starts_at, u.ends_at, u.worked_ms_before)
        - worked_ms(s.started_at, f.starts_at, f.ends_at, f.worked_ms_before)
    ) / 1000 as elapsed_seconds
from (
    select c.*, coalesce(c.ended_at, b.as_of) as counted_until
    from counted as c
    cross join build as b
) as s
inner join processes as p on p.process_id = s.process_id
asof left join slots as f on f.calendar = s.calendar and f.starts_at <= s.started_at
asof left join slots as u on u.calendar = s.calendar and u.starts_at <= s.counted_until
