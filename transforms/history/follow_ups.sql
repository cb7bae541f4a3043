-- Follow-ups: next actions planned for an open process, and what ended each.
-- Grain: one row per plan: a maximal run of versions of one procedure, open and not deleted, with
-- one `next_action_at`. It ends when the state changes, when the plan is cleared or replaced, or
-- when the process closes, is deleted or changes its procedure, whichever is first. `removed_at` is
-- when the record stopped holding the plan, which a change of state alone does not cause.
with versions as (from versions),

open_spells as (from status_spells where status = 'OPEN' and not is_inferred),

find_boundaries as (
    select *
    from versions
    where
        version_no = 1
        or is_deleted <> previous_is_deleted
        or is_first_of_run
        or is_new_state
        or assigned_to is distinct from previous_assigned_to
        or next_action_at is distinct from previous_next_action_at
),

end_parts as (
    select
        process_id,
        procedure,
        version_no,
        run_no,
        status = 'OPEN' and not is_deleted as is_open,
        assigned_to,
        next_action_at as due_at,
        if(version_no = 1, started_at, updated_at) as seen_from,
        is_first_of_run or (next_action_at is distinct from previous_next_action_at) as is_new,
        is_new_state,
        {
            'seen_at': lead(updated_at) over version_order,
            'is_of_run': lead(run_no) over version_order = run_no
            and not lead(is_deleted) over version_order,
            'has_plan': lead(next_action_at is not null) over version_order,
            'is_new_state': lead(is_new_state) over version_order
        } as next
    from find_boundaries
    window version_order as (partition by process_id order by version_no)
),

number_plans as (
    select
        p.*,
        p.is_new_state and not p.is_new as is_done,
        s.ended_at as closed_at,
        s.ended_by as closed_by,
        count(*) filter (p.is_new) over part_order as plan_no,
        count(*) filter (p.is_new_state and not p.is_new) over part_order as n_done
    from end_parts as p
    inner join open_spells as s on s.process_id = p.process_id and s.run_no = p.run_no
    where
        p.is_open
        and p.due_at is not null
        and (s.ended_at is null or p.seen_from <= s.ended_at)
    window part_order as (partition by p.process_id order by p.version_no)
),

-- Answerable is who held the process when the follow-up fell due, or when it ended if that was
-- earlier: the holder in the last version until then, of those before the follow-up was done.
sum_plans as (
    select
        process_id,
        plan_no,
        any_value(procedure) as procedure,
        any_value(due_at) as due_at,
        min(seen_from) as set_at,
        arg_max({'holder': assigned_to}, (-n_done, version_no)) filter (
            is_new or (seen_from <= due_at and not is_done)
        ) as answerable,
        min(seen_from) filter (is_done) as done_at,
        any_value(closed_at) as closed_at,
        any_value(closed_by) as closed_by,
        arg_max(next, version_no) as next
    from number_plans
    group by process_id, plan_no
),

end_plans as (
    select *, coalesce(closed_at < next.seen_at or not next.is_of_run, false) as is_closed
    from sum_plans
)

select
    process_id,
    procedure,
    plan_no::integer as follow_up_no,
    answerable.holder as assigned_to,
    set_at,
    due_at,
    coalesce(done_at, if(is_closed, closed_at, next.seen_at)) as ended_at,
    case
        when done_at is not null then 'state_changed'
        when is_closed then closed_by
        when next.seen_at is null then null
        when not next.has_plan then 'cleared'
        when next.is_new_state then 'state_changed'
        else 'rescheduled'
    end as ended_by,
    if(is_closed, closed_at, next.seen_at) as removed_at
from end_plans
