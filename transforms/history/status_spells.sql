-- Stays in a status: maximal runs of versions with one procedure and one status while not deleted.
-- Grain: one row per stay.
-- A completion or cancellation starts when the record says, if that lies between the creation and
-- the version that first shows it, and not before the start of the stay before it. Nothing closes
-- while deleted, and a closed process that only changes its procedure is not closed again.
-- Every closing has an opening before it: a process first seen closed was open from its start, and
-- an open process that arrives closed in another procedure was open there for an instant. Such a
-- stay has `is_inferred` and the `run_no` of the closed versions that follow it.
-- `began_by` is where a reopening is defined: `reopened` is a stay in OPEN after a closed one.
-- `ended_by` is null unless OPEN.
with recursive versions as (from versions),

find_boundaries as (
    select *
    from versions
    where
        version_no = 1
        or is_deleted <> previous_is_deleted
        or is_first_of_run
),

end_runs as (
    select
        *,
        lead(updated_at) over boundary_order as next_boundary_at,
        lead(is_deleted) over boundary_order as is_ended_by_deletion,
        case when version_no = 1 then started_at else updated_at end as seen_at,
        case status when 'COMPLETED' then completed_at when 'CANCELLED' then cancelled_at end
            as supplied_at
    from find_boundaries
    window boundary_order as (partition by process_id order by version_no)
),

read_closing_times as (
    select
        process_id,
        procedure,
        status,
        version_no = 1 as is_first,
        coalesce(previous_is_deleted, false) as is_restored,
        coalesce(not previous_is_deleted and status = previous_status, false) as is_continued,
        coalesce(
            not previous_is_deleted
            and is_new_procedure
            and status <> 'OPEN'
            and previous_status = 'OPEN',
            false
        ) as arrives_closed,
        started_at,
        updated_at,
        next_boundary_at,
        is_ended_by_deletion,
        case
            when version_no > 1 and (previous_is_deleted or status = previous_status) then null
            when supplied_at between process_created_at and updated_at then supplied_at
        end as claimed_at,
        run_no,
        version_no,
        lag(seen_at) over run_order as previous_seen_at,
        status <> 'OPEN'
        and coalesce(lag(status) over run_order <> 'OPEN', false)
        and not previous_is_deleted as follows_closed
    from end_runs
    where not is_deleted
    window run_order as (partition by process_id order by version_no)
),

date_starts as (
    select
        process_id,
        run_no,
        case
            when status = 'OPEN' then if(is_first, started_at, updated_at)
            when claimed_at >= coalesce(previous_seen_at, claimed_at) then claimed_at
            else updated_at
        end as began_at
    from read_closing_times
    where not follows_closed
    union all
    -- A closing that follows another must not begin before it: one at a time, from the first.
    select
        r.process_id,
        r.run_no,
        case when r.claimed_at >= d.began_at then r.claimed_at else r.updated_at end as began_at
    from date_starts as d
    inner join read_closing_times as r
        on r.process_id = d.process_id and r.run_no = d.run_no + 1 and r.follows_closed
),

date_ends as (
    select
        r.*,
        d.began_at,
        if(
            r.is_ended_by_deletion,
            r.next_boundary_at,
            lead(d.began_at) over (partition by r.process_id order by r.run_no)
        ) as ended_at
    from read_closing_times as r
    inner join date_starts as d using (process_id, run_no)
),

add_inferred as (
    select
        process_id,
        procedure,
        status,
        began_at as started_at,
        ended_at,
        run_no,
        version_no,
        updated_at as shown_at,
        false as is_inferred,
        is_ended_by_deletion,
        is_first,
        is_restored,
        is_continued
    from date_ends
    union all
    select
        process_id,
        procedure,
        'OPEN',
        if(is_first, started_at, began_at),
        began_at,
        run_no,
        version_no,
        updated_at,
        true,
        false,
        is_first,
        false,
        arrives_closed
    from date_ends
    where status <> 'OPEN' and (is_first or arrives_closed)
),

number_spells as (
    select
        *,
        lag(status) over spell_order as status_before,
        lead(status) over spell_order as status_after,
        row_number() over spell_order as spell_no
    from add_inferred
    window spell_order as (partition by process_id order by run_no, not is_inferred)
)

select
    process_id,
    procedure,
    spell_no::integer as spell_no,
    status,
    started_at,
    ended_at,
    ended_at is null as is_current,
    version_no as shown_version_no,
    shown_at,
    run_no::integer as run_no,
    is_inferred,
    case
        when status = 'OPEN' and is_first then 'created'
        when is_continued then 'moved_in'
        when status = 'OPEN' and status_before <> 'OPEN' then 'reopened'
        when is_restored then 'restored'
        when status = 'COMPLETED' then 'completed'
        when status = 'CANCELLED' then 'cancelled'
    end as began_by,
    case
        when status <> 'OPEN' or ended_at is null then null
        when is_ended_by_deletion then 'deleted'
        when status_after = 'COMPLETED' then 'completed'
        when status_after = 'CANCELLED' then 'cancelled'
        else 'moved_out'
    end as ended_by
from number_spells
