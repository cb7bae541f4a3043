-- What happened to each process so far, without the clocks that still run.
-- Grain: one row per process. `..._ms` are sums of what has ended, `..._since` the start of what
-- runs (null when nothing does); core/process_lifecycle.sql adds the two up as at an instant.
with versions as (from versions),

processes as (from processes),

state_visits as (from state_visits),

status_spells as (from status_spells),

assignments as (from assignments),

open_stays as (from open_stays),

spell_order as (
    select
        *,
        lag(status) over (partition by process_id order by spell_no) as previous_status
    from status_spells
),

closings as (
    select
        process_id,
        min(started_at) filter (status = 'COMPLETED') as first_completed_at,
        max(started_at) filter (status = 'COMPLETED') as last_completed_at,
        count(*) filter (status = 'COMPLETED') as n_completions,
        count(*) filter (status = 'OPEN' and previous_status <> 'OPEN') as n_reopens,
        count(*) filter (status <> 'OPEN') as n_closings,
        sum(epoch_ms(ended_at) - epoch_ms(started_at)) filter (status = 'OPEN') as open_ms,
        max(started_at) filter (status = 'OPEN' and is_current) as open_since
    from spell_order
    group by process_id
),

visit_order as (
    select
        *,
        lag(state_kind) over (partition by process_id order by visit_no) as previous_kind
    from state_visits
),

movements as (
    select
        process_id,
        max(entered_at) filter (is_current) as in_state_since,
        count(*) as n_visits,
        count(distinct state) as n_states,
        count(*) filter (direction = 'backward') as n_backward,
        count(*) filter (not is_allowed) as n_not_allowed,
        count(*) filter (n_previous_visits > 0 and direction <> 'same') as n_reentries,
        count(*) filter (previous_kind = 'done' and state_kind <> 'done') as n_done_exits
    from visit_order
    group by process_id
),

stay_sums as (
    select
        process_id,
        sum(stay_ms) filter (state_kind = 'queue') as queue_ms,
        sum(stay_ms) filter (state_kind = 'work') as work_ms,
        sum(stay_ms) filter (state_kind = 'waiting_customer') as waiting_customer_ms,
        sum(stay_ms) filter (state_kind = 'waiting_other') as waiting_other_ms,
        sum(stay_ms) filter (state_kind = 'done') as done_ms,
        max(started_at) filter (ended_at is null) as stay_since,
        max(state_kind) filter (ended_at is null) as stay_kind
    from (
        select *, epoch_ms(ended_at) - epoch_ms(started_at) as stay_ms from open_stays
    )
    group by process_id
),

held as (
    select
        process_id,
        count(assigned_to) as n_assignments,
        count(distinct assigned_to) as n_assignees,
        sum(epoch_ms(ended_at) - epoch_ms(started_at)) filter (assigned_to is null)
            as unassigned_ms,
        max(started_at) filter (assigned_to is null and is_current) as unassigned_since
    from assignments
    group by process_id
),

-- Person to other person, whether or not nobody held it in between.
handoffs as (
    select
        process_id,
        assignment_no,
        assigned_to,
        lag(assigned_to) over (partition by process_id order by assignment_no) as previous_holder
    from assignments
    where assigned_to is not null
),

holders as (
    select
        *,
        lag(assigned_to, 2) over (partition by process_id order by assignment_no) as holder_before
    from handoffs
    where assigned_to is distinct from previous_holder
),

handoff_sums as (
    select
        process_id,
        count(*) - 1 as n_handoffs,
        count(*) filter (assigned_to = holder_before) as n_ping_pongs
    from holders
    group by process_id
),

version_sums as (
    select
        process_id,
        count(*) filter (
            not is_deleted
            and not previous_is_deleted
            and next_action_at <> previous_next_action_at
        ) as n_next_action_moves,
        max(updated_at) filter (
            version_no = 1
            or state_rank <> previous_state_rank
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
    p.outcome = 'open' and coalesce(c.n_closings, 0) > 0 as is_reopened,
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
    coalesce(h.unassigned_ms, 0)::bigint as unassigned_ms,
    h.unassigned_since,
    p.next_action_at,
    v.n_next_action_moves::integer as n_next_action_moves,
    v.last_changed_at
from processes as p
inner join version_sums as v on v.process_id = p.process_id
left join closings as c on c.process_id = p.process_id
left join movements as m on m.process_id = p.process_id
left join stay_sums as k on k.process_id = p.process_id
left join held as h on h.process_id = p.process_id
left join handoff_sums as x on x.process_id = p.process_id
