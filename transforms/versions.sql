-- Every version of the processes at hand, in order, beside what the version before it said.
-- Grain: one row per version. Order: updated_at, then ingest_seq; nothing else may decide.
-- `started_at` is where the clocks of the process start: its creation, but never after the first
-- version. `process_created_at` is what the latest version says. Kept for one build only.
with raw_versions as (from raw_versions),

states as (from states),

named as (
    select
        v.process_id,
        s.procedure,
        s.state_rank,
        v.status,
        v.assigned_to,
        v.pod_id,
        v.is_deleted,
        v.created_at,
        v.updated_at,
        v.completed_at,
        v.cancelled_at,
        v.next_action_at,
        v.first_assigned_at,
        v.data_hash,
        v.ingest_seq
    from raw_versions as v
    inner join states as s using (procedure_id, state_id)
),

ordered as (
    select
        *,
        row_number() over process_order as version_no,
        lag(state_rank) over process_order as previous_state_rank,
        lag(status) over process_order as previous_status,
        lag(assigned_to) over process_order as previous_assigned_to,
        lag(pod_id) over process_order as previous_pod_id,
        lag(is_deleted) over process_order as previous_is_deleted,
        lag(next_action_at) over process_order as previous_next_action_at,
        lag(data_hash) over process_order as previous_data_hash,
        lead(ingest_seq) over process_order is null as is_latest,
        first_value(updated_at) over whole_process as first_seen_at,
        last_value(created_at) over whole_process as process_created_at
    from named
    window
        process_order as (partition by process_id order by updated_at, ingest_seq),
        whole_process as (
            partition by process_id order by updated_at, ingest_seq
            rows between unbounded preceding and unbounded following
        )
)

select *, least(process_created_at, first_seen_at) as started_at
from ordered
