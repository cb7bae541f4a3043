-- Where a process may reach a step of a funnel, conditions on values met.
-- Grain: one row per funnel, step and visit or outcome. Steps with conditions are added to this.
with candidates as (from funnel_candidates),

step_list as (from funnel_step_list)

select c.*
from candidates as c
inner join step_list as s on s.funnel_no = c.funnel_no and s.step_no = c.step_no
where not s.has_where
