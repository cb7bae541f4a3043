-- When processes entered each funnel.
-- Grain: one row per funnel, mode and process that entered.
with paths as (from funnel_paths)

select
    mode,
    funnel_no,
    process_id,
    entered_at as happened_at,
    entry_place // 2 as version_no
from paths
where step_no = 1
