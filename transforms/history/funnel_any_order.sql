-- Steps reached in mode `any_order`: step k is reached when k different steps have been done.
-- Grain: one row per funnel, process and number of steps done. The step done first is the entry.
-- Optional steps, and windows and gaps between two steps, do not count here.
-- kind: view
with occurrences as (from funnel_occurrences),

step_list as (from funnel_step_list),

funnels as (from funnels),

excluded as (from funnel_excluded_moves),

numbered as (
    select
        *,
        row_number() over (partition by funnel_no, process_id, step_no order by place) as nth
    from occurrences
),

-- Of several steps with the same states, outcome and condition, each needs another occurrence.
done as (
    select n.funnel_no, n.process_id, n.step_no, n.place, n.happened_at
    from numbered as n
    inner join step_list as s
        on s.funnel_no = n.funnel_no and s.step_no = n.step_no and s.same_no = n.nth
    where not s.is_optional
),

counted as (
    select
        *,
        (row_number() over done_order)::integer as required_no,
        min(place) over done_order as entry_place,
        first_value(happened_at) over done_order as entered_at,
        max(happened_at) over done_order as reached_at
    from done
    window done_order as (
        partition by funnel_no, process_id order by place, step_no
        rows between unbounded preceding and current row
    )
),

bounded as (
    select c.*, x.place as end_place, x.entered_at as excluded_at
    from counted as c
    asof left join excluded as x
        on x.funnel_no = c.funnel_no
        and x.process_id = c.process_id
        and x.place > c.entry_place
)

select
    b.funnel_no,
    b.process_id,
    b.entry_place,
    b.entered_at,
    b.excluded_at,
    b.required_no as step_no,
    b.required_no,
    b.place,
    b.reached_at,
    null::timestamp as strayed_at
from bounded as b
inner join funnels as f on f.funnel_no = b.funnel_no
where
    (b.end_place is null or b.place < b.end_place)
    and is_in_window(b.reached_at, b.entered_at, f.within_seconds * 1000)
