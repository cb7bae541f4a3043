-- Rules that accepted versions break: those found at ingest, and those that only the history of a
-- process shows.
-- Grain: one row per version, rule and column. Values of personal attributes are masked.
with found as (from raw_violations),

visits as (from history_state_visits),

procedure_changes as (from history_procedure_changes),

processes as (from history_processes),

tasks as (from history_tasks),

calls as (from history_calls),

hierarchy as (from hierarchy),

primary_keys as (from primary_keys),

derived_comparisons as (from derived_comparisons),

record_failures as (from record_failures),

version_flags as (from history_version_flags),

rule_levels as (from rule_levels),

users as (from users),

pods as (from pods),

records as (from records),

procedures as (from procedures),

files as (from raw_files),

build as (from build),

find_moves as (
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

find_procedure_changes as (
    select
        process_id,
        to_procedure as procedure,
        'core:procedure:changed' as rule,
        'procedure' as column_name,
        from_procedure || ' > ' || to_procedure as value,
        changed_at as updated_at,
        changed_ingest_seq as ingest_seq
    from procedure_changes
),

count_keys as (
    select
        k.*,
        count(*) over (partition by k.procedure, p.team_id, k.key) as n_with_key
    from primary_keys as k
    inner join processes as p using (process_id)
    where k.key is not null
),

find_repeated_keys as (
    select
        p.process_id,
        p.procedure,
        'core:primary_key:unique' as rule,
        k.attribute as column_name,
        if(k.is_personal, personal_mask(), k.key) as value,
        p.updated_at,
        p.latest_ingest_seq as ingest_seq
    from count_keys as k
    inner join processes as p using (process_id)
    where k.n_with_key > 1
),

find_bad_parents as (
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

-- What does not fit the parent that is known.
compare_with_parents as (
    select
        c.process_id,
        c.procedure,
        c.updated_at,
        c.latest_ingest_seq as ingest_seq,
        unnest([
            {
                'rule': 'core:parent_procedure:same',
                'column_name': 'parentProcedure',
                'value': c.parent_procedure::varchar,
                'is_broken': c.parent_procedure <> d.procedure_id
            },
            {
                'rule': 'core:created_at:parent',
                'column_name': 'createdAt',
                'value': c.created_at::varchar,
                'is_broken': c.created_at < p.created_at
            },
            {
                'rule': 'core:team_id:parent',
                'column_name': 'team',
                'value': c.team_id::varchar,
                'is_broken': c.team_id <> p.team_id
            }
        ]) as flag
    from processes as c
    inner join processes as p on p.process_id = c.parent_process_id
    inner join procedures as d on d.procedure = p.procedure
),

-- Ids that the file of their dimension lacks; a dimension without a file is not compared.
compare_with_dimensions as (
    select
        process_id,
        procedure,
        updated_at,
        latest_ingest_seq as ingest_seq,
        unnest([
            {
                'rule': 'core:assigned_to:known',
                'column_name': 'assignedTo',
                'value': personal_mask(),
                'is_broken': assigned_to not in (select user_id from users)
                    and exists (from users)
            },
            {
                'rule': 'core:pod_id:known',
                'column_name': 'belongsTo',
                'value': pod_id::varchar,
                'is_broken': pod_id not in (select pod_id from pods) and exists (from pods)
            },
            {
                'rule': 'core:record_id:known',
                'column_name': 'record',
                'value': record_id::varchar,
                'is_broken': record_id not in (select record_id from records)
                    and exists (from records)
            }
        ]) as flag
    from processes
    where outcome <> 'deleted'
),

-- A source that never has first assignees lacks none in particular.
find_procedures_with_first as (
    select distinct procedure
    from processes
    where first_assigned_to is not null or first_assignment_source = 'record'
),

find_version_flags as (
    select f.*
    from version_flags as f
    left join find_procedures_with_first as a using (procedure)
    where f.rule <> 'core:first_assigned_at:missing' or a.procedure is not null
),

find_comparisons as (
    select
        process_id,
        procedure,
        flag.rule,
        flag.column_name,
        flag.value,
        updated_at,
        ingest_seq
    from (
        from compare_with_parents
        union all
        from compare_with_dimensions
    )
    where flag.is_broken
),

find_derivations as (
    select
        p.process_id,
        p.procedure,
        if(d.is_failed, 'computed', 'differs') as rule_name,
        if(d.is_failed, 'null', 'flag') as severity,
        d.attribute,
        case
            when d.is_failed then null
            when d.is_personal then personal_mask()
            else d.supplied || ' <> ' || d.computed
        end as value,
        p.updated_at,
        p.latest_ingest_seq as ingest_seq
    from derived_comparisons as d
    inner join processes as p using (process_id)
    where d.is_failed or d.differs
),

find_record_failures as (
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

-- Tasks and calls about a process that is not known.
find_orphans as (
    select
        a.process_id,
        null as procedure,
        a.rule,
        a.column_name,
        a.process_id::varchar as value,
        a.updated_at,
        a.ingest_seq
    from (
        select
            process_id,
            'task:process_id:known' as rule,
            'process' as column_name,
            updated_at,
            ingest_seq
        from tasks
        union all
        select process_id, 'call:process_id:known', 'forProcess', updated_at, ingest_seq
        from calls
    ) as a
    anti join processes as p on p.process_id = a.process_id
    where a.process_id <> no_process()
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
    from find_derivations
    union all
    select process_id, procedure, rule, 'flag', column_name, value, updated_at, ingest_seq
    from (
        from find_moves
        union all
        from find_procedure_changes
        union all
        from find_record_failures
        union all
        from find_repeated_keys
        union all
        from find_bad_parents
        union all
        from find_comparisons
        union all
        from find_version_flags
        union all
        from find_orphans
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
where not exists (
    from rule_levels as l
    where l.rule = a.rule and l.procedure = a.procedure and l.level = 'off'
)
