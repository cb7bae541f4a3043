-- Stays in a status: maximal runs of versions with one status while not deleted.
-- Grain: one row per stay. Completions and cancellations start when the record says, where that is
-- possible: not before creation or the start of the spell before, not after the version that first
-- shows them, and not while deleted. A process first seen closed was open before that. `run_no`,
-- `began_by` and `ended_by` (both null unless OPEN) serve other tables.
with recursive versions as (from versions),

boundaries as (
    select *
    from versions
    where
        version_no = 1
        or is_deleted <> previous_is_deleted
        or (not is_deleted and status <> previous_status)
),

ended as (
    select
        *,
        lead(updated_at) over boundary_order as next_boundary_at,
        lead(is_deleted) over boundary_order as is_ended_by_deletion,
        case when version_no = 1 then started_at else updated_at end as seen_at,
        case status when 'COMPLETED' then completed_at when 'CANCELLED' then cancelled_at end
            as supplied_at
    from boundaries
    window boundary_order as (partition by process_id order by version_no)
),

runs as (
    select
        process_id,
        procedure,
        status,
        version_no = 1 as is_first,
        started_at,
        updated_at,
        first_seen_at,
        next_boundary_at,
        is_ended_by_deletion,
        case
            when version_no > 1 and previous_is_deleted then null
            when supplied_at between process_created_at and updated_at then supplied_at
        end as claimed_at,
        row_number() over run_order as run_no,
        version_no,
        lag(seen_at) over run_order as previous_seen_at,
        status <> 'OPEN'
        and coalesce(lag(status) over run_order <> 'OPEN', false)
        and not previous_is_deleted as follows_closed
    from ended
    where not is_deleted
    window run_order as (partition by process_id order by version_no)
),

chained as (
    select
        process_id,
        run_no,
        case
            when status = 'OPEN' then if(is_first, started_at, updated_at)
            when claimed_at >= coalesce(previous_seen_at, claimed_at) then claimed_at
            else updated_at
        end as began_at
    from runs
    where not follows_closed
    union all
    -- A closing that follows another must not begin before it: one at a time, from the first.
    select
        r.process_id,
        r.run_no,
        case when r.claimed_at >= c.began_at then r.claimed_at else r.updated_at end as began_at
    from chained as c
    inner join runs as r
        on r.process_id = c.process_id and r.run_no = c.run_no + 1 and r.follows_closed
),

spells as (
    select
        r.process_id,
        r.procedure,
        r.status,
        r.first_seen_at,
        c.began_at as started_at,
        case
            when r.is_ended_by_deletion then r.next_boundary_at
            else lead(c.began_at) over (partition by r.process_id order by r.run_no)
        end as ended_at,
        r.run_no,
        r.version_no
    from runs as r
    inner join chained as c using (process_id, run_no)
),

all_spells as (
    select * from spells
    union all
    select
        r.process_id,
        r.procedure,
        'OPEN',
        r.first_seen_at,
        r.started_at,
        c.began_at,
        0,
        r.version_no
    from runs as r
    inner join chained as c using (process_id, run_no)
    where r.is_first and r.status <> 'OPEN' and c.began_at > r.started_at
)

select
    process_id,
    procedure,
    (row_number() over spell_order)::integer as spell_no,
    status,
    started_at,
    ended_at,
    ended_at is null as is_current,
    version_no as shown_version_no,
    run_no::integer as run_no,
    case
        when status <> 'OPEN' then null
        when lag(status) over spell_order is null and started_at <= first_seen_at then 'created'
        when lag(status) over spell_order <> 'OPEN' then 'reopened'
        else 'restored'
    end as began_by,
    case
        when status <> 'OPEN' or ended_at is null then null
        when lead(started_at) over spell_order is distinct from ended_at then 'deleted'
        when lead(status) over spell_order = 'COMPLETED' then 'completed'
        when lead(status) over spell_order = 'CANCELLED' then 'cancelled'
        else 'deleted'
    end as ended_by
from all_spells
window spell_order as (partition by process_id order by run_no)
