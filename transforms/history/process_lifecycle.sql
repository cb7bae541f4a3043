-- What happened to each process so far, without the clocks that still run.
-- Grain: one row per process, over all its procedures. `..._ms` are sums of what has ended,
-- `..._since` the start of what runs (null when nothing does); core/process_lifecycle.sql adds the
-- two up as at an instant.
with versions as (from versions),

processes as (from processes),

state_visits as (from state_visits),

status_spells as (from status_spells),

assignments as (from assignments),

open_stays as (from open_stays),

-- A closed process that only changes its procedure is not completed again.
sum_spells as (
    select
        process_id,
        min(started_at) filter (status = 'COMPLETED' and began_by <> 'moved_in')
            as first_completed_at,
        max(started_at) filter (status = 'COMPLETED' and began_by <> 'moved_in')
            as last_completed_at,
        count(*) filter (status = 'COMPLETED' and began_by <> 'moved_in') as n_completions,
        count(*) filter (began_by = 'reopened') as n_reopens,
        sum(epoch_ms(ended_at) - epoch_ms(started_at)) filter (status = 'OPEN') as open_ms,
        max(started_at) filter (status = 'OPEN' and is_current) as open_since
    from status_spells
    group by process_id
),

order_visits as (
    select
        *,
        if(lag(procedure) over visit_order = procedure, lag(state_kind) over visit_order, null)
            as previous_kind
    from state_visits
    window visit_order as (partition by process_id order by visit_no)
),

sum_visits as (
    select
        process_id,
        max(entered_at) filter (is_current) as in_state_since,
        count(*) as n_visits,
        count(distinct (procedure, state)) as n_states,
        count(*) filter (direction = 'backward') as n_backward,
        count(*) filter (not is_allowed) as n_not_allowed,
        count(*) filter (n_previous_visits > 0 and direction <> 'same') as n_reentries,
        count(*) filter (previous_kind = 'done' and state_kind <> 'done') as n_done_exits
    from order_visits
    group by process_id
),

sum_stays as (
    select
        process_id,
        sum(stay_ms) filter (state_kind = 'queue') as queue_ms,
        sum(stay_ms) filter (state_kind = 'work') as work_ms,
        sum(stay_ms) filter (state_kind = 'waiting_customer') as waiting_customer_ms,
        sum(stay_ms) filter (state_kind = 'waiting_other') as waiting_other_ms,
        sum(stay_ms) filter (state_kind = 'done') as done_ms,
        sum(stay_ms) filter (assigned_to is null) as unassigned_ms,
        max(started_at) filter (ended_at is null) as stay_since,
        max(state_kind) filter (ended_at is null) as stay_kind,
        max(started_at) filter (ended_at is null and assigned_to is null) as unassigned_since
    from (
        select *, epoch_ms(ended_at) - epoch_ms(started_at) as stay_ms from open_stays
    )
    group by process_id
),

count_assignments as (
    select
        process_id,
        count(assigned_to) as n_assignments,
        count(distinct assigned_to) as n_assignees
    from assignments
    group by process_id
),

-- From one person to another, with or without unassigned time in between.
order_holders as (
    select
        process_id,
        assignment_no,
        assigned_to,
        lag(assigned_to) over (partition by process_id order by assignment_no) as previous_holder
    from assignments
    where assigned_to is not null
),

find_handoffs as (
    select
        *,
        lag(assigned_to, 2) over (partition by process_id order by assignment_no) as holder_before
    from order_holders
    where assigned_to is distinct from previous_holder
),

count_handoffs as (
    select
        process_id,
        count(*) - 1 as n_handoffs,
        count(*) filter (assigned_to = holder_before) as n_ping_pongs
    from find_handoffs
    group by process_id
),

sum_versions as (
    select
        process_id,
        count(*) filter (
            not is_deleted
            and not previous_is_deleted
            and next_action_at <> previous_next_action_at
        ) as n_next_action_moves,
        max(updated_at) filter (
            version_no = 1
            or is_new_state
            or status <> previous_status
            or assigned_to is distinct from previous_assigned_to
            or is_deleted <> previous_is_deleted
            or data_hash <> previous_data_hash
        ) as last_changed_at
    from versions
    group by process_id
)

select
    p.process_id,
    p.procedure,
    p.outcome,
    p.started_at,
    c.first_completed_at,
    c.last_completed_at,
    coalesce(c.n_completions, 0)::integer as n_completions,
    coalesce(c.n_reopens, 0)::integer as n_reopens,
    p.outcome = 'open' and coalesce(c.n_reopens, 0) > 0 as is_reopened,
    coalesce(c.open_ms, 0)::bigint as open_ms,
    c.open_since,
    coalesce(k.queue_ms, 0)::bigint as queue_ms,
    coalesce(k.work_ms, 0)::bigint as work_ms,
    coalesce(k.waiting_customer_ms, 0)::bigint as waiting_customer_ms,
    coalesce(k.waiting_other_ms, 0)::bigint as waiting_other_ms,
    coalesce(k.done_ms, 0)::bigint as done_ms,
    k.stay_since,
    k.stay_kind,
    m.in_state_since,
    coalesce(m.n_visits, 0)::integer as n_visits,
    coalesce(m.n_states, 0)::integer as n_states,
    coalesce(m.n_backward, 0)::integer as n_backward,
    coalesce(m.n_not_allowed, 0)::integer as n_not_allowed,
    coalesce(m.n_reentries, 0)::integer as n_reentries,
    coalesce(m.n_done_exits, 0)::integer as n_done_exits,
    p.first_assigned_at,
    p.first_assignment_source,
    coalesce(h.n_assignments, 0)::integer as n_assignments,
    coalesce(h.n_assignees, 0)::integer as n_assignees,
    coalesce(x.n_handoffs, 0)::integer as n_handoffs,
    coalesce(x.n_ping_pongs, 0)::integer as n_ping_pongs,
    coalesce(k.unassigned_ms, 0)::bigint as unassigned_ms,
    k.unassigned_since,
    p.next_action_at,
    v.n_next_action_moves::integer as n_next_action_moves,
    v.last_changed_at
from processes as p
inner join sum_versions as v on v.process_id = p.process_id
left join sum_spells as c on c.process_id = p.process_id
left join sum_visits as m on m.process_id = p.process_id
left join sum_stays as k on k.process_id = p.process_id
left join count_assignments as h on h.process_id = p.process_id
left join count_handoffs as x on x.process_id = p.process_id
