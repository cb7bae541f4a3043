-- The macro `durations`: how long a measure takes, running ones included as censored.
-- Grain: one row per procedure and value with any interval of the measure.
-- kind: published

create macro is_in_working_time(wanted) as starts_with(wanted, 'business_');

create macro base_measure(wanted) as regexp_replace(wanted, '^business_', '');

create macro known_measures(asked) as
    'resolution, first_assignment' || coalesce((
        select
            string_agg(
                distinct ', ' || d.measure || ', business_' || d.measure, ''
                order by ', ' || d.measure || ', business_' || d.measure
            )
        from named_durations as d
        where asked is null or d.procedure = asked
    ), '');

create macro is_known_measure(wanted, asked) as (
    select
        coalesce(wanted in ('resolution', 'first_assignment'), false)
        or count(*) filter (d.measure = base_measure(wanted)) > 0
    from named_durations as d
    where asked is null or d.procedure = asked
);

-- True, or an error that says what was found and what is allowed.
create macro is_valid_duration(wanted, asked, column_name, from_date, to_date) as
    case
        when not is_valid_choice('durations', asked, column_name, from_date, to_date)
            then false
        when not is_known_measure(wanted, asked)
            then error(
                'durations: found measure ' || coalesce(wanted, 'null') || '; allowed: '
                || known_measures(asked)
            )
        else true
    end;

-- One entry per interval: the first of its process, or those that the definition counts.
create macro interval_list(wanted, asked) as (
with intervals as (
    select
        d.procedure,
        d.process_id,
        d.started_at,
        d.is_observed,
        d.ended_by = 'stop' as is_finished,
        d.ended_by is null as is_running,
        case when is_in_working_time(wanted) then d.business_seconds else d.seconds end as seconds
    from process_durations as d
    where d.measure = base_measure(wanted)
    union all
    select
        p.procedure,
        p.process_id,
        o.started_at,
        o.is_observed_from_start,
        case wanted
            when 'resolution' then l.resolution_seconds
            else l.first_assignment_seconds
        end is not null,
        p.outcome = 'open',
        coalesce(
            case wanted
                when 'resolution' then l.resolution_seconds
                else l.first_assignment_seconds
            end,
            seconds_between(
                o.started_at, coalesce(p.completed_at, p.cancelled_at, p.deleted_at, b.as_of)
            )
        )
    from processes as p
    inner join process_lifecycle as l on l.process_id = p.process_id
    inner join process_outcomes as o on o.process_id = p.process_id
    cross join build as b
    where wanted in ('resolution', 'first_assignment')
)

select
    list({
        'procedure': i.procedure,
        'process_id': i.process_id,
        'started_at': i.started_at,
        'is_observed': i.is_observed,
        'is_finished': coalesce(i.is_finished, false),
        'is_running': i.is_running and not coalesce(i.is_finished, false),
        'ms': cast(round(i.seconds * 1000) as bigint)
    })
from intervals as i
where asked is null or i.procedure = asked
);

create macro durations(
    measure,
    procedure := null,
    by := null,
    from_date := null,
    to_date := null,
    filter := null
) as table
with grouped as (
    select g.found.process_id as process_id, g.found.value as value
    from (
        select
            unnest(process_value_list(table_of_values(procedure, "by"), "by")) as found
    ) as g
),

intervals as materialized (
    select
        i.found.procedure as procedure,
        g.value as value,
        i.found.is_observed as is_observed,
        i.found.is_finished as is_finished,
        i.found.is_running as is_running,
        i.found.ms as ms
    from (select unnest(interval_list(measure, procedure)) as found) as i
    cross join build as b
    left join grouped as g on g.process_id = i.found.process_id
    where
        is_day_within(local_day(i.found.started_at, b.time_zone), from_date, to_date)
        and is_wanted(i.found.process_id, procedure, filter)
),

censored as (
    select
        list({
            'procedure': i.procedure,
            'value': i.value,
            'outcome': case when i.is_finished then 'completed' end,
            'from_ms': cast(0 as bigint),
            'ms': i.ms
        }) as observed
    from intervals as i
    where i.is_observed
),

estimates as (
    select unnest(estimate_list((select c.observed from censored as c))) as found
),

reached as (
    select
        e.found.procedure as procedure,
        e.found.value as value,
        min(e.found.ms) filter (e.found.incidence >= 0.25 - 1e-12) as p25_ms,
        min(e.found.ms) filter (e.found.incidence >= 0.5 - 1e-12) as p50_ms,
        min(e.found.ms) filter (e.found.incidence >= 0.75 - 1e-12) as p75_ms,
        min(e.found.ms) filter (e.found.incidence >= 0.9 - 1e-12) as p90_ms,
        min(e.found.ms) filter (e.found.upper_95 >= 0.5 - 1e-12) as p50_low_ms,
        min(e.found.ms) filter (e.found.lower_95 >= 0.5 - 1e-12) as p50_high_ms
    from estimates as e
    where e.found.outcome = 'any'
    group by e.found.procedure, e.found.value
),

counted as (
    select
        i.procedure,
        i.value,
        count(*) filter (i.is_observed and i.is_finished) as n,
        count(*) filter (i.is_observed and i.is_running) as n_running,
        count(*) filter (i.is_observed and not i.is_finished and not i.is_running)
            as n_ended_otherwise,
        count(*) filter (not i.is_observed) as n_left_out,
        quantile_cont(i.ms / 1000, [0.5, 0.75, 0.9]) filter (i.is_observed and i.is_finished)
            as finished
    from intervals as i
    group by i.procedure, i.value
),

packed as (
    select
        list({
            'counts': c,
            'times': r
        }) as found
    from counted as c
    left join reached as r
        on r.procedure = c.procedure and r.value is not distinct from c.value
),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when
                    is_valid_duration(measure, procedure, "by", from_date, to_date)
                    and is_valid_filter('durations', procedure, filter)
                    then p.found
            end
        ) as answer
    from packed as p
)

select
    v.answer.counts.procedure as procedure,
    measure as measure,
    v.answer.counts.value as value,
    v.answer.counts.n as n,
    v.answer.counts.n_running as n_running,
    v.answer.counts.n_ended_otherwise as n_ended_otherwise,
    v.answer.times.p25_ms / 1000 as p25_seconds,
    v.answer.times.p50_ms / 1000 as p50_seconds,
    v.answer.times.p75_ms / 1000 as p75_seconds,
    v.answer.times.p90_ms / 1000 as p90_seconds,
    v.answer.times.p50_low_ms / 1000 as p50_seconds_low,
    v.answer.times.p50_high_ms / 1000 as p50_seconds_high,
    round(v.answer.counts.finished[1], 3) as finished_p50_seconds,
    round(v.answer.counts.finished[2], 3) as finished_p75_seconds,
    round(v.answer.counts.finished[3], 3) as finished_p90_seconds,
    is_small_sample(v.answer.counts.n) as is_small,
    v.answer.counts.n_left_out as n_left_out
from valid as v
order by v.answer.counts.procedure, v.answer.counts.value nulls last;
