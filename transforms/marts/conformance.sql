-- How many processes kept to the stategraph of their procedure, open and deleted ones too.
-- Grain: one row per procedure. Without a stategraph every move is allowed and no share is given.
with visits as (from state_visits),

procedures as (from procedures),

process_sums as (
    select
        process_id,
        procedure,
        count(is_allowed) as n_moves,
        count(*) filter (not is_allowed) as n_not_allowed
    from visits
    group by process_id, procedure
),

sums as (
    select
        procedure,
        count(*) as processes,
        count(*) filter (n_not_allowed = 0) as conforming,
        sum(n_moves) as n_moves,
        sum(n_not_allowed) as n_not_allowed
    from process_sums
    group by procedure
)

select
    p.procedure,
    coalesce(s.processes, 0)::bigint as processes,
    coalesce(s.conforming, 0)::bigint as conforming,
    case when p.has_stategraph then s.conforming / nullif(s.processes, 0) end as share_conforming,
    coalesce(s.n_moves, 0)::bigint as n_moves,
    coalesce(s.n_not_allowed, 0)::bigint as n_not_allowed
from procedures as p
left join sums as s using (procedure)
order by p.procedure
