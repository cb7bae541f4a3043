-- From when on all changes of the processes of a procedure are in the data, and how many began
-- in it, and before.
-- Grain: one row per procedure.
with observed as (from observed_since),

lives as (from history_processes)

select
    o.procedure,
    o.observed_since,
    o.observed_since_source,
    o.first_version_at,
    count(p.process_id) as processes,
    count(p.process_id) filter (p.started_at < o.observed_since) as n_left_truncated
from observed as o
left join lives as p on p.first_procedure = o.procedure
group by o.procedure, o.observed_since, o.observed_since_source, o.first_version_at
