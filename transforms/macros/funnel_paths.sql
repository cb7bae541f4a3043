-- How far each process got in a funnel that was asked for: what the macros of funnels count. The
-- rules are those of history/funnel_*.sql.
-- kind: published

-- The steps that processes reached, as a list: one entry per procedure, process, attempt and step.
-- `unit` is one of `funnel_units`, `wanted` a filter (process_filter.sql); `value` is that of the
-- column to compare by. `has_moved_on` says that the process went on to another state,
-- `next_entered_at` when its next attempt began. `first_day` and `last_day` are those of the entry.
create macro funnel_path_list(
    steps, asked, within, mode, unit, wanted, table_name, column_name, first_day, last_day
) as (
with recursive step_list as (
    select
        l.step.procedure as procedure,
        l.step.step_no as step_no,
        l.step.states as states,
        l.step.outcome as outcome,
        l.step.least_rank as least_rank,
        l.step.same_no as same_no
    from (select unnest(funnel_step_list(steps, asked)) as step) as l
),

step_states as (
    select s.procedure, s.step_no, s.same_no, unnest(s.states) as state
    from step_list as s
),

-- What others went through before they were observed is not known.
counted as (
    select p.process_id
    from processes as p
    where
        p.is_observed_from_start
        and is_wanted(p.process_id, asked, wanted)
),

moves as (
    select
        v.procedure,
        v.process_id,
        v.state,
        v.state_rank,
        v.entered_at,
        v.entered_version_no as version_no,
        row_number() over (partition by v.process_id order by v.visit_no) as move_no
    from state_visits as v
    semi join counted as c on c.process_id = v.process_id
    where is_move(v.direction)
),

outcomes as (
    select
        s.procedure,
        s.process_id,
        l.step_no,
        l.same_no,
        s.shown_version_no as version_no,
        s.started_at as happened_at
    from status_spells as s
    inner join step_list as l on l.procedure = s.procedure and l.outcome = lower(s.status)
    semi join counted as c on c.process_id = s.process_id
),

candidates as (
    select
        m.procedure,
        m.process_id,
        s.step_no,
        s.same_no,
        place_of_move(m.version_no) as place,
        m.move_no,
        1 as n_moves,
        m.entered_at as happened_at
    from moves as m
    inner join step_states as s on s.procedure = m.procedure and s.state = m.state
    union all
    select
        o.procedure,
        o.process_id,
        o.step_no,
        o.same_no,
        place_of_outcome(o.version_no),
        m.move_no,
        0,
        o.happened_at
    from outcomes as o
    asof inner join moves as m on m.process_id = o.process_id and m.version_no <= o.version_no
),

-- An attempt begins with an entry into step 1, not with a move from another of its states, and ends
-- with the next one, which may be a step of both.
entries as (
    select
        c.procedure,
        c.process_id,
        cast(1 as bigint) as attempt_no,
        min(c.place) as place,
        arg_min(c.move_no, c.place) as move_no,
        arg_min(c.happened_at, c.place) as entered_at,
        cast(null as bigint) as end_place,
        cast(null as timestamp) as next_entered_at
    from candidates as c
    where c.step_no = 1 and mode in ('ordered', 'strict') and unit = 'process'
    group by c.procedure, c.process_id
    union all
    select
        c.procedure,
        c.process_id,
        row_number() over attempt_order,
        c.place,
        c.move_no,
        c.happened_at,
        lead(c.place) over attempt_order,
        lead(c.happened_at) over attempt_order
    from candidates as c
    left join candidates as b
        on b.process_id = c.process_id
        and b.procedure = c.procedure
        and b.step_no = 1
        and b.n_moves = 1
        and b.move_no = c.move_no - c.n_moves
        and c.n_moves = 1
    where c.step_no = 1 and mode in ('ordered', 'strict') and unit = 'attempt'
    and b.process_id is null
    window attempt_order as (partition by c.procedure, c.process_id order by c.place)
),

in_order as (
    select
        e.procedure,
        e.process_id,
        e.attempt_no,
        cast(1 as bigint) as step_no,
        e.place,
        e.move_no,
        e.entered_at as reached_at,
        e.entered_at,
        e.end_place,
        e.next_entered_at,
        cast(null as timestamp) as previous_reached_at
    from entries as e
    union all
    select
        r.procedure,
        r.process_id,
        r.attempt_no,
        c.step_no,
        min(c.place) as place,
        arg_min(c.move_no, c.place) as move_no,
        -- A completion may be dated before the version that shows it.
        arg_min(greatest(c.happened_at, r.reached_at), c.place) as reached_at,
        min(r.entered_at) as entered_at,
        min(r.end_place) as end_place,
        min(r.next_entered_at) as next_entered_at,
        min(r.reached_at) as previous_reached_at
    from in_order as r
    inner join candidates as c
        on c.process_id = r.process_id
        and c.procedure = r.procedure
        and c.step_no = r.step_no + 1
        and c.place > r.place
    where
        is_in_window(
            greatest(c.happened_at, r.reached_at), r.entered_at, interval_ms(r.entered_at, within)
        )
        and (r.end_place is null or c.place <= r.end_place)
        and (mode <> 'strict' or c.move_no - c.n_moves = r.move_no)
    group by r.procedure, r.process_id, r.attempt_no, c.step_no
),

-- The first occurrence of each step; of equal steps the second needs a second one.
firsts as (
    select
        c.procedure,
        c.process_id,
        c.step_no,
        min(c.place) as place,
        arg_min(c.happened_at, c.place) as happened_at
    from candidates as c
    where c.same_no = 1 and mode = 'any_order'
    group by c.procedure, c.process_id, c.step_no
    union all
    select n.procedure, n.process_id, n.step_no, n.place, n.happened_at
    from (
        select
            c.*,
            row_number() over (
                partition by c.procedure, c.process_id, c.step_no order by c.place
            ) as nth
        from candidates as c
        where c.same_no > 1 and mode = 'any_order'
    ) as n
    where n.nth = n.same_no
),

further as (
    select
        m.procedure,
        m.process_id,
        m.state_rank,
        min(place_of_move(m.version_no)) as place,
        min(m.entered_at) as happened_at
    from moves as m
    anti join (select p.process_id from processes as p where p.outcome = 'cancelled') as x
        on x.process_id = m.process_id
    where mode = 'reached'
    group by m.procedure, m.process_id, m.state_rank
),

-- A process has reached the steps it was seen in, and, unless cancelled, those of a lower rank.
signs as (
    select s.procedure, s.process_id, s.step_no, s.place, s.happened_at
    from candidates as s
    where mode = 'reached'
    union all
    select f.procedure, f.process_id, l.step_no, f.place, f.happened_at
    from further as f
    inner join step_list as l on l.procedure = f.procedure and l.least_rank <= f.state_rank
),

seen as (
    select
        s.procedure,
        s.process_id,
        s.step_no,
        min(s.place) as place,
        arg_min(s.happened_at, s.place) as happened_at
    from signs as s
    group by s.procedure, s.process_id, s.step_no
),

unlimited as (
    select
        f.procedure,
        f.process_id,
        row_number() over place_order as step_no,
        max(f.happened_at) over place_order as reached_at,
        first_value(f.happened_at) over place_order as entered_at
    from firsts as f
    window place_order as (
        partition by f.procedure, f.process_id order by f.place, f.step_no
        rows between unbounded preceding and current row
    )
    union all
    -- No step counts beyond one that was not reached.
    select g.procedure, g.process_id, g.step_no, g.reached_at, g.entered_at
    from (
        select
            s.procedure,
            s.process_id,
            s.step_no,
            row_number() over step_order as nth,
            max(s.happened_at) over step_order as reached_at,
            first_value(s.happened_at) over step_order as entered_at
        from seen as s
        window step_order as (
            partition by s.procedure, s.process_id order by s.step_no
            rows between unbounded preceding and current row
        )
    ) as g
    where g.nth = g.step_no
),

reached as (
    select
        r.procedure,
        r.process_id,
        r.attempt_no,
        r.step_no,
        r.move_no,
        r.reached_at,
        r.entered_at,
        r.end_place,
        r.next_entered_at,
        r.previous_reached_at
    from in_order as r
    union all
    select
        u.procedure,
        u.process_id,
        1,
        u.step_no,
        null,
        u.reached_at,
        u.entered_at,
        null,
        null,
        lag(u.reached_at) over (partition by u.procedure, u.process_id order by u.step_no)
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
        'attempt_no': r.attempt_no,
        'value': g.value,
        'step_no': r.step_no,
        'reached_at': r.reached_at,
        'entered_at': r.entered_at,
        'next_entered_at': r.next_entered_at,
        'previous_reached_at': r.previous_reached_at,
        -- In mode `strict` a process that has moved elsewhere cannot reach the next step any more.
        'has_moved_on': mode = 'strict' and n.move_no is not null
    })
from reached as r
left join grouped as g on g.process_id = r.process_id
left join moves as n
    on n.process_id = r.process_id
    and n.move_no = r.move_no + 1
    and (r.end_place is null or place_of_move(n.version_no) <= r.end_place)
    and mode = 'strict'
cross join build as b
where is_day_within(local_day(r.entered_at, b.time_zone), first_day, last_day)
);
