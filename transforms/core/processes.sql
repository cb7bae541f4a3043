-- Leads, tickets and other processes at the build's as_of.
-- Grain: one row per process. `landing_source` is the folder, below the landing folder, of the file
-- that brought the latest version.
-- kind: view
with processes as (from history_processes),

files as (from raw_files),

observed as (from observed_since),

names as (from process_names)

select
    p.process_id,
    n.label,
    p.team_id,
    p.procedure,
    p.record_id,
    p.entity_id,
    p.pod_id,
    p.created_by,
    p.assigned_to,
    p.status,
    p.state,
    p.state_name,
    p.state_kind,
    p.outcome,
    p.created_at,
    p.updated_at,
    p.completed_at,
    p.cancelled_at,
    p.deleted_at,
    p.next_action_at,
    p.first_assigned_to,
    p.first_assigned_at,
    p.last_assigned_at,
    p.primary_booking_id,
    p.parent_procedure,
    p.parent_process_id,
    p.first_seen_at,
    p.n_versions,
    if(contains(f.file_name, '/'), split_part(f.file_name, '/', 1), null) as landing_source,
    coalesce(p.started_at >= o.observed_since, true) as is_observed_from_start,
    n.link
from processes as p
inner join observed as o on o.procedure = p.first_procedure
left join names as n on n.process_id = p.process_id
left join files as f on f.file_seq = file_of(p.latest_ingest_seq)
