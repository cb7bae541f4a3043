-- How many processes kept to the stategraph of their procedure, open and deleted ones too.
-- Grain: one row per procedure. A process without a move neither conforms nor departs. Without a
-- stategraph every move is allowed and no share is given.
with visits as (from history_state_visits),

procedures as (from procedures),

count_moves as (
    select
        process_id,
        procedure,
        count(is_allowed) as n_moves,
        count(*) filter (not is_allowed) as n_not_allowed
    from visits
    group by process_id, procedure
),

count_processes as (
    select
        procedure,
        count(*) as processes,
        count(*) filter (n_moves = 0) as n_without_moves,
        count(*) filter (n_moves > 0 and n_not_allowed = 0) as conforming,
        sum(n_moves) as n_moves,
        sum(n_not_allowed) as n_not_allowed
    from count_moves
    group by procedure
)

select
    p.procedure,
    coalesce(s.processes, 0)::bigint as processes,
    coalesce(s.n_without_moves, 0)::bigint as n_without_moves,
    coalesce(s.conforming, 0)::bigint as conforming,
    case
        when p.has_stategraph then s.conforming / nullif(s.processes - s.n_without_moves, 0)
    end as share_conforming,
    coalesce(s.n_moves, 0)::bigint as n_moves,
    coalesce(s.n_not_allowed, 0)::bigint as n_not_allowed
from procedures as p
left join count_processes as s using (procedure)
order by p.procedure
