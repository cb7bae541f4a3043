-- The clocks of each SLA policy from start to stop, before any time is counted.
-- Grain: one row per policy, process and cycle. Events pass in order of time, those of one instant
-- in order of version; of one version first the end of a stay, then what ends the process, then
-- what starts a clock, then what stops it. What starts passes while one runs, what stops while
-- none does.
with starts as (from sla_starts),

moments as (from sla_moments),

policies as (from sla_policies),

processes as (from history_processes),

process_calendars as (from process_calendars),

stops as (select * from moments where role = 'stop'),

-- A clock that waits for the first assignment starts no more after it.
possible_starts as (
    select s.policy_no, s.process_id, s.event, s.happened_at, s.version_no, s.target_ms
    from starts as s
    inner join policies as p on p.policy_no = s.policy_no
    left join processes as o
        on o.process_id = s.process_id
        and p.stops_at_first_assignment
    where o.first_assigned_at is null or s.happened_at <= o.first_assigned_at
),

-- What stops the clock goes before a cancellation that the same version shows, and whenever it is
-- dated before a completion that the same version shows.
ends as (
    select e.*
    from moments as e
    anti join stops as s
        on s.policy_no = e.policy_no
        and s.process_id = e.process_id
        and s.version_no = e.version_no
        and (s.happened_at = e.happened_at or e.event = 'completed')
    where e.role = 'end'
),

signals as (
    select
        *,
        'start' as role,
        coalesce(version_no, 0) as place,
        if(event = 'left', 1, 3) as place_in_version
    from possible_starts
    union all
    select
        policy_no,
        process_id,
        event,
        happened_at,
        version_no,
        null,
        'stop',
        -- A first assignment passes as the last of its instant: whoever waits for it has begun.
        coalesce(version_no, 9223372036854775807),
        if(event = 'left', 1, 4)
    from stops
    union all
    select policy_no, process_id, event, happened_at, version_no, null, 'end', version_no, 2
    from ends
),

switches as (
    select *
    from signals
    qualify (role = 'start') <> coalesce(lag(role = 'start') over (
        partition by process_id, policy_no order by happened_at, place, place_in_version
    ), false)
),

paired as (
    select
        *,
        lead(happened_at) over switch_order as stopped_at,
        lead(role) over switch_order as stopping_role,
        lead(event) over switch_order as stopping_event
    from switches
    window switch_order as (
        partition by process_id, policy_no order by happened_at, place, place_in_version
    )
)

select
    c.process_id,
    c.policy_no,
    p.procedure,
    p.policy,
    (row_number() over (
        partition by c.process_id, c.policy_no order by c.happened_at, c.place, c.place_in_version
    ))::integer as cycle,
    coalesce(p.calendar, k.calendar) as calendar,
    c.target_ms,
    c.happened_at as started_at,
    c.version_no as started_version_no,
    c.stopped_at,
    case
        when c.stopping_role = 'end' then c.stopping_event
        when c.stopping_role = 'stop' then 'stop'
    end as ended_by
from paired as c
inner join policies as p on p.policy_no = c.policy_no
inner join process_calendars as k on k.process_id = c.process_id
where c.role = 'start'
