-- Leads, tickets and other processes as at the build's instant.
-- Grain: one row per process.
with processes as (from history_processes)

select
    process_id,
    team_id,
    procedure,
    record_id,
    entity_id,
    pod_id,
    created_by,
    assigned_to,
    status,
    state,
    state_name,
    state_kind,
    outcome,
    created_at,
    updated_at,
    completed_at,
    cancelled_at,
    deleted_at,
    next_action_at,
    first_assigned_to,
    first_assigned_at,
    last_assigned_at,
    primary_booking_id,
    parent_procedure,
    parent_process_id,
    first_seen_at,
    n_versions
from processes
