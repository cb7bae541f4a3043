-- Which state followed which, how often, and how long the first was held (directly-follows graph).
-- Grain: one row per procedure and pair of states. A visit does not follow one that ended with a
-- deletion or a change of procedure. Times are those spent in from_state before the move.
with visits as (from history_state_visits),

procedures as (from procedures),

transitions as (from transitions),

states as (from states),

pair_visits as (
    select
        process_id,
        procedure,
        state as to_state,
        lag(state) over visit_order as from_state,
        lag(entered_at) over visit_order as from_entered_at,
        lag(left_at) over visit_order as from_left_at,
        lag(is_left_by_deletion or is_left_by_procedure_change) over visit_order as is_apart,
        entered_at
    from visits
    window visit_order as (partition by process_id order by visit_no)
),

sum_pairs as (
    select
        procedure,
        from_state,
        to_state,
        count(*) as n,
        count(distinct process_id) as processes,
        sum(epoch_ms(from_left_at) - epoch_ms(from_entered_at)) as total_ms,
        quantile_cont(seconds_between(from_entered_at, from_left_at), [0.5, 0.9]) as quantiles
    from pair_visits
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
        when not (b.has_known_moves and e.has_known_moves) then null
        else t.to_state is not null
    end as is_allowed,
    s.total_ms / s.n / 1000 as mean_seconds,
    round(s.quantiles[1], 3) as p50_seconds,
    round(s.quantiles[2], 3) as p90_seconds
from sum_pairs as s
inner join procedures as p using (procedure)
inner join states as b on b.procedure = s.procedure and b.state = s.from_state
inner join states as e on e.procedure = s.procedure and e.state = s.to_state
left join transitions as t
    on t.procedure = s.procedure and t.from_state = s.from_state and t.to_state = s.to_state
order by s.procedure, s.n desc, s.from_state, s.to_state
