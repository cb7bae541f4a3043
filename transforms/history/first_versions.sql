-- When each process was first seen in each of its procedures, and had begun by then.
-- Grain: one row per process and procedure; deleted versions do not count. A process begins in its
-- first procedure with its creation.
with versions as (from versions)

select
    process_id,
    procedure,
    min(updated_at) as first_version_at,
    min(if(version_no = 1, started_at, updated_at)) as first_start_at
from versions
where not is_deleted
group by process_id, procedure
