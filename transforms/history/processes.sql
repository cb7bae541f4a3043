-- Processes as their latest version says.
-- Grain: one row per process. `completed_at` and `cancelled_at` are those of the closing that
-- holds now, null otherwise. `started_at` and `latest_ingest_seq` serve other tables.
with versions as (from versions),

raw_versions as (from raw_versions),

states as (from states),

status_spells as (from status_spells),

latest as (from versions where is_latest),

-- The version that began the last deletion; it counts only while that deletion lasts.
deletions as (
    select process_id, max(updated_at) as deleted_at
    from versions
    where is_deleted and (version_no = 1 or not previous_is_deleted)
    group by process_id
),

-- Versions are in order of time, so the first assignee seen is the one with the least number.
first_assignees as (
    select
        process_id,
        arg_min(if(version_no = 1, started_at, updated_at), version_no) as assigned_at
    from versions
    where not is_deleted and assigned_to is not null
    group by process_id
),

closings as (
    select process_id, status, started_at as closed_at
    from status_spells
    where is_current and status <> 'OPEN'
)

select
    l.process_id,
    r.team_id,
    l.procedure,
    r.record_id,
    r.entity_id,
    r.pod_id,
    r.created_by,
    r.assigned_to,
    l.status,
    s.state,
    s.state_name,
    s.state_kind,
    case
        when l.is_deleted then 'deleted'
        when l.status = 'COMPLETED' then 'completed'
        when l.status = 'CANCELLED' then 'cancelled'
        else 'open'
    end as outcome,
    l.created_at,
    l.updated_at,
    case when c.status = 'COMPLETED' then c.closed_at end as completed_at,
    case when c.status = 'CANCELLED' then c.closed_at end as cancelled_at,
    case when l.is_deleted then d.deleted_at end as deleted_at,
    l.next_action_at,
    r.first_assigned_to,
    case
        when l.first_assigned_at between l.started_at and l.updated_at then l.first_assigned_at
        else f.assigned_at
    end as first_assigned_at,
    case
        when l.first_assigned_at between l.started_at and l.updated_at then 'record'
        when f.assigned_at is not null then 'observed'
    end as first_assignment_source,
    r.last_assigned_at,
    r.primary_booking_id,
    r.parent_procedure,
    r.parent_process_id,
    l.first_seen_at,
    l.version_no::integer as n_versions,
    l.started_at,
    l.ingest_seq as latest_ingest_seq
from latest as l
inner join raw_versions as r using (process_id, ingest_seq)
inner join states as s on s.procedure = l.procedure and s.state_rank = l.state_rank
left join deletions as d on d.process_id = l.process_id
left join first_assignees as f on f.process_id = l.process_id
left join closings as c on c.process_id = l.process_id
