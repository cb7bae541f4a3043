-- Calls about processes, each in its latest version.
-- Grain: one row per call. `process_id` is `no_process()` where a call names none. `called_at` is
-- when it was dialled or rang, `connected_at` when it was answered; neither is later than the
-- version that shows it was recorded.
with latest_activities as (from raw_activities where dimension = 'calls'),

-- In the order of the keys below, from 1.
read_values as (
    select
        *,
        activity_values(data, [
            '/user', '/type', '/callStatus', '/from', '/to', '/provider', '/callStart',
            '/callEnd', '/callDuration', '/connectionStart', '/connectionEnd',
            '/connectionDuration', '/disposedAt', '/forRecord', '/forTask', '/createdAt',
            '/isDeleted'
        ]) as v
    from latest_activities
),

convert_values as (
    select
        process_id,
        id as call_id,
        activity_uuid(v[1]) as user_id,
        activity_word(v[2]) as direction,
        activity_word(v[3]) as status,
        to_text(v[4]) as from_number,
        to_text(v[5]) as to_number,
        to_text(v[6]) as provider,
        activity_instant(v[7]) as call_start_at,
        activity_instant(v[8]) as call_end_at,
        to_double(v[9]) as call_seconds,
        activity_instant(v[10]) as connection_start_at,
        activity_instant(v[11]) as connection_end_at,
        to_double(v[12]) as connection_seconds,
        activity_instant(v[13]) as disposed_at,
        activity_uuid(v[14]) as record_id,
        activity_uuid(v[15]) as task_id,
        activity_instant(v[16]) as created_at,
        updated_at,
        coalesce(to_boolean(v[17]), false) as is_deleted,
        ingest_seq
    from read_values
),

find_connections as (
    select
        *,
        connection_start_at is not null
        or coalesce(connection_seconds, 0) > 0
        or status = 'ANSWERED' as is_connected
    from convert_values
)

select
    process_id,
    call_id,
    user_id,
    direction,
    status,
    from_number,
    to_number,
    provider,
    call_start_at,
    call_end_at,
    call_seconds,
    connection_start_at,
    connection_end_at,
    disposed_at,
    record_id,
    task_id,
    created_at,
    updated_at,
    is_deleted,
    ingest_seq,
    is_connected,
    -- `least` passes over nulls: when a call without an instant was made is not known.
    case
        when coalesce(call_start_at, connection_start_at) is not null
            then least(coalesce(call_start_at, connection_start_at), updated_at)
    end as called_at,
    case
        when is_connected and coalesce(call_start_at, connection_start_at) is not null
            then least(coalesce(connection_start_at, call_start_at), updated_at)
    end as connected_at,
    -- Of the two ways to tell, the one that is exact.
    coalesce(
        epoch_ms(connection_end_at) - epoch_ms(connection_start_at),
        round(connection_seconds * 1000)::bigint
    ) as talk_ms
from find_connections
