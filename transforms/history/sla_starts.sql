-- The events that may start a clock of an SLA policy, with its target, where the policy applies.
-- Grain: one row per policy, process and event that starts a clock unless one is running (`role` is
-- `start`), or only when it stops one (`renewal`). The target is in `target_ms` or in working days
-- (`target_days`).
-- kind: view
with moments as (from sla_moments),

policies as (from clocks)

select
    m.policy_no,
    m.process_id,
    m.role,
    m.event,
    m.happened_at,
    m.passed_at,
    m.version_no,
    m.place,
    p.target_ms,
    p.target_days
from moments as m
inner join policies as p on p.policy_no = m.policy_no
where m.role in ('start', 'renewal') and not p.has_terms
