-- Rules that accepted versions break: what was found while reading them, and what shows only when
-- the history is put together.
-- Grain: one row per version, rule and column. Values of personal attributes are masked.
with found as (from raw_violations),

visits as (from history_state_visits),

processes as (from history_processes),

hierarchy as (from hierarchy),

primary_keys as (from primary_keys),

derived_comparisons as (from derived_comparisons),

record_failures as (from record_failures),

procedures as (from procedures),

files as (from raw_files),

build as (from build),

moves as (
    select
        process_id,
        procedure,
        'graph:transition:allowed' as rule,
        'state' as column_name,
        previous_state || ' > ' || state as value,
        entered_at as updated_at,
        entered_ingest_seq as ingest_seq
    from visits
    where not is_allowed
),

repeated_keys as (
    select
        *,
        count(*) over (partition by procedure, key) as n_with_key
    from primary_keys
    where key is not null
),

keys as (
    select
        p.process_id,
        p.procedure,
        'core:primary_key:unique' as rule,
        k.attribute as column_name,
        if(k.is_personal, '***', k.key) as value,
        p.updated_at,
        p.latest_ingest_seq as ingest_seq
    from repeated_keys as k
    inner join processes as p using (process_id)
    where k.n_with_key > 1
),

parents as (
    select
        p.process_id,
        p.procedure,
        if(h.is_orphan, 'core:parent_process_id:known', 'core:parent_process_id:acyclic') as rule,
        'parentProcess' as column_name,
        p.parent_process_id::varchar as value,
        p.updated_at,
        p.latest_ingest_seq as ingest_seq
    from processes as p
    inner join hierarchy as h using (process_id)
    where h.is_orphan or h.is_in_cycle
),

derivations as (
    select
        p.process_id,
        p.procedure,
        if(d.is_failed, 'computed', 'differs') as rule_name,
        if(d.is_failed, 'null', 'flag') as severity,
        d.attribute,
        case
            when d.is_failed then null
            when d.is_personal then '***'
            else d.supplied || ' <> ' || d.computed
        end as value,
        p.updated_at,
        p.latest_ingest_seq as ingest_seq
    from derived_comparisons as d
    inner join processes as p using (process_id)
    where d.is_failed or d.differs
),

of_records as (
    select
        p.process_id,
        p.procedure,
        'record:' || r.attribute || ':type' as rule,
        'record.' || r.attribute as column_name,
        r.value,
        p.updated_at,
        p.latest_ingest_seq as ingest_seq
    from record_failures as r
    inner join processes as p using (process_id)
),

all_found as (
    select
        f.process_id,
        p.procedure,
        f.rule,
        f.severity,
        f.column_name,
        f.value,
        f.updated_at,
        f.ingest_seq
    from found as f
    inner join procedures as p using (procedure_id)
    cross join build as b
    where f.updated_at <= b.as_of
    union all
    select
        process_id,
        procedure,
        'derived:' || attribute || ':' || rule_name,
        severity,
        attribute,
        value,
        updated_at,
        ingest_seq
    from derivations
    union all
    select process_id, procedure, rule, 'flag', column_name, value, updated_at, ingest_seq
    from (
        from moves
        union all
        from of_records
        union all
        from keys
        union all
        from parents
    )
)

select
    a.process_id,
    a.procedure,
    a.rule,
    a.severity,
    a.column_name,
    a.value,
    a.updated_at,
    f.file_name,
    line_of(a.ingest_seq) as line
from all_found as a
inner join files as f on f.file_seq = file_of(a.ingest_seq)
