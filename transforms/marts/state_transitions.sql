-- Which state followed which, how often, and how long the first was held (directly-follows graph).
-- Grain: one row per procedure and pair of states. Visits that a deletion keeps apart do not follow
-- each other. Times are of visits that ended so.
with visits as (from state_visits),

procedures as (from procedures),

transitions as (from transitions),

states as (from states),

pairs as (
    select
        process_id,
        procedure,
        state as to_state,
        lag(state) over visit_order as from_state,
        lag(entered_at) over visit_order as from_entered_at,
        lag(left_at) over visit_order as from_left_at,
        lag(is_left_by_deletion) over visit_order as is_apart,
        entered_at
    from visits
    window visit_order as (partition by process_id order by visit_no)
),

sums as (
    select
        procedure,
        from_state,
        to_state,
        count(*) as n,
        count(distinct process_id) as processes,
        sum(epoch_ms(from_left_at) - epoch_ms(from_entered_at)) as total_ms,
        quantile_cont(seconds_between(from_entered_at, from_left_at), [0.5, 0.9]) as quantiles
    from pairs
    where from_state is not null and not is_apart
    group by procedure, from_state, to_state
)

select
    s.procedure,
    s.from_state,
    s.to_state,
    s.n,
    s.processes,
    case
        when s.from_state = s.to_state then null
        when not p.has_stategraph then true
        when not (b.is_judged and e.is_judged) then null
        else t.to_state is not null
    end as is_allowed,
    s.total_ms / s.n / 1000 as mean_seconds,
    round(s.quantiles[1], 3) as p50_seconds,
    round(s.quantiles[2], 3) as p90_seconds
from sums as s
inner join procedures as p using (procedure)
inner join states as b on b.procedure = s.procedure and b.state = s.from_state
inner join states as e on e.procedure = s.procedure and e.state = s.to_state
left join transitions as t
    on t.procedure = s.procedure and t.from_state = s.from_state and t.to_state = s.to_state
order by s.procedure, s.n desc, s.from_state, s.to_state
