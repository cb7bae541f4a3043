-- The clocks of each SLA policy from start to stop, before any time is counted, and those of each
-- named duration, which is a policy without a target.
-- Grain: one row per policy, process and cycle. Events pass in the order of the versions that show
-- them, so that a later version does not undo a clock that has ended; those of one version in order
-- of time, and at one instant first the end of a stay, then what ends the process, then what starts
-- a clock, then what stops it. A start passes while a clock runs, a stop while none does. An event
-- that its version dates before the previous start or stop counts from that one. A renewal is a
-- stop that also starts the next clock, unless the process ends with it.
-- Calendar and target are those at the event that started the clock. `occurrence` is null for SLA
-- policies.
with starts as (from sla_starts),

moments as (from sla_moments),

policies as (from clocks),

processes as (from processes),

contacts as (from process_contacts),

calendars as (from process_calendars),

working_days as (from working_days),

-- Where a policy is not repeated there are none.
renewals as (
    select r.*
    from starts as r
    anti join moments as e
        on e.role = 'end'
        and e.policy_no = r.policy_no
        and e.process_id = r.process_id
        and (
            e.version_no = r.version_no
            or (r.version_no is null and e.happened_at = r.happened_at)
        )
    where r.role = 'renewal'
),

stops as (select * from moments where role = 'stop'),

final_stops as (
    select s.*
    from stops as s
    anti join renewals as r
        on r.policy_no = s.policy_no
        and r.process_id = s.process_id
        and r.happened_at = s.happened_at
        and r.version_no is not distinct from s.version_no
),

-- After the first assignment no clock starts that waits for it; nor after the first call.
possible_starts as (
    select s.*
    from starts as s
    inner join policies as p on p.policy_no = s.policy_no
    left join processes as o
        on o.process_id = s.process_id
        and p.stops_at_first_assignment
    left join contacts as c
        on c.process_id = s.process_id
        and p.stops_at_first_call
    where
        s.role = 'start'
        and (o.first_assigned_at is null or s.happened_at <= o.first_assigned_at)
        and (c.first_call_at is null or s.happened_at <= c.first_call_at)
),

-- What stops the clock has precedence over a closing that the same version shows, however the
-- closing is dated; a first assignment or a call, which no version shows, over a closing of its
-- instant.
ends as (
    select e.*
    from moments as e
    anti join stops as s
        on s.policy_no = e.policy_no
        and s.process_id = e.process_id
        and (
            s.version_no = e.version_no
            or (s.version_no is null and s.happened_at = e.happened_at)
        )
    where e.role = 'end'
),

signals as (
    select
        policy_no,
        process_id,
        'start' as role,
        event,
        happened_at,
        passed_at,
        version_no,
        coalesce(version_no, 0) as version_place,
        place,
        target_ms,
        target_days
    from possible_starts
    union all
    select
        policy_no,
        process_id,
        'stop',
        event,
        happened_at,
        passed_at,
        version_no,
        -- What no version shows passes last at its instant: what waits for it has begun.
        coalesce(version_no, 9223372036854775807),
        place,
        null,
        null
    from final_stops
    union all
    select
        policy_no,
        process_id,
        'renewal',
        event,
        happened_at,
        passed_at,
        version_no,
        coalesce(version_no, 9223372036854775807),
        place,
        target_ms,
        target_days
    from renewals
    union all
    select
        policy_no,
        process_id,
        'end',
        event,
        happened_at,
        passed_at,
        version_no,
        version_no,
        place,
        null,
        null
    from ends
),

-- A renewal leaves the clock as it is, running or not.
with_running as (
    select
        *,
        coalesce(last_value(if(role = 'renewal', null, role = 'start') ignore nulls) over (
            partition by process_id, policy_no order by passed_at, version_place, happened_at, place
            rows between unbounded preceding and 1 preceding
        ), false) as is_running
    from signals
),

-- Several renewals by one version at one instant are one.
find_switches as (
    select *
    from with_running
    where (role = 'start') <> is_running
    qualify not (
        role = 'renewal'
        and coalesce(
            lag(struct_pack(r := role, h := happened_at, v := version_no)) over (
                partition by process_id, policy_no
                order by passed_at, version_place, happened_at, place
            ) = struct_pack(r := role, h := happened_at, v := version_no),
            false
        )
    )
),

date_switches as (
    select
        *,
        max(happened_at) over (
            switch_order rows between unbounded preceding and current row
        ) as switched_at,
        row_number() over switch_order as switch_no
    from find_switches
    window switch_order as (
        partition by process_id, policy_no order by passed_at, version_place, happened_at, place
    )
),

pair_switches as (
    select
        *,
        lead(switched_at) over switch_order as stopped_at,
        lead(role) over switch_order as stopping_role,
        lead(event) over switch_order as stopping_event
    from date_switches
    window switch_order as (partition by process_id, policy_no order by switch_no)
),

number_cycles as (
    select
        *,
        row_number() over (partition by process_id, policy_no order by switch_no) as cycle
    from pair_switches
    where role in ('start', 'renewal')
),

-- The calendar that applied at an instant, of versions of that instant none after the one that
-- shows the event.
find_calendars as (
    select c.process_id, c.policy_no, c.cycle, arg_max(k.calendar, k.stretch_no) as calendar
    from number_cycles as c
    inner join calendars as k
        on k.process_id = c.process_id
        and (
            k.stretch_no = 1
            or (
                k.started_at <= c.happened_at
                and (c.version_no is null or k.version_no <= c.version_no)
            )
        )
    group by c.process_id, c.policy_no, c.cycle
),

with_calendars as (
    select c.*, p.procedure, p.policy, p.occurrence, coalesce(p.calendar, k.calendar) as calendar
    from number_cycles as c
    inner join policies as p on p.policy_no = c.policy_no
    inner join find_calendars as k
        on k.process_id = c.process_id and k.policy_no = c.policy_no and k.cycle = c.cycle
),

-- The first working day with working time left when the clock starts.
with_first_days as (
    select c.*, d.day_no, d.worked_ms_before
    from with_calendars as c
    asof left join working_days as d
        on d.calendar = c.calendar and d.ends_at > c.switched_at
)

select
    c.process_id,
    c.policy_no,
    c.procedure,
    c.policy,
    c.cycle::integer as cycle,
    c.occurrence,
    c.calendar,
    -- Without working days, or past the last one that is known, a day has 24 hours.
    coalesce(
        c.target_ms,
        u.worked_ms_before - c.worked_ms_before,
        c.target_days * 86400000
    )::bigint as target_ms,
    c.switched_at as started_at,
    c.version_no as started_version_no,
    c.stopped_at,
    case
        when c.stopping_role = 'end' then c.stopping_event
        when c.stopping_role in ('stop', 'renewal') then 'stop'
    end as ended_by
from with_first_days as c
left join working_days as u
    on u.calendar = c.calendar and u.day_no = c.day_no + c.target_days
