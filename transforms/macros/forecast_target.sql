-- The macro `forecast_target`: whether indicators will be on target by a day.
-- Grain: one row per procedure and indicator with a target.
-- kind: published

create macro known_indicators(asked) as (
    select string_agg(distinct i.indicator, ', ' order by i.indicator)
    from indicators as i
    where asked is null or i.procedure = asked
);

create macro is_known_indicator(asked, indicator_name) as (
    select count(*) > 0
    from indicators as i
    where (asked is null or i.procedure = asked) and i.indicator = indicator_name
);

-- Whether a target that is asked for makes sense; the texts of both are null without one.
create macro is_valid_target(asked, indicator_name, target_text, better_text) as
    case
        when indicator_name is not null and not is_known_indicator(asked, indicator_name)
            then error(
                'forecast_target: found indicator := ' || indicator_name || '; allowed: '
                || coalesce(known_indicators(asked), 'none, as no whole day was observed')
            )
        when target_text is null and better_text is null
            then true
        when indicator_name is null or target_text is null or better_text is null
            then error(
                'forecast_target: found indicator := ' || coalesce(indicator_name, 'null')
                || ', target := ' || coalesce(target_text, 'null')
                || ', better := ' || coalesce(better_text, 'null')
                || '; allowed: all three, or no target and no better'
            )
        when better_text not in ('higher', 'lower')
            then error(
                'forecast_target: found better := ' || better_text || '; allowed: higher or lower'
            )
        else true
    end;

-- True, or an error that says what was found and what is allowed; `today` is the day of the as_of.
create macro is_valid_target_day(today, by_date, from_date) as
    case
        when coalesce(by_date < today or date_diff('day', today, by_date) >= forecast_days(), true)
            then error(
                'forecast_target: found by_date ' || coalesce(cast(by_date as varchar), 'null')
                || '; allowed: from ' || today || ' to '
                || cast(today + cast(forecast_days() - 1 as integer) as date)
            )
        when from_date > by_date
            then error(
                'forecast_target: found from_date ' || from_date || ' after by_date ' || by_date
                || '; allowed: a day on or before it'
            )
        else true
    end;

create macro forecast_target(
    by_date,
    procedure := null,
    indicator := null,
    target := null,
    better := null,
    from_date := null,
    days := 90,
    seed := 1
) as table
with period as (
    select
        cast(by_date as date) as last_day,
        coalesce(
            cast(from_date as date), cast(cast(by_date as date) - cast(6 as integer) as date)
        ) as first_day
),

-- What a future day can be like: the value of a past one, or for what carries over from day to
-- day the difference that it made.
observed as (
    select
        i.procedure as procedure,
        i.indicator as indicator,
        i.unit as unit,
        i.day as day,
        i.value as value,
        i.average_7 as average_7,
        i.target as target,
        i.better as better,
        case
            when i.indicator = 'open'
                then i.value - lag(i.value) over (
                    partition by i.procedure, i.indicator order by i.day
                )
            else i.value
        end as part,
        row_number() over (partition by i.procedure, i.indicator order by i.day) as day_no,
        max(i.day) over (partition by i.procedure, i.indicator) as last_whole_day
    from indicators as i
    where
        (procedure is null or i.procedure = procedure)
        and (indicator is null or i.indicator = indicator)
),

history as (
    select o.*, isodow(o.day) as weekday
    from observed as o
    where
        date_diff('day', o.day, o.last_whole_day) < days
        and (o.indicator <> 'open' or o.day_no > 1)
),

pools as (
    select h.procedure, h.indicator, h.weekday, list(h.part order by h.day) as parts
    from history as h
    group by h.procedure, h.indicator, h.weekday
),

drawn_from as (
    select h.procedure, h.indicator, count(*) as n_days, min(h.day) as first_day
    from history as h
    group by h.procedure, h.indicator
),

-- One row per target: what is known of the days from `first_day` to `last_day`, and the numbers of
-- the first and the last of them that are not over. Day 1 follows the last whole day.
targets as (
    select
        o.procedure,
        o.indicator,
        any_value(o.unit) as unit,
        coalesce(cast(target as double), any_value(o.target)) as target,
        coalesce(better, any_value(o.better)) as better,
        any_value(o.last_whole_day) as last_whole_day,
        arg_max(o.average_7, o.day) as average_7,
        arg_max(o.value, o.day) as latest,
        any_value(p.first_day) as first_day,
        any_value(p.last_day) as last_day,
        coalesce(sum(o.value) filter (o.day between p.first_day and p.last_day), 0) as known_sum,
        count(o.value) filter (o.day between p.first_day and p.last_day) as n_known,
        greatest(
            date_diff('day', any_value(o.last_whole_day), any_value(p.first_day)), 1
        ) as first_no,
        date_diff('day', any_value(o.last_whole_day), any_value(p.last_day)) as last_no
    from observed as o
    cross join period as p
    group by o.procedure, o.indicator
    having
        coalesce(cast(target as double), any_value(o.target)) is not null
        and coalesce(better, any_value(o.better)) is not null
),

