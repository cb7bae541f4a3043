-- Stays with a pod, stays without one included: maximal runs of versions with one pod while not
-- deleted, whatever their procedure.
-- Grain: one row per stay; stays without a pod before the first one are left out.
with versions as (from versions),

find_boundaries as (
    select *
    from versions
    where
        not is_deleted
        and (
            (version_no = 1 and pod_id is not null)
            or previous_is_deleted
            or pod_id is distinct from previous_pod_id
        )
)

select
    process_id,
    (row_number() over (partition by process_id order by version_no))::integer as stay_no,
    pod_id,
    if(version_no = 1, started_at, updated_at) as started_at
from find_boundaries
