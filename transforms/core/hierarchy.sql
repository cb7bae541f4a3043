-- Parents and children of processes, by `parentProcess` of their latest versions.
-- Grain: one row per process. Deleted processes stay parents, but do not count as children.
-- A process whose parent is unknown counts as a root. A cycle is not followed: its members and all
-- processes below them have neither root nor depth.
with recursive processes as (from history_processes),

build as (from build),

find_links as (
    select
        c.process_id,
        c.parent_process_id,
        p.procedure as parent_procedure,
        c.outcome,
        case c.outcome
            when 'open' then epoch_ms(b.as_of) - epoch_ms(c.started_at)
            when 'completed' then epoch_ms(c.completed_at) - epoch_ms(c.started_at)
        end as taken_ms
    from processes as c
    inner join processes as p on p.process_id = c.parent_process_id
    cross join build as b
),

-- Each round looks twice as far up as the one before, so that a chain of 10,000 takes 14 rounds.
-- The last round is one in which no process reaches a root: those left are in or below a cycle.
climb as (
    select
        1 as round_no,
        l.process_id,
        l.parent_process_id as ancestor_id,
        1 as distance,
        above.process_id is null as is_at_root,
        above.process_id is null as has_arrived_now
    from find_links as l
    left join find_links as above on above.process_id = l.parent_process_id
    union all
    select
        c.round_no + 1 as round_no,
        c.process_id,
        coalesce(a.ancestor_id, c.ancestor_id) as ancestor_id,
        c.distance + coalesce(a.distance, 0) as distance,
        c.is_at_root or a.is_at_root as is_at_root,
        not c.is_at_root and a.is_at_root as has_arrived_now
    from climb as c
    left join climb as a on a.process_id = c.ancestor_id
    where
        exists (select 1 from climb as x where not x.is_at_root)
        and exists (select 1 from climb as x where x.has_arrived_now)
),

find_roots as (
    select process_id, ancestor_id as root_process_id, distance as depth, is_at_root
    from climb
    where round_no = (select max(round_no) from climb)
),

find_rootless as (
    select l.process_id, l.parent_process_id
    from find_links as l
    inner join find_roots as p on p.process_id = l.process_id
    where not p.is_at_root
),

-- Going up as many steps as there are such processes ends in a cycle and reaches all its members.
climb_cycles as (
    select 1 as n_steps, process_id, parent_process_id as ancestor_id
    from find_rootless
    union all
    select c.n_steps * 2 as n_steps, c.process_id, a.ancestor_id
    from climb_cycles as c
    inner join climb_cycles as a on a.process_id = c.ancestor_id
    where c.n_steps < (select count(*) from find_rootless)
),

find_cycle_members as (
    select distinct ancestor_id as process_id
    from climb_cycles
    where n_steps = (select max(n_steps) from climb_cycles)
),

count_children as (
    select
        parent_process_id as process_id,
        count(*) as n_children,
        count(*) filter (outcome = 'open') as n_open_children
    from find_links
    where outcome <> 'deleted'
    group by parent_process_id
),

find_slowest_children as (
    select parent_process_id as process_id, process_id as child_id, taken_ms
    from find_links
    where taken_ms is not null
    qualify
        row_number() over (
            partition by parent_process_id order by taken_ms desc, process_id
        ) = 1
)

select
    p.process_id,
    p.procedure,
    p.parent_process_id,
    l.parent_procedure,
    case
        when l.process_id is null then p.process_id
        when r.is_at_root then r.root_process_id
    end as root_process_id,
    case when l.process_id is null then 0 when r.is_at_root then r.depth end::integer as depth,
    coalesce(c.n_children, 0)::integer as n_children,
    coalesce(c.n_open_children, 0)::integer as n_open_children,
    s.child_id as slowest_child_id,
    s.taken_ms / 1000 as slowest_child_seconds,
    p.parent_process_id is not null and l.process_id is null as is_orphan,
    m.process_id is not null as is_in_cycle
from processes as p
left join find_links as l on l.process_id = p.process_id
left join find_roots as r on r.process_id = p.process_id
left join find_cycle_members as m on m.process_id = p.process_id
left join count_children as c on c.process_id = p.process_id
left join find_slowest_children as s on s.process_id = p.process_id
