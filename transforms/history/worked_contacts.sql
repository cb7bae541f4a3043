-- Working time of each process until its first call, in the calendars that applied.
-- Grain: one row per process with such a call whose calendar has not been `always` throughout.
with contacts as (from process_contacts),

processes as (from processes),

instants as (from worked_instants),

calendars as (from process_calendars),

slots as (from working_slots),

with_working_time as (select distinct process_id from calendars where calendar <> 'always'),

find_calendars as (
    select c.process_id, c.first_call_at, k.calendar, k.offset_ms
    from contacts as c
    semi join with_working_time as w on w.process_id = c.process_id
    inner join calendars as k
        on k.process_id = c.process_id
        and c.first_call_at >= k.started_at
        and (k.ended_at is null or c.first_call_at < k.ended_at)
),

count_worked as (
    select
        f.process_id,
        f.offset_ms + worked_ms(f.first_call_at, s.starts_at, s.ends_at, s.worked_ms_before)
            as worked_ms
    from find_calendars as f
    asof left join slots as s on s.calendar = f.calendar and s.starts_at <= f.first_call_at
)

select c.process_id, (c.worked_ms - i.worked_ms)::bigint as first_call_worked_ms
from count_worked as c
inner join processes as p on p.process_id = c.process_id
inner join instants as i on i.process_id = c.process_id and i.worked_until = p.started_at
