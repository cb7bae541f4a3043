-- The steps that processes reached in each funnel and mode, and why they got no further by the
-- build's as_of.
-- Grain: one row per funnel, mode, process and step reached. `stop_reason` is that of the process.
-- kind: view
with paths as (from history_funnel_paths),

build as (from build)

select
    p.mode,
    p.funnel_no,
    p.process_id,
    p.step_no,
    p.entry_place,
    p.entered_at,
    p.reached_at,
    p.previous_reached_at,
    p.is_last,
    p.out_of_time_at,
    if(
        p.stop_reason = 'open' and coalesce(p.out_of_time_at <= b.as_of, false),
        'out_of_time',
        p.stop_reason
    ) as stop_reason
from paths as p
cross join build as b
