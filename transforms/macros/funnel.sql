-- The macro `funnel` of the published database: any funnel over states.
-- It reads published tables only and runs on DuckDB 1.2 and later. Columns are always qualified: a
-- bare name that is also a parameter would mean the parameter.
-- Grain: one row per procedure and step. Without `procedure`: every procedure that has all the
-- states. `within` runs from the entry.
-- kind: published

-- The length of an interval that begins at an instant: a month has 28 to 31 days.
create macro interval_ms(interval_start, length) as
    epoch_ms(interval_start + cast(length as interval)) - epoch_ms(interval_start);

create macro funnel(steps, procedure := null, within := null, mode := 'ordered') as table
with recursive wanted as (
    select
        lower(w.state) as state_key,
        w.state,
        w.step_no,
        row_number() over (partition by lower(w.state) order by w.step_no) as same_no
    from (select unnest(steps) as state, generate_subscripts(steps, 1) as step_no) as w
),

-- One row, whatever is asked for, so that `checked` has one too.
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
        where lower(s.state) = w.state_key and (procedure is null or s.procedure = procedure)
    )
),

chosen as (
    select s.procedure
    from states as s
    where
        lower(s.state) in (select w.state_key from wanted as w)
        and (procedure is null or s.procedure = procedure)
    group by s.procedure
    having count(distinct lower(s.state)) = (select count(distinct w.state_key) from wanted as w)
),

checked as (
    select
        case
            when mode is null or not list_contains(funnel_modes(), mode)
                then error(
                    'funnel: found mode ' || coalesce(mode, 'null')
                    || '; allowed: ' || array_to_string(funnel_modes(), ', ')
                )
            when coalesce(len(steps), 0) = 0
                then error('funnel: found no steps; allowed: a list of states, such as [''NEW'']')
            when interval_ms(timestamp '2000-01-01', within) < 0
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

step_list as (
    select c.procedure, s.state, s.state_rank, w.step_no, w.same_no
    from chosen as c
    inner join states as s on s.procedure = c.procedure
    inner join wanted as w on w.state_key = lower(s.state)
),

visits as (
    select
        v.procedure,
        v.process_id,
        v.state,
        v.entered_at,
        row_number() over (partition by v.process_id order by v.visit_no) as move_no
    from state_visits as v
    -- What others went through before they were observed is not known.
    semi join (select p.process_id from processes as p where p.is_observed_from_start) as w
        on w.process_id = v.process_id
    where is_move(v.direction)
),

candidates as (
    select v.procedure, v.process_id, s.step_no, s.same_no, v.move_no, v.entered_at
    from visits as v
    inner join step_list as s on s.procedure = v.procedure and s.state = v.state
),

in_order as (
    select
        c.procedure,
        c.process_id,
        c.step_no,
        min(c.move_no) as move_no,
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
        min(c.move_no) as move_no,
        min(c.entered_at) as reached_at,
        min(r.entered_at) as entered_at,
        min(r.reached_at) as previous_reached_at
    from in_order as r
    inner join candidates as c
        on c.process_id = r.process_id
        and c.procedure = r.procedure
        and c.step_no = r.step_no + 1
        and c.move_no > r.move_no
    where
        is_in_window(c.entered_at, r.entered_at, interval_ms(r.entered_at, within))
        and (mode <> 'strict' or c.move_no = r.move_no + 1)
    group by r.procedure, r.process_id, c.step_no
),

-- The first visit to the state of each step; of steps with one state the second needs a second
-- visit.
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
                partition by c.procedure, c.process_id, c.step_no order by c.move_no
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
        s.step_no,
        max(s.state_rank) over (partition by s.procedure order by s.step_no) as state_rank
    from step_list as s
),

rank_levels as (
    select s.procedure, s.state, count(l.step_no) as level
    from states as s
    inner join levels as l on l.procedure = s.procedure and l.state_rank <= s.state_rank
    group by s.procedure, s.state
),

