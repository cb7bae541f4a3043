-- Working time of each process until the instants at which its stays begin and end, in the
-- calendars that applied.
-- Grain: one row per process and instant, of processes whose calendar has not been `always`
-- throughout. The difference of two instants of a process is the working time between them.
with versions as (from versions),

spells as (from status_spells),

processes as (from processes),

calendars as (from process_calendars),

slots as (from working_slots),

-- Stays in a state and with an assignee begin and end with versions, those in a status may be
-- dated by the record.
instants as (
    select process_id, if(version_no = 1, started_at, updated_at) as worked_until
    from versions
    where
        version_no = 1
        or is_new_state
        or is_deleted <> previous_is_deleted
        or assigned_to is distinct from previous_assigned_to
    union
    select process_id, started_at from spells
    union
    select process_id, ended_at from spells
    union
    select process_id, first_assigned_at from processes
),

with_working_time as (select distinct process_id from calendars where calendar <> 'always'),

find_calendars as (
    select i.process_id, i.worked_until, c.calendar, c.offset_ms
    from instants as i
    semi join with_working_time as w on w.process_id = i.process_id
    inner join calendars as c
        on c.process_id = i.process_id
        and i.worked_until >= c.started_at
        and (c.ended_at is null or i.worked_until < c.ended_at)
)

select
    f.process_id,
    f.worked_until,
    (
        f.offset_ms + worked_ms(f.worked_until, s.starts_at, s.ends_at, s.worked_ms_before)
    )::bigint as worked_ms
from find_calendars as f
asof left join slots as s on s.calendar = f.calendar and s.starts_at <= f.worked_until
