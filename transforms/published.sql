-- Macros of the published database. They read its tables only, and run on DuckDB 1.2 and later.
-- Columns are always qualified: a bare name that is also a parameter would mean the parameter.

-- Any funnel over states. Grain: one row per procedure and step. Without `procedure`: every
-- procedure that has all the states. `within` runs from step 1. Modes: `ordered` (step k is the first
-- visit to its state after the visit of step k-1), `strict` (the very next visit), `any_order` (step
-- k: k of the states visited, in any order) and `reached` (being in a state further down the
-- procedure's list counts for the steps before it, except for cancelled processes).
create macro funnel(steps, procedure := null, within := null, mode := 'ordered') as table
with recursive wanted as (
    select
        w.state,
        w.step_no,
        row_number() over (partition by w.state order by w.step_no) as same_no
    from (select unnest(steps) as state, generate_subscripts(steps, 1) as step_no) as w
),

-- One row: whatever is asked for, something is checked.
known as (
    select
        count(*) as n_states,
        string_agg(distinct s.state, ', ' order by s.state) as names,
        (
            select string_agg(distinct t.procedure, ', ' order by t.procedure) from states as t
        ) as procedures
    from states as s
    where procedure is null or s.procedure = procedure
),

unknown_states as (
    select string_agg(coalesce(w.state, 'null'), ', ' order by w.step_no) as names
    from wanted as w
    where not exists (
        select 1
        from states as s
        where s.state = w.state and (procedure is null or s.procedure = procedure)
    )
),

chosen as (
    select s.procedure
    from states as s
    where
        s.state in (select w.state from wanted as w)
        and (procedure is null or s.procedure = procedure)
    group by s.procedure
    having count(distinct s.state) = (select count(distinct w.state) from wanted as w)
),

checked as (
    select
        case
            when mode is null or mode not in ('ordered', 'strict', 'any_order', 'reached')
                then error(
                    'funnel: found mode ' || coalesce(mode, 'null')
                    || '; allowed: ordered, strict, any_order, reached'
                )
            when coalesce(len(steps), 0) = 0
                then error('funnel: found no steps; allowed: a list of states, such as [''NEW'']')
            when epoch_ms(timestamp '2000-01-01' + cast(within as interval))
                < epoch_ms(timestamp '2000-01-01')
                then error('funnel: found a window below 0; allowed: null, or interval 7 days')
            when k.n_states = 0
                then error(
                    'funnel: found unknown procedure ' || procedure || '; allowed: ' || k.procedures
                )
            when u.names is not null
                then error(
                    'funnel: found unknown states ' || u.names || '; allowed: ' || k.names
                )
            when (select count(*) from chosen as c) = 0
                then error(
                    'funnel: found states of several procedures; allowed: those of one of '
                    || k.procedures
                )
            else true
        end as is_valid
    from known as k
    cross join unknown_states as u
),

candidates as (
    select v.procedure, v.process_id, w.step_no, w.same_no, v.visit_no, v.entered_at
    from state_visits as v
    inner join wanted as w on w.state = v.state
    inner join chosen as c on c.procedure = v.procedure
),

in_order as (
    select
        c.procedure,
        c.process_id,
        c.step_no,
        min(c.visit_no) as visit_no,
        min(c.entered_at) as reached_at,
        min(c.entered_at) as entered_at,
        cast(null as timestamp) as previous_reached_at
    from candidates as c
    where c.step_no = 1 and mode in ('ordered', 'strict')
    group by c.procedure, c.process_id, c.step_no
    union all
    select
        r.procedure,
        r.process_id,
        c.step_no,
        min(c.visit_no) as visit_no,
        min(c.entered_at) as reached_at,
        min(r.entered_at) as entered_at,
        min(r.reached_at) as previous_reached_at
    from in_order as r
    inner join candidates as c
        on c.process_id = r.process_id and c.step_no = r.step_no + 1 and c.visit_no > r.visit_no
    where
        (within is null or c.entered_at <= r.entered_at + cast(within as interval))
        and (mode <> 'strict' or c.visit_no = r.visit_no + 1)
    group by r.procedure, r.process_id, c.step_no
),

-- Times at which a process was first in the state of each step; of steps with one state the second
-- needs a second visit.
firsts as (
    select c.procedure, c.process_id, c.step_no, min(c.entered_at) as entered_at
    from candidates as c
    where c.same_no = 1 and mode = 'any_order'
    group by c.procedure, c.process_id, c.step_no
    union all
    select n.procedure, n.process_id, n.step_no, n.entered_at
    from (
        select
            c.*,
            row_number() over (
                partition by c.process_id, c.step_no order by c.visit_no
            ) as nth
        from candidates as c
        where c.same_no > 1 and mode = 'any_order'
    ) as n
    where n.nth = n.same_no
),

any_times as (
    select f.procedure, f.process_id, list_sort(list(f.entered_at)) as times
    from firsts as f
    where mode = 'any_order'
    group by f.procedure, f.process_id
),

-- The rank that a process must have come to for each step: the highest of the steps so far.
levels as (
    select
        s.procedure,
        w.step_no,
        max(s.state_rank) over (partition by s.procedure order by w.step_no) as state_rank
    from wanted as w
    inner join states as s on s.state = w.state
    inner join chosen as c on c.procedure = s.procedure
),

rank_levels as (
    select s.procedure, s.state, count(l.step_no) as level
    from states as s
    inner join levels as l on l.procedure = s.procedure and l.state_rank <= s.state_rank
    group by s.procedure, s.state
),

further as (
    select v.procedure, v.process_id, r.level, min(v.entered_at) as entered_at
    from state_visits as v
    inner join rank_levels as r on r.procedure = v.procedure and r.state = v.state
    anti join (select p.process_id from processes as p where p.outcome = 'cancelled') as x
        on x.process_id = v.process_id
    where mode = 'reached'
    group by v.procedure, v.process_id, r.level
),

signs as (
    select f.procedure, f.process_id, w.step_no, min(f.entered_at) as entered_at
    from further as f
    inner join wanted as w on w.step_no <= f.level
    group by f.procedure, f.process_id, w.step_no
    union all
    select
        o.procedure,
        o.process_id,
        o.step_no,
        max(o.entered_at) over (
            partition by o.process_id order by o.step_no
            rows between unbounded preceding and current row
        ) as entered_at
    from (
        select
            c.procedure,
            c.process_id,
            c.step_no,
            min(c.entered_at) as entered_at,
            row_number() over (partition by c.process_id order by c.step_no) as nth
        from candidates as c
        semi join (select p.process_id from processes as p where p.outcome = 'cancelled') as x
            on x.process_id = c.process_id
        where mode = 'reached'
        group by c.procedure, c.process_id, c.step_no
    ) as o
    where o.nth = o.step_no
),

unlimited as (
    select
        t.procedure,
        t.process_id,
        unnest(range(1, len(t.times) + 1)) as step_no,
        unnest(t.times) as reached_at,
        t.times[1] as entered_at,
        unnest(list_concat([null], t.times[1:-2])) as previous_reached_at
    from any_times as t
    union all
    select
        g.procedure,
        g.process_id,
        g.step_no,
        g.entered_at,
        min(g.entered_at) over (partition by g.process_id),
        lag(g.entered_at) over (partition by g.process_id order by g.step_no)
    from signs as g
),

reached as (
    select
        r.procedure,
        r.process_id,
        r.step_no,
        r.visit_no,
        r.reached_at,
        r.entered_at,
        r.previous_reached_at
    from in_order as r
    union all
    select
        u.procedure,
        u.process_id,
        u.step_no,
        null,
        u.reached_at,
        u.entered_at,
        u.previous_reached_at
    from unlimited as u
    where within is null or u.reached_at <= u.entered_at + cast(within as interval)
),

step_sums as (
    select
        r.procedure,
        r.step_no,
        count(*) as processes,
        quantile_cont((epoch_ms(r.reached_at) - epoch_ms(r.entered_at)) / 1000, [0.5, 0.9])
            as from_first,
        quantile_cont((epoch_ms(r.reached_at) - epoch_ms(r.previous_reached_at)) / 1000, 0.5)
            as median_from_previous
    from reached as r
    group by r.procedure, r.step_no
),

waiting as (
    select l.procedure, l.step_no, count(*) as processes
    from (
        select
            r.procedure,
            r.process_id,
            max(r.step_no) as step_no,
            max(r.visit_no) as visit_no,
            min(r.entered_at) as entered_at
        from reached as r
        group by r.procedure, r.process_id
    ) as l
    inner join processes as p on p.process_id = l.process_id and p.outcome = 'open'
    cross join build as b
    -- Who has gone elsewhere cannot take the very next step any more.
    anti join (
        select v.process_id, v.visit_no from state_visits as v where mode = 'strict'
    ) as x on x.process_id = l.process_id and x.visit_no = l.visit_no + 1
    where within is null or b.as_of < l.entered_at + cast(within as interval)
    group by l.procedure, l.step_no
),

counted as (
    select
        c.procedure,
        w.step_no,
        case mode
            when 'any_order' then concat(w.step_no, ' of ', len(steps), ' steps')
            else w.state
        end as step,
        coalesce(s.processes, 0) as processes,
        s.from_first,
        s.median_from_previous,
        coalesce(sum(n.processes) over (
            partition by c.procedure order by w.step_no
            rows between unbounded preceding and 1 preceding
        ), 0) as immature
    from chosen as c
    cross join wanted as w
    left join step_sums as s on s.procedure = c.procedure and s.step_no = w.step_no
    left join waiting as n on n.procedure = c.procedure and n.step_no = w.step_no
)

select
    t.procedure,
    -- Read here, so that no plan can do without the check: it never finds `counted` empty.
    case when v.is_valid then mode end as mode,
    t.step_no,
    t.step,
    t.processes,
    t.processes / nullif(first_value(t.processes) over step_order, 0) as share_of_first,
    t.processes / nullif(coalesce(lag(t.processes) over step_order, t.processes), 0)
        as share_of_previous,
    round(t.from_first[1], 3) as median_seconds_from_first,
    round(t.from_first[2], 3) as p90_seconds_from_first,
    round(t.median_from_previous, 3) as median_seconds_from_previous,
    cast(t.immature as bigint) as immature
from checked as v
left join counted as t on true
window step_order as (partition by t.procedure order by t.step_no)
order by t.procedure, t.step_no;