further as (
    select v.procedure, v.process_id, r.level, min(v.entered_at) as entered_at
    from visits as v
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
            partition by o.procedure, o.process_id order by o.step_no
            rows between unbounded preceding and current row
        ) as entered_at
    from (
        select
            c.procedure,
            c.process_id,
            c.step_no,
            min(c.entered_at) as entered_at,
            row_number() over (
                partition by c.procedure, c.process_id order by c.step_no
            ) as nth
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
        min(g.entered_at) over (partition by g.procedure, g.process_id),
        lag(g.entered_at) over (partition by g.procedure, g.process_id order by g.step_no)
    from signs as g
),

reached as (
    select
        r.procedure,
        r.process_id,
        r.step_no,
        r.move_no,
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
    where is_in_window(u.reached_at, u.entered_at, interval_ms(u.entered_at, within))
),

step_sums as (
    select
        r.procedure,
        r.step_no,
        count(*) as processes,
        quantile_cont(seconds_between(r.entered_at, r.reached_at), [0.5, 0.9]) as from_first,
        quantile_cont(seconds_between(r.previous_reached_at, r.reached_at), 0.5)
            as median_from_previous
    from reached as r
    group by r.procedure, r.step_no
),

last_steps as (
    select
        r.procedure,
        r.process_id,
        max(r.step_no) as step_no,
        max(r.move_no) as move_no,
        min(r.entered_at) as entered_at
    from reached as r
    group by r.procedure, r.process_id
),

waiting as (
    select l.procedure, l.step_no, count(*) as processes
    from last_steps as l
    inner join processes as p
        on p.process_id = l.process_id and p.procedure = l.procedure and p.outcome = 'open'
    cross join build as b
    -- In mode `strict` a process that has moved elsewhere cannot reach the next step any more.
    anti join (select v.process_id, v.move_no from visits as v where mode = 'strict') as x
        on x.process_id = l.process_id and x.move_no = l.move_no + 1
    where not is_window_over(b.as_of, l.entered_at, interval_ms(l.entered_at, within))
    group by l.procedure, l.step_no
),

counted as (
    select
        l.procedure,
        l.step_no,
        case mode
            when 'any_order' then any_order_step(l.step_no, len(steps))
            else l.state
        end as step,
        coalesce(s.processes, 0) as processes,
        s.from_first,
        s.median_from_previous,
        coalesce(sum(n.processes) over (
            partition by l.procedure order by l.step_no
            rows between unbounded preceding and 1 preceding
        ), 0) as immature
    from step_list as l
    left join step_sums as s on s.procedure = l.procedure and s.step_no = l.step_no
    left join waiting as n on n.procedure = l.procedure and n.step_no = l.step_no
),

shared as (
    select
        c.procedure,
        mode as mode,
        c.step_no,
        c.step,
        c.processes,
        share_of(c.processes, first_value(c.processes) over step_order) as share_of_first,
        share_of(c.processes, coalesce(lag(c.processes) over step_order, c.processes))
            as share_of_previous,
        c.from_first,
        c.median_from_previous,
        c.immature,
        first_value(c.processes) over step_order as entered
    from counted as c
    window step_order as (partition by c.procedure order by c.step_no)
),

packed as (
    select list(s order by s.procedure, s.step_no) as step_rows
    from shared as s
),

-- All rows come out of one list that only the check hands over: so the check runs whatever columns
-- and conditions a query has. A query that reads no row (`limit 0`, `where false`) does not run it.
valid as (
    select unnest(case when v.is_valid then p.step_rows end) as step_row
    from checked as v
    cross join packed as p
)

select
    v.step_row.procedure as procedure,
    v.step_row.mode as mode,
    v.step_row.step_no as step_no,
    v.step_row.step as step,
    v.step_row.processes as processes,
    v.step_row.share_of_first as share_of_first,
    v.step_row.share_of_previous as share_of_previous,
    round(v.step_row.from_first[1], 3) as median_seconds_from_first,
    round(v.step_row.from_first[2], 3) as p90_seconds_from_first,
    round(v.step_row.median_from_previous, 3) as median_seconds_from_previous,
    cast(v.step_row.immature as bigint) as immature,
    share_low(v.step_row.processes, v.step_row.entered) as share_of_first_low,
    share_high(v.step_row.processes, v.step_row.entered) as share_of_first_high,
    is_small_sample(v.step_row.entered) as is_small
from valid as v
order by v.step_row.procedure, v.step_row.step_no;
