-- Every version of the processes being built, in order, with the values of the version before it.
-- Grain: one row per version. Order: updated_at, then ingest_seq, and nothing else.
-- `started_at` is where the clocks of the process start: at its creation, but never after the first
-- version. `process_created_at` comes from the latest version, so that a corrected creation time
-- counts for the whole history. Versions of one procedure in a row share a `stretch_no`, versions
-- of one stay in a status a `run_no`. Kept for one build only.
-- kind: temporary table
with raw_versions as (from raw_versions),

states as (from states),

name_states as (
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
        v.is_erased,
        comparable_hash(v.data_hash, v.is_erased) as data_hash,
        v.ingest_seq
    from raw_versions as v
    inner join states as s using (procedure_id, state_id)
),

order_versions as (
    select
        *,
        row_number() over process_order as version_no,
        lag(procedure) over process_order as previous_procedure,
        lag(state_rank) over process_order as previous_state_rank,
        lag(status) over process_order as previous_status,
        lag(assigned_to) over process_order as previous_assigned_to,
        lag(pod_id) over process_order as previous_pod_id,
        lag(is_deleted) over process_order as previous_is_deleted,
        lag(next_action_at) over process_order as previous_next_action_at,
        lag(data_hash) over process_order as previous_data_hash,
        not is_erased and coalesce(lag(is_erased) over process_order, false) as follows_erased,
        lead(ingest_seq) over process_order is null as is_latest,
        first_value(updated_at) over whole_process as first_seen_at,
        last_value(created_at) over whole_process as process_created_at
    from name_states
    window
        process_order as (partition by process_id order by updated_at, ingest_seq),
        whole_process as (
            partition by process_id order by updated_at, ingest_seq
            rows between unbounded preceding and unbounded following
        )
),

compare_versions as (
    select
        *,
        least(process_created_at, first_seen_at) as started_at,
        version_no > 1 and procedure <> previous_procedure as is_new_procedure,
        -- Ranks of two procedures cannot be compared.
        version_no > 1
        and (procedure <> previous_procedure or state_rank <> previous_state_rank) as is_new_state,
        not is_deleted
        and (
            version_no = 1
            or previous_is_deleted
            or procedure <> previous_procedure
            or status <> previous_status
        ) as is_first_of_run
    from order_versions
)

select
    process_id,
    procedure,
    state_rank,
    status,
    assigned_to,
    pod_id,
    is_deleted,
    created_at,
    updated_at,
    completed_at,
    cancelled_at,
    next_action_at,
    first_assigned_at,
    data_hash,
    ingest_seq,
    version_no,
    previous_procedure,
    previous_state_rank,
    previous_status,
    previous_assigned_to,
    previous_pod_id,
    previous_is_deleted,
    previous_next_action_at,
    previous_data_hash,
    follows_erased,
    is_latest,
    first_seen_at,
    process_created_at,
    started_at,
    is_new_procedure,
    is_new_state,
    is_first_of_run,
    1 + count(*) filter (is_new_procedure) over process_order as stretch_no,
    count(*) filter (is_first_of_run) over process_order as run_no
from compare_versions
window process_order as (partition by process_id order by version_no)
