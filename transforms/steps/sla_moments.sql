-- What happens to processes that an SLA policy waits for: events that start or stop its clocks, and
-- completions, cancellations and deletions, which end them.
-- Grain: one row per policy, process and event. `version_no` is the version that shows the event,
-- null for first assignments. `created` is each beginning to be open: reopened and restored too.
with visits as (from history_state_visits),

spells as (from history_status_spells),

processes as (from history_processes),

policies as (from sla_policies),

events as (from sla_events),

statuses as (
    from (values
        ('created', 'OPEN'),
        ('completed', 'COMPLETED'),
        ('closed', 'COMPLETED'),
        ('closed', 'CANCELLED')
    ) as statuses (event, status)
),

awaited_statuses as (
    select e.policy_no, e.procedure, e.role, e.event, s.status
    from events as e
    inner join statuses as s on s.event = e.event
),

-- What can be assigned while it is deleted starts no clock.
assigned_alive as (
    select distinct p.process_id
    from processes as p
    inner join events as e
        on e.procedure = p.procedure and e.event = 'first_assigned' and e.role = 'start'
    inner join visits as v
        on v.process_id = p.process_id
        and v.entered_at <= p.first_assigned_at
        and (v.left_at is null or p.first_assigned_at < v.left_at)
)

select
    e.policy_no,
    v.process_id,
    e.role,
    e.event,
    -- In which state a process was before it was first seen is a guess, and no promise kept.
    if(e.role = 'stop' and v.entered_source = 'inferred', p.first_seen_at, v.entered_at)
        as happened_at,
    v.entered_version_no as version_no
from visits as v
inner join events as e on e.procedure = v.procedure and e.event = 'state' and e.state = v.state
inner join processes as p on p.process_id = v.process_id
union all
select e.policy_no, v.process_id, e.role, e.event, v.left_at, v.left_version_no
from visits as v
inner join events as e on e.procedure = v.procedure and e.event = 'left' and e.state = v.state
where v.left_at is not null and not v.is_left_by_deletion
union all
select e.policy_no, s.process_id, e.role, e.event, s.started_at, s.shown_version_no
from spells as s
inner join awaited_statuses as e on e.procedure = s.procedure and e.status = s.status
union all
select e.policy_no, p.process_id, e.role, e.event, p.first_assigned_at, null
from processes as p
inner join events as e on e.procedure = p.procedure and e.event = 'first_assigned'
left join assigned_alive as a on a.process_id = p.process_id
where p.first_assigned_at is not null and (e.role = 'stop' or a.process_id is not null)
union all
select p.policy_no, s.process_id, 'end', lower(s.status), s.started_at, s.shown_version_no
from spells as s
inner join policies as p on p.procedure = s.procedure
where s.status in ('COMPLETED', 'CANCELLED')
union all
select p.policy_no, v.process_id, 'end', 'deleted', v.left_at, v.left_version_no
from visits as v
inner join policies as p on p.procedure = v.procedure
where v.is_left_by_deletion
