-- How far each process got in a funnel that was asked for: what the macros of funnels count.
-- kind: published

-- The steps that processes reached, as a list: one entry per procedure, process and step.
-- `value` is that of the column to compare by; `has_moved_on` says that the process went on to
-- another state. `first_day` and `last_day` are those of the entry.
create macro funnel_path_list(
    steps, asked, within, mode, table_name, column_name, first_day, last_day
) as (
with recursive step_list as (
    select
        l.step.procedure as procedure,
        l.step.state as state,
        l.step.state_rank as state_rank,
        l.step.step_no as step_no,
        l.step.same_no as same_no
    from (select unnest(funnel_step_list(steps, asked)) as step) as l
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
    inner join (select distinct s.step_no from step_list as s) as w on w.step_no <= f.level
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

grouped as (
    select g.found.process_id as process_id, g.found.value as value
    from (select unnest(process_value_list(table_name, column_name)) as found) as g
)

select
    list({
        'procedure': r.procedure,
        'process_id': r.process_id,
        'value': g.value,
        'step_no': r.step_no,
        'reached_at': r.reached_at,
        'entered_at': r.entered_at,
        'previous_reached_at': r.previous_reached_at,
        -- In mode `strict` a process that has moved elsewhere cannot reach the next step any more.
        'has_moved_on': mode = 'strict' and n.move_no is not null
    })
from reached as r
left join grouped as g on g.process_id = r.process_id
left join visits as n on n.process_id = r.process_id and n.move_no = r.move_no + 1
cross join build as b
where is_day_within(local_day(r.entered_at, b.time_zone), first_day, last_day)
);
