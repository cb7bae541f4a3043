-- The events of processes that matter to SLA policies: those that start or stop a clock, those that
-- start the next one as they stop one (`renewal`), and those that end one (completions,
-- cancellations, deletions, moves to another procedure).
-- Grain: one row per policy, process and event. `version_no` is the version that shows the event,
-- null for first assignments, calls and completed tasks. `passed_at` is when that version was
-- recorded, and orders the events; `happened_at` may be earlier, because a record may date its
-- closing back. `place` orders the events of one version at one instant. `created` is each
-- beginning of being open: after a reopening, a restore or a change of procedure too.
-- kind: view
with visits as (from state_visits),

spells as (from status_spells),

processes as (from processes),

contacts as (from process_contacts),

calls as (from calls),

tasks as (from tasks),

policies as (from clocks),

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

-- A closed process that only changes its procedure is not closed again.
find_status_changes as (
    select
        procedure,
        process_id,
        status,
        started_at as happened_at,
        if(shown_version_no = 1, started_at, shown_at) as passed_at,
        shown_version_no as version_no,
        is_inferred
    from spells
    where status = 'OPEN' or began_by <> 'moved_in'
),

visited_procedures as (select distinct process_id, procedure from visits),

-- What has an instant of its own, and is in no version of the process.
dated_events as (
    select process_id, 'first_assigned' as event, first_assigned_at as happened_at from processes
    union
    select process_id, 'first_call', first_call_at from contacts
    union
    select process_id, 'connected_call', connected_at from calls where not is_deleted
    union
    select process_id, 'task_completed', done_at from tasks where not is_deleted
),

-- It may be dated into a deletion; that starts no clock.
dated_while_present as (
    select distinct d.process_id, d.happened_at, v.procedure
    from dated_events as d
    inner join visits as v
        on v.process_id = d.process_id
        and v.entered_at <= d.happened_at
        and (v.left_at is null or d.happened_at < v.left_at)
),

find_entries as (
    select
        e.policy_no,
        v.process_id,
        e.role,
        e.event,
        -- The state before a process was first seen is a guess, which must not meet a target.
        if(e.role <> 'start' and v.entered_source = 'inferred', p.first_seen_at, v.entered_at)
            as happened_at,
        v.entered_version_no as version_no
    from visits as v
    inner join events as e on e.procedure = v.procedure and e.event = 'state' and e.state = v.state
    inner join processes as p on p.process_id = v.process_id
)

select
    policy_no,
    process_id,
    role,
    event,
    happened_at,
    happened_at as passed_at,
    version_no,
    if(role = 'start', 3, 4) as place
from find_entries
union all
select e.policy_no, v.process_id, e.role, e.event, v.left_at, v.left_at, v.left_version_no, 1
from visits as v
inner join events as e on e.procedure = v.procedure and e.event = 'left' and e.state = v.state
where
    v.left_at is not null
    and not v.is_left_by_deletion
    and not v.is_left_by_procedure_change
union all
select
    e.policy_no,
    s.process_id,
    e.role,
    e.event,
    s.happened_at,
    s.passed_at,
    s.version_no,
    -- A version that shows a closing only after the fact was open before that.
    if(s.is_inferred, 0, if(e.role = 'start', 3, 4))
from find_status_changes as s
inner join awaited_statuses as e on e.procedure = s.procedure and e.status = s.status
union all
select
    e.policy_no,
    d.process_id,
    e.role,
    e.event,
    d.happened_at,
    d.happened_at,
    null,
    if(e.role = 'start', 3, 4)
from dated_events as d
inner join visited_procedures as v on v.process_id = d.process_id
inner join events as e on e.procedure = v.procedure and e.event = d.event
left join dated_while_present as a
    on a.process_id = d.process_id
    and a.happened_at = d.happened_at
    and a.procedure = v.procedure
where d.happened_at is not null and (e.role = 'stop' or a.process_id is not null)
union all
select
    p.policy_no,
    s.process_id,
    'end',
    lower(s.status),
    s.happened_at,
    s.passed_at,
    s.version_no,
    2
from find_status_changes as s
inner join policies as p on p.procedure = s.procedure
where s.status <> 'OPEN'
union all
select
    p.policy_no,
    v.process_id,
    'end',
    if(v.is_left_by_deletion, 'deleted', 'moved_out'),
    v.left_at,
    v.left_at,
    v.left_version_no,
    2
from visits as v
inner join policies as p on p.procedure = v.procedure
where v.is_left_by_deletion or v.is_left_by_procedure_change
