-- Steps reached in mode `strict`: each by the very next move, or by an outcome before it.
-- Grain: one row per funnel, process and step reached, of the attempt that got furthest (of equal
-- ones the earliest). `strayed_at` is the instant of the next move after the last step, if any.
-- kind: view
with recursive occurrences as (from funnel_occurrences),

step_list as (from funnel_step_list),

funnels as (from funnels),

entries as (from funnel_entries),

moves as (from funnel_moves),

reached as (
    select
        e.funnel_no,
        e.process_id,
        e.place as entry_place,
        e.happened_at as entered_at,
        s.step_no,
        s.required_no,
        s.next_required_step_no,
        e.place,
        e.move_no,
        e.happened_at as reached_at
    from entries as e
    inner join step_list as s on s.funnel_no = e.funnel_no and s.step_no = 1
    union all
    select
        r.funnel_no,
        r.process_id,
        r.entry_place,
        min(r.entered_at) as entered_at,
        min(s.step_no) as step_no,
        min(s.required_no) as required_no,
        arg_min(s.next_required_step_no, s.step_no) as next_required_step_no,
        arg_min(o.place, (s.step_no, o.place)) as place,
        arg_min(o.move_no, (s.step_no, o.place)) as move_no,
        arg_min(greatest(o.happened_at, r.reached_at), (s.step_no, o.place)) as reached_at
    from reached as r
    inner join funnels as f on f.funnel_no = r.funnel_no
    inner join occurrences as o
        on o.funnel_no = r.funnel_no
        and o.process_id = r.process_id
        and o.move_no - o.is_move::integer = r.move_no
        and o.place > r.place
        and o.step_no > r.step_no
        and o.step_no <= r.next_required_step_no
    inner join step_list as s on s.funnel_no = o.funnel_no and s.step_no = o.step_no
    where is_in_time(
            greatest(o.happened_at, r.reached_at),
            r.entered_at,
            r.reached_at,
            f.within_seconds * 1000,
            s.within_ms,
            s.min_gap_ms
        )
    group by r.funnel_no, r.process_id, r.entry_place
),

chosen as (
    select
        funnel_no,
        process_id,
        arg_max(entry_place, (required_no, -entry_place)) as entry_place
    from reached
    group by funnel_no, process_id
),

kept as (
    select r.*
    from reached as r
    inner join chosen as c
        on c.funnel_no = r.funnel_no
        and c.process_id = r.process_id
        and c.entry_place = r.entry_place
)

select
    k.funnel_no,
    k.process_id,
    k.entry_place,
    k.entered_at,
    null::timestamp as excluded_at,
    k.step_no,
    k.required_no,
    k.place,
    k.reached_at,
    m.entered_at as strayed_at
from kept as k
left join moves as m on m.process_id = k.process_id and m.move_no = k.move_no + 1