-- A change today is in all days of the period from then on. No day that is drawn is later than an
-- allowed one can be: the check comes last.
future as (
    select
        t.procedure,
        t.indicator,
        t.last_whole_day,
        t.first_no,
        t.last_no,
        unnest(range(
            case when t.indicator = 'open' then cast(1 as bigint) else t.first_no end,
            t.last_no + 1
        )) as day_no
    from targets as t
    where t.last_no < 2 * forecast_days()
),

draws as (
    select
        f.procedure,
        f.indicator,
        k.trial,
        p.parts[
            1 + drawn(concat_ws(':', seed, f.procedure), k.trial, f.day_no, len(p.parts))
        ] as part,
        case
            when f.indicator = 'open' then f.last_no - greatest(f.day_no, f.first_no) + 1
            else 1
        end as n_times
    from future as f
    inner join pools as p
        on p.procedure = f.procedure
        and p.indicator = f.indicator
        and p.weekday = isodow(f.last_whole_day + cast(f.day_no as integer))
    cross join (select unnest(range(1, forecast_trials() + 1)) as trial) as k
),

drawn_sums as (
    select
        d.procedure,
        d.indicator,
        d.trial,
        sum(d.part * d.n_times) as part_sum,
        count(d.part) as n_parts
    from draws as d
    group by d.procedure, d.indicator, d.trial
),

-- The mean over the days of the period that have a value. Rounded, so that the order of a sum of
-- fractions decides nothing, and so are targets.
trials as (
    select
        t.procedure,
        t.indicator,
        round(
            case
                when t.indicator = 'open'
                    then
                        (
                            t.known_sum
                            + t.latest * greatest(t.last_no - t.first_no + 1, 0)
                            + coalesce(s.part_sum, 0)
                        )
                        / (t.n_known + greatest(t.last_no - t.first_no + 1, 0))
                else
                    (t.known_sum + coalesce(s.part_sum, 0))
                    / nullif(t.n_known + coalesce(s.n_parts, 0), 0)
            end,
            9
        ) as figure
    from targets as t
    inner join drawn_from as n
        on n.procedure = t.procedure and n.indicator = t.indicator and n.n_days >= 7
    cross join (select unnest(range(1, forecast_trials() + 1)) as trial) as k
    left join drawn_sums as s
        on s.procedure = t.procedure and s.indicator = t.indicator and s.trial = k.trial
),

ordered as (
    select
        r.procedure,
        r.indicator,
        list(r.figure order by r.figure) filter (r.figure is not null) as figures,
        count(*) filter (
            case t.better
                when 'higher' then r.figure >= round(t.target, 9)
                else r.figure <= round(t.target, 9)
            end
        ) as n_on_target
    from trials as r
    inner join targets as t on t.procedure = r.procedure and t.indicator = r.indicator
    group by r.procedure, r.indicator
),

forecasts as (
    select t.*, o.figures, o.n_on_target, n.first_day as history_from, n.n_days
    from targets as t
    left join ordered as o on o.procedure = t.procedure and o.indicator = t.indicator
    left join drawn_from as n on n.procedure = t.procedure and n.indicator = t.indicator
),

packed as (select list(f) as found from forecasts as f),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when
                    is_valid_forecast('forecast_target', procedure, days, seed, 1)
                    and is_valid_target_day(
                        local_day(b.as_of, b.time_zone),
                        cast(by_date as date),
                        cast(from_date as date)
                    )
                    and is_valid_target(
                        procedure, indicator, cast(target as varchar), cast(better as varchar)
                    )
                    then p.found
            end
        ) as f
    from packed as p
    cross join build as b
)

select
    v.f.procedure as procedure,
    v.f.indicator as indicator,
    v.f.unit as unit,
    v.f.target as target,
    v.f.better as better,
    v.f.first_day as from_day,
    v.f.last_day as by_day,
    share_of(v.f.n_on_target, len(v.f.figures)) as share_on_target,
    v.f.figures[cast(ceil(0.1 * len(v.f.figures)) as bigint)] as p10_value,
    v.f.figures[cast(ceil(0.5 * len(v.f.figures)) as bigint)] as p50_value,
    v.f.figures[cast(ceil(0.9 * len(v.f.figures)) as bigint)] as p90_value,
    v.f.average_7 as average_7,
    v.f.history_from as history_from,
    v.f.n_days as n_days_of_history
from valid as v
order by v.f.procedure, v.f.indicator;
