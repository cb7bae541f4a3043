-- Stays in one state with one assignee and one pod while the process is open: the open part of
-- maximal runs of versions that agree in all three.
-- Grain: one row per stay. The stays of one OPEN spell follow each other without gaps, those of no
-- length included, so that every spell has a first stay, where it began, and a last one.
with versions as (from versions),

states as (from states),

open_spells as (from status_spells where status = 'OPEN'),

boundaries as (
    select *
    from versions
    where
        version_no = 1
        or is_deleted <> previous_is_deleted
        or status <> previous_status
        or state_rank <> previous_state_rank
        or assigned_to is distinct from previous_assigned_to
        or pod_id is distinct from previous_pod_id
),

-- `run_no` counts the stays in a status, as in status_spells.
runs as (
    select
        *,
        status = 'OPEN' as is_open,
        version_no = 1 or previous_is_deleted or status <> previous_status as is_first,
        if(version_no = 1, started_at, updated_at) as seen_from,
        lead(updated_at) over version_order as seen_until,
        lead(status = 'OPEN' and not is_deleted) over version_order as is_next_open,
        lead(assigned_to) over version_order as next_assigned_to,
        count(*) filter (
            not is_deleted
            and (version_no = 1 or previous_is_deleted or status <> previous_status)
        ) over version_order as run_no
    from boundaries
    window version_order as (partition by process_id order by version_no)
),

-- A process first seen closed was open before, in the state and with the people of that version.
-- What is seen after the record says the process was closed is no stay.
stays as (
    select
        r.*,
        s.spell_no,
        greatest(r.seen_from, s.started_at) as stay_from,
        least(r.seen_until, s.ended_at) as stay_until,
        s.began_by as spell_began_by,
        s.ended_by as spell_ended_by,
        not r.is_open
        or not coalesce(r.is_next_open, false)
        or coalesce(r.seen_until > s.ended_at, false) as is_last
    from runs as r
    inner join open_spells as s
        on s.process_id = r.process_id
        and s.run_no = if(r.is_open, r.run_no, 0)
    where
        not r.is_deleted
        and (r.is_open or r.version_no = 1)
        and (s.ended_at is null or r.seen_from <= s.ended_at)
)

select
    o.process_id,
    o.procedure,
    (row_number() over (partition by o.process_id order by o.version_no))::integer as stay_no,
    o.spell_no,
    s.state,
    s.state_kind,
    o.state_rank,
    o.assigned_to,
    o.pod_id,
    o.stay_from as started_at,
    o.stay_until as ended_at,
    o.stay_until is null as is_current,
    case
        when o.is_first then o.spell_began_by
        when o.assigned_to is distinct from o.previous_assigned_to then 'reassigned'
        else 'moved'
    end as began_by,
    case
        when o.is_last then o.spell_ended_by
        when o.assigned_to is distinct from o.next_assigned_to then 'reassigned'
        else 'moved'
    end as ended_by
from stays as o
inner join states as s on s.procedure = o.procedure and s.state_rank = o.state_rank
