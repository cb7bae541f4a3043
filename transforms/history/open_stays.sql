-- Stays in one state with one assignee and one pod while the process is open: the open part of
-- maximal runs of versions that agree in procedure, state, assignee and pod.
-- Grain: one row per stay. The stays of one OPEN spell follow each other without gaps, those of no
-- length included, so that every spell has a first stay, where it began, and a last one.
with versions as (from versions),

states as (from states),

open_spells as (from status_spells where status = 'OPEN'),

find_boundaries as (
    select *
    from versions
    where
        version_no = 1
        or is_deleted <> previous_is_deleted
        or is_first_of_run
        or is_new_state
        or assigned_to is distinct from previous_assigned_to
        or pod_id is distinct from previous_pod_id
),

end_parts as (
    select
        *,
        status = 'OPEN' as is_open,
        if(version_no = 1, started_at, updated_at) as seen_from,
        lead(updated_at) over version_order as seen_until,
        lead(run_no) over version_order as next_run_no,
        lead(is_deleted) over version_order as is_next_deleted,
        lead(assigned_to) over version_order as next_assigned_to
    from find_boundaries
    window version_order as (partition by process_id order by version_no)
),

-- An inferred spell has the state and the people of the version that is first seen closed. Versions
-- after the time at which the record says the process was closed add no stay.
cut_to_spells as (
    select
        p.*,
        s.spell_no,
        if(s.is_inferred, s.started_at, greatest(p.seen_from, s.started_at)) as stay_from,
        if(s.is_inferred, s.ended_at, least(p.seen_until, s.ended_at)) as stay_until,
        s.began_by as spell_began_by,
        s.ended_by as spell_ended_by,
        s.is_inferred
        or p.is_next_deleted
        or coalesce(p.next_run_no <> p.run_no, true)
        or coalesce(p.seen_until > s.ended_at, false) as is_last
    from end_parts as p
    inner join open_spells as s
        on s.process_id = p.process_id
        and s.run_no = p.run_no
        and s.is_inferred <> p.is_open
    where
        not p.is_deleted
        and (p.is_open or p.is_first_of_run)
        and (s.is_inferred or s.ended_at is null or p.seen_from <= s.ended_at)
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
        when o.is_first_of_run then o.spell_began_by
        when (o.assigned_to is distinct from o.previous_assigned_to) then 'reassigned'
        else 'moved'
    end as began_by,
    case
        when o.is_last then o.spell_ended_by
        when (o.assigned_to is distinct from o.next_assigned_to) then 'reassigned'
        else 'moved'
    end as ended_by
from cut_to_spells as o
inner join states as s on s.procedure = o.procedure and s.state_rank = o.state_rank
