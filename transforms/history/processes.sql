-- Processes with the values of their latest version.
-- Grain: one row per process. `completed_at` and `cancelled_at` are those of the current closing,
-- which a later change of procedure does not move; null otherwise. `started_at`,
-- `first_procedure` and `latest_ingest_seq` are for other tables.
with versions as (from versions),

raw_versions as (from raw_versions),

states as (from states),

status_spells as (from status_spells),

latest_versions as (from versions where is_latest),

earliest_versions as (from versions where version_no = 1),

-- The version that began the last deletion; used only while that deletion lasts.
find_deletions as (
    select process_id, max(updated_at) as deleted_at
    from versions
    where is_deleted and (version_no = 1 or not previous_is_deleted)
    group by process_id
),

-- Versions are in order of time, so the first assignee is in the one with the lowest number.
find_first_assignees as (
    select
        process_id,
        arg_min(if(version_no = 1, started_at, updated_at), version_no) as assigned_at
    from versions
    where not is_deleted and assigned_to is not null
    group by process_id
),

find_closings as (
    select process_id, arg_max(started_at, spell_no) as closed_at
    from status_spells
    where status <> 'OPEN' and began_by <> 'moved_in'
    group by process_id
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
    case when outcome = 'completed' then c.closed_at end as completed_at,
    case when outcome = 'cancelled' then c.closed_at end as cancelled_at,
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
    v.procedure as first_procedure,
    l.ingest_seq as latest_ingest_seq
from latest_versions as l
inner join raw_versions as r using (process_id, ingest_seq)
inner join earliest_versions as v on v.process_id = l.process_id
inner join states as s on s.procedure = l.procedure and s.state_rank = l.state_rank
left join find_deletions as d on d.process_id = l.process_id
left join find_first_assignees as f on f.process_id = l.process_id
left join find_closings as c on c.process_id = l.process_id
