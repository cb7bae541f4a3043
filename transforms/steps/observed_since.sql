-- From when on all changes of the processes of a procedure are in the data.
-- Grain: one row per procedure. `observed_since` is the start of the day that the definition gives.
-- Otherwise it is inferred: nothing is known of the time before the first version of the procedure.
-- Where many processes were created before the day of that version, it is that version's instant,
-- and those processes are left-truncated: they are in the data because they lasted until then.
-- Where few were, they are exceptions, and the data begins with the start of the first process.
-- kind: table
with procedures as (from procedures),

given as (from observation_given),

versions as (from history_first_versions),

build as (from build),

find_first as (
    select
        procedure,
        min(first_version_at) as first_version_at,
        min(first_start_at) as first_start_at
    from versions
    group by procedure
),

count_older as (
    select
        v.procedure,
        count(*) as n_older
    from versions as v
    inner join find_first as f on f.procedure = v.procedure
    cross join build as b
    where v.first_start_at < day_start(local_day(f.first_version_at, b.time_zone), b.time_zone)
    group by v.procedure
)

select
    r.procedure,
    f.first_version_at,
    case
        when g.observed_since is not null then day_start(g.observed_since, b.time_zone)
        when c.n_older >= least_left_truncated() then f.first_version_at
        else f.first_start_at
    end as observed_since,
    case
        when g.observed_since is not null then 'given'
        when f.first_version_at is not null then 'inferred'
    end as observed_since_source
from procedures as r
left join given as g on g.procedure = r.procedure
left join find_first as f on f.procedure = r.procedure
left join count_older as c on c.procedure = r.procedure
cross join build as b
