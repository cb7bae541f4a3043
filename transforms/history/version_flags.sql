-- Rules between the versions of a process: what should not change, and what earlier versions show.
-- Grain: one row per version and rule it breaks. Values of personal fields are masked.
with raw_versions as (from raw_versions),

states as (from states),

procedures as (from procedures),

ordered as (
    select
        v.process_id,
        s.procedure,
        v.updated_at,
        v.ingest_seq,
        v.status,
        s.state,
        p.start_state,
        v.created_at,
        v.created_by,
        v.team_id,
        v.record_id,
        v.assigned_to,
        v.first_assigned_to,
        v.first_assigned_at,
        v.next_action_at,
        row_number() over process_order as version_no,
        lag(v.updated_at) over process_order as previous_updated_at,
        lag(v.created_at) over process_order as previous_created_at,
        lag(v.created_by) over process_order as previous_created_by,
        lag(v.team_id) over process_order as previous_team_id,
        lag(v.record_id) over process_order as previous_record_id,
        lag(v.first_assigned_to) over process_order as previous_first_assigned_to,
        lag(v.first_assigned_at) over process_order as previous_first_assigned_at,
        lag(v.next_action_at) over process_order as previous_next_action_at,
        count(v.assigned_to) over process_order as n_assigned,
        v.assigned_to is not null
        and (v.first_assigned_to is null or v.first_assigned_at is null) as lacks_first
    from raw_versions as v
    inner join states as s using (procedure_id, state_id)
    inner join procedures as p on p.procedure_id = v.procedure_id
    window process_order as (
        partition by v.process_id order by v.updated_at, v.ingest_seq
        rows between unbounded preceding and current row
    )
),

-- A process that is first seen after its creation may have had any past.
dated as (
    select
        *,
        version_no > 1 or updated_at <= created_at as is_past_seen,
        n_assigned = 1 and assigned_to is not null as is_first_assignment,
        lag(lacks_first, 1, false) over (
            partition by process_id order by version_no
        ) as lacked_first
    from ordered
),

broken as (
    select
        *,
        list_filter(
            [
                {
                    'rule': 'core:created_at:constant',
                    'column_name': 'createdAt',
                    'value': created_at::varchar,
                    'is_broken': created_at <> previous_created_at
                },
                {
                    'rule': 'core:created_by:constant',
                    'column_name': 'createdBy',
                    'value': personal_mask(),
                    'is_broken': created_by is distinct from previous_created_by
                        and previous_created_by is not null
                },
                {
                    'rule': 'core:team_id:constant',
                    'column_name': 'team',
                    'value': team_id::varchar,
                    'is_broken': team_id <> previous_team_id
                },
                {
                    'rule': 'core:record_id:constant',
                    'column_name': 'record',
                    'value': record_id::varchar,
                    'is_broken': record_id is distinct from previous_record_id
                        and previous_record_id is not null
                },
                {
                    'rule': 'core:first_assigned_to:constant',
                    'column_name': 'firstAssignedTo',
                    'value': personal_mask(),
                    'is_broken': first_assigned_to is distinct from previous_first_assigned_to
                        and previous_first_assigned_to is not null
                },
                {
                    'rule': 'core:first_assigned_at:constant',
                    'column_name': 'firstAssignedAt',
                    'value': first_assigned_at::varchar,
                    'is_broken': first_assigned_at is distinct from previous_first_assigned_at
                        and previous_first_assigned_at is not null
                },
                {
                    'rule': 'core:first_assigned_at:missing',
                    'column_name': 'firstAssignedAt',
                    'value': null,
                    'is_broken': lacks_first and not lacked_first
                },
                {
                    'rule': 'core:first_assigned_to:observed',
                    'column_name': 'firstAssignedTo',
                    'value': personal_mask(),
                    'is_broken': is_first_assignment
                        and is_past_seen
                        and first_assigned_to <> assigned_to
                },
                {
                    'rule': 'core:first_assigned_at:observed',
                    'column_name': 'firstAssignedAt',
                    'value': first_assigned_at::varchar,
                    'is_broken': is_first_assignment
                        and is_past_seen
                        and (
                            first_assigned_at > updated_at
                            or first_assigned_at < previous_updated_at
                        )
                },
                {
                    'rule': 'core:next_action_at:past',
                    'column_name': 'nextActionAt',
                    'value': next_action_at::varchar,
                    'is_broken': status = 'OPEN'
                        and is_past_seen
                        and next_action_at is distinct from previous_next_action_at
                        and next_action_at < updated_at
                },
                {
                    'rule': 'core:state_key:start',
                    'column_name': 'state',
                    'value': state,
                    'is_broken': version_no = 1 and is_past_seen and state <> start_state
                }
            ],
            lambda r: r.is_broken
        ) as found
    from dated
),

found as (
    select process_id, procedure, unnest(found) as flag, updated_at, ingest_seq
    from broken
    where len(found) > 0
)

select
    process_id,
    procedure,
    flag.rule,
    flag.column_name,
    flag.value,
    updated_at,
    ingest_seq
from found
