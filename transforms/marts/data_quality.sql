-- How often each rule is broken, and what follows from it.
-- Grain: one row per rule and procedure (null where a rejected line names no known procedure); only
-- rules that were broken. For `reject` the versions are quarantined lines.
with violations as (from violations),

quarantine as (from quarantine),

rules as (from rules),

rule_levels as (from rule_levels),

files as (from raw_files),

broken as (
    select rule, procedure, process_id, updated_at as seen_at, 1 as n_lines from violations
    union all
    select unnest(rules) as rule, procedure, process_id, quarantined_at, n_lines from quarantine
),

totals as (select sum(lines + added - blank) as n_lines from files)

select
    b.rule,
    b.procedure,
    any_value(coalesce(l.level, r.severity)) as severity,
    any_value(r.sentence) as sentence,
    sum(b.n_lines)::bigint as n_versions,
    count(distinct b.process_id) as n_processes,
    sum(b.n_lines) / nullif(any_value(t.n_lines), 0) as share_of_lines,
    min(b.seen_at) as first_seen_at,
    max(b.seen_at) as last_seen_at
from broken as b
left join rule_levels as l on l.rule = b.rule and l.procedure = b.procedure
left join rules as r on r.rule = b.rule and (r.procedure is null or r.procedure = b.procedure)
cross join totals as t
group by b.rule, b.procedure
order by n_versions desc, b.rule, b.procedure
