-- How far each process got in each funnel of its procedure, in each mode.
-- Grain: one row per funnel, mode, process and step reached.
with paths as (from funnel_paths),

funnels as (from funnels),

mode_steps as (from funnel_mode_steps),

begun as (from process_outcomes)

select
    f.funnel,
    f.procedure,
    p.mode,
    p.process_id,
    r.team_id,
    p.step_no,
    s.step,
    p.reached_at,
    seconds_between(p.entered_at, p.reached_at) as seconds_from_first,
    seconds_between(p.previous_reached_at, p.reached_at) as seconds_from_previous,
    case when p.is_last then p.stop_reason end as stop_reason,
    r.is_observed_from_start
from paths as p
inner join funnels as f on f.funnel_no = p.funnel_no
inner join mode_steps as s
    on s.mode = p.mode and s.funnel_no = p.funnel_no and s.step_no = p.step_no
inner join begun as r on r.process_id = p.process_id
