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
        if(version_no = 1, started_at, updated_at) as seen_from,
        lead(updated_at) over version_order as seen_until,
        count(*) filter (
            not is_deleted
            and (version_no = 1 or previous_is_deleted or status <> previous_status)
        ) over version_order as run_no
    from boundaries
    window version_order as (partition by process_id order by version_no)
),

-- A process first seen closed was open before, in the state and with the people of that version.
stays as (
    select
        r.process_id,
        r.procedure,
        r.version_no,
        r.state_rank,
        r.assigned_to,
        r.pod_id,
        s.spell_no,
        greatest(r.seen_from, s.started_at) as started_at,
        least(r.seen_until, s.ended_at) as ended_at,
        s.began_by,
        s.ended_by
    from runs as r
    inner join open_spells as s
        on s.process_id = r.process_id
        and s.run_no = if(r.status = 'OPEN', r.run_no, 0)
    where
        not r.is_deleted
        and (r.status = 'OPEN' or r.version_no = 1)
        and (s.ended_at is null or r.seen_from <= s.ended_at)
),

beside_others as (
    select
        *,
        row_number() over stay_order as stay_no,
        coalesce(lag(spell_no) over stay_order <> spell_no, true) as is_first,
        coalesce(lead(spell_no) over stay_order <> spell_no, true) as is_last,
        lag(assigned_to) over stay_order as previous_assigned_to,
        lead(assigned_to) over stay_order as next_assigned_to
    from stays
    window stay_order as (partition by process_id order by version_no)
)

select
    o.process_id,
    o.procedure,
    o.stay_no::integer as stay_no,
    o.spell_no,
    s.state,
    s.state_kind,
    o.state_rank,
    o.assigned_to,
    o.pod_id,
    o.started_at,
    o.ended_at,
    o.ended_at is null as is_current,
    case
        when o.is_first then o.began_by
        when o.assigned_to is distinct from o.previous_assigned_to then 'reassigned'
        else 'moved'
    end as began_by,
    case
        when o.is_last then o.ended_by
        when o.assigned_to is distinct from o.next_assigned_to then 'reassigned'
        else 'moved'
    end as ended_by
from beside_others as o
inner join states as s on s.procedure = o.procedure and s.state_rank = o.state_rank
