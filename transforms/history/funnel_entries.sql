-- Where attempts at a funnel begin, and where an excluded state would end them.
-- Grain: one row per funnel, process and move that begins an attempt: the first to step 1, or each
-- one where the best attempt is wanted.
-- kind: view
with occurrences as (from funnel_occurrences),

funnels as (from funnels),

excluded as (from funnel_excluded_moves),

numbered as (
    select
        *,
        row_number() over (partition by funnel_no, process_id order by place) as entry_no
    from occurrences
    where step_no = 1
),

entries as (
    select n.*
    from numbered as n
    inner join funnels as f on f.funnel_no = n.funnel_no
    where n.entry_no = 1 or f.entry = 'best'
)

select
    e.funnel_no,
    e.process_id,
    e.place,
    e.move_no,
    e.happened_at,
    x.place as end_place,
    x.entered_at as excluded_at
from entries as e
asof left join excluded as x
    on x.funnel_no = e.funnel_no and x.process_id = e.process_id and x.place > e.place
