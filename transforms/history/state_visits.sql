-- Stays in a state: maximal runs of versions in one state of one procedure while not deleted.
-- Grain: one row per stay. A running stay has no `left_at`; its length is known only as at an
-- instant, and is added in core/state_visits.sql. The state before and after, the direction and
-- `is_allowed` compare within one procedure: where a change of procedure lies between, there is
-- none.
with versions as (from versions),

states as (from states),

transitions as (from transitions),

procedures as (from procedures),

find_boundaries as (
    select *
    from versions
    where
        version_no = 1
        or is_deleted <> previous_is_deleted
        or (not is_deleted and is_new_state)
),

end_visits as (
    select
        *,
        lead(updated_at) over boundary_order as left_at,
        lead(version_no) over boundary_order as left_version_no,
        lead(is_deleted) over boundary_order as is_left_by_deletion,
        lead(is_new_procedure) over boundary_order as is_left_by_procedure_change
    from find_boundaries
    window boundary_order as (partition by process_id order by version_no)
),

number_visits as (
    select
        *,
        row_number() over visit_order as visit_no,
        if(lag(procedure) over visit_order = procedure, lag(state_rank) over visit_order, null)
            as previous_rank,
        if(lead(procedure) over visit_order = procedure, lead(state_rank) over visit_order, null)
            as next_rank,
        row_number() over (
            partition by process_id, procedure, state_rank order by version_no
        ) - 1 as n_previous_visits
    from end_visits
    where not is_deleted
    window visit_order as (partition by process_id order by version_no)
)

select
    v.process_id,
    v.procedure,
    v.visit_no::integer as visit_no,
    s.state,
    s.state_name,
    s.state_kind,
    v.state_rank,
    case when v.version_no = 1 then v.started_at else v.updated_at end as entered_at,
    v.left_at,
    v.left_at is null as is_current,
    p.state as previous_state,
    n.state as next_state,
    case
        when v.previous_rank is null then 'start'
        when v.state_rank > v.previous_rank then 'forward'
        when v.state_rank < v.previous_rank then 'backward'
        else 'same'
    end as direction,
    case
        when v.previous_rank is null or v.previous_rank = v.state_rank then null
        when not d.has_stategraph then true
        when not (s.has_known_moves and p.has_known_moves) then null
        else t.to_state is not null
    end as is_allowed,
    v.n_previous_visits::integer as n_previous_visits,
    v.assigned_to,
    case
        when v.version_no > 1 then 'observed'
        when v.updated_at = v.process_created_at then 'created'
        else 'inferred'
    end as entered_source,
    v.ingest_seq as entered_ingest_seq,
    v.version_no as entered_version_no,
    v.left_version_no,
    coalesce(v.is_left_by_deletion, false) as is_left_by_deletion,
    coalesce(v.is_left_by_procedure_change and not v.is_left_by_deletion, false)
        as is_left_by_procedure_change
from number_visits as v
inner join states as s on s.procedure = v.procedure and s.state_rank = v.state_rank
inner join procedures as d on d.procedure = v.procedure
left join states as p on p.procedure = v.procedure and p.state_rank = v.previous_rank
left join states as n on n.procedure = v.procedure and n.state_rank = v.next_rank
left join transitions as t
    on t.procedure = v.procedure and t.from_state = p.state and t.to_state = s.state
