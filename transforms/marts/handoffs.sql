-- Who handed processes on to whom, how often, and how long the first had held them.
-- Grain: one row per procedure and pair of different people. A hand-off is as in process_lifecycle:
-- from one person to another, whether or not nobody held the process in between.
with stays as (from assignments),

users as (from users),

holders as (
    select
        *,
        coalesce(
            lag(assigned_to) over (partition by process_id order by assignment_no) <> assigned_to,
            true
        ) as is_new_holder
    from stays
    where assigned_to is not null
),

numbered as (
    select
        *,
        count(*) filter (is_new_holder) over (
            partition by process_id order by assignment_no
        ) as holder_no
    from holders
),

tenures as (
    select
        process_id,
        holder_no,
        any_value(procedure) as procedure,
        any_value(assigned_to) as assigned_to,
        sum(epoch_ms(ended_at) - epoch_ms(started_at)) as held_ms
    from numbered
    group by process_id, holder_no
),

pairs as (
    select
        t.process_id,
        t.procedure,
        t.assigned_to as from_assignee,
        n.assigned_to as to_assignee,
        t.held_ms
    from tenures as t
    inner join tenures as n on n.process_id = t.process_id and n.holder_no = t.holder_no + 1
),

sums as (
    select
        procedure,
        from_assignee,
        to_assignee,
        count(*) as n,
        count(distinct process_id) as processes,
        quantile_cont(held_ms / 1000, [0.5, 0.9]) as quantiles
    from pairs
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
from sums as s
left join users as f on f.user_id = s.from_assignee
left join users as t on t.user_id = s.to_assignee
order by s.procedure, s.n desc, s.from_assignee, s.to_assignee
