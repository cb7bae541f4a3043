-- Where attempts at a funnel begin, and where an excluded state would end them.
-- Grain: one row per funnel, process and visit that begins an attempt: the first to step 1, or each
-- where the best of them is wanted.
with occurrences as (from funnel_occurrences),

funnels as (from funnels),

visits as (from history_state_visits),

exclusions as (from funnel_exclusions),

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
),

excluded as (
    select
        x.funnel_no,
        v.process_id,
        v.entered_version_no * 2 as place,
        v.entered_at
    from visits as v
    inner join exclusions as x on x.procedure = v.procedure and x.state = v.state
)

select
    e.funnel_no,
    e.process_id,
    e.place,
    e.visit_no,
    e.happened_at,
    x.place as end_place,
    x.entered_at as excluded_at
from entries as e
asof left join excluded as x
    on x.funnel_no = e.funnel_no and x.process_id = e.process_id and x.place > e.place
