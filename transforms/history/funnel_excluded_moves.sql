-- Moves into states that a funnel excludes; each ends the attempts that began before it.
-- Grain: one row per funnel and move into one of its excluded states.
-- kind: view
with moves as (from funnel_moves),

exclusions as (from funnel_exclusions)

select
    x.funnel_no,
    m.process_id,
    m.place,
    m.entered_at
from moves as m
inner join exclusions as x on x.procedure = m.procedure and x.state = m.state
