-- The macro `processes_at`: every process as it stood at an instant.
-- Grain: one row per process that had begun and was not deleted then.
-- kind: published

-- The instant, or an error that says what was found and what is allowed; `macro_name` says in what.
-- It is what intervals are compared with, so the check runs whatever is read.
create macro known_instant(macro_name, instant) as (
    select
        case
            when instant is null
                then error(
                    macro_name || ': found null; allowed: an instant, such as ''2026-03-31'''
                )
            when cast(instant as timestamp) > b.as_of
                then error(
                    macro_name || ': found ' || instant
                    || '; allowed: up to the as_of of the build, ' || b.as_of
                )
            else cast(instant as timestamp)
        end
    from build as b
);

create macro is_within(instant, began_at, ended_at) as
    began_at <= instant and (ended_at is null or instant < ended_at);

-- `tracked` has the values then of the attributes whose history is kept.
create macro processes_at(instant) as table
with moment as (select known_instant('processes_at', instant) as at_instant),

visits as (
    select v.*, m.at_instant
    from state_visits as v
    inner join moment as m on is_within(m.at_instant, v.entered_at, v.left_at)
),

tracked_values as (
    select
        t.process_id,
        t.procedure,
        map(
            list(t.attribute order by t.attribute), list(t.value order by t.attribute)
        ) as tracked
    from attribute_spells as t
    inner join moment as m on is_within(m.at_instant, t.started_at, t.ended_at)
    group by t.process_id, t.procedure
)

select
    v.process_id,
    p.label,
    v.procedure,
    v.state,
    v.state_name,
    v.state_kind,
    v.entered_at,
    seconds_between(v.entered_at, v.at_instant) as seconds_in_state,
    s.status,
    s.started_at as status_since,
    a.assigned_to,
    a.started_at as assigned_since,
    p.created_at,
    seconds_between(least(p.created_at, p.first_seen_at), v.at_instant) as age_seconds,
    p.state as state_now,
    p.status as status_now,
    p.link,
    coalesce(t.tracked, cast(map([], []) as map(varchar, varchar))) as tracked
from visits as v
inner join processes as p on p.process_id = v.process_id
left join status_spells as s
    on s.process_id = v.process_id and is_within(v.at_instant, s.started_at, s.ended_at)
left join assignments as a
    on a.process_id = v.process_id and is_within(v.at_instant, a.started_at, a.ended_at)
left join tracked_values as t on t.process_id = v.process_id and t.procedure = v.procedure;
