-- Who handed processes on to whom, how often, and how long the first had held them.
-- Grain: one row per procedure and pair of different people. A hand-off is as in process_lifecycle:
-- from one person to another, with or without unassigned time in between. It counts in the
-- procedure in which the new holder received the process.
with stays as (from history_assignments),

users as (from users),

mark_holders as (
    select
        *,
        coalesce(
            lag(assigned_to) over (partition by process_id order by assignment_no) <> assigned_to,
            true
        ) as is_new_holder
    from stays
    where assigned_to is not null
),

number_holders as (
    select
        *,
        count(*) filter (is_new_holder) over (
            partition by process_id order by assignment_no
        ) as holder_no
    from mark_holders
),

sum_tenures as (
    select
        process_id,
        holder_no,
        arg_min(procedure, assignment_no) as procedure,
        any_value(assigned_to) as assigned_to,
        sum(epoch_ms(ended_at) - epoch_ms(started_at)) as held_ms
    from number_holders
    group by process_id, holder_no
),

pair_tenures as (
    select
        t.process_id,
        n.procedure,
        t.assigned_to as from_assignee,
        n.assigned_to as to_assignee,
        t.held_ms
    from sum_tenures as t
    inner join sum_tenures as n on n.process_id = t.process_id and n.holder_no = t.holder_no + 1
),

count_handoffs as (
    select
        procedure,
        from_assignee,
        to_assignee,
        count(*) as n,
        count(distinct process_id) as processes,
        quantile_cont(held_ms / 1000, [0.5, 0.9]) as quantiles
    from pair_tenures
    group by procedure, from_assignee, to_assignee
)

select
    s.procedure,
    s.from_assignee,
    coalesce(f.name, s.from_assignee::varchar) as from_assignee_name,
    s.to_assignee,
    coalesce(t.name, s.to_assignee::varchar) as to_assignee_name,
    s.n,
    s.processes,
    round(s.quantiles[1], 3) as p50_held_seconds,
    round(s.quantiles[2], 3) as p90_held_seconds
from count_handoffs as s
left join users as f on f.user_id = s.from_assignee
left join users as t on t.user_id = s.to_assignee
order by s.procedure, s.n desc, s.from_assignee, s.to_assignee
