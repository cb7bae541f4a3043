-- The macros `forecast`, when what is open will be closed, and `forecast_held`, how often such
-- forecasts would have held. Both draw days of the past: a future Monday closes as many as a Monday
-- that is drawn.
-- kind: published

create macro forecast_chances() as cast([0.5, 0.85, 0.95] as double[]);

create macro forecast_trials() as 1000;

-- Later days than these are not forecast.
create macro forecast_days() as 1095;

-- The number of days, or 1 where it is refused: the check comes last, after all has been drawn.
create macro days_to_draw(ahead_days) as
    case when ahead_days between 1 and forecast_days() then ahead_days else 1 end;

-- A number from 0 to `n` - 1 that follows from the texts alone, on any machine: a draw.
create macro drawn(seed_text, trial, day_no, n) as
    cast(md5_number_lower(concat_ws(':', seed_text, trial, day_no)) % n as bigint);

-- True, or an error that says what was found and what is allowed.
create macro is_valid_forecast(macro_name, asked, history_days, seed_number, ahead_days) as
    case
        when not is_valid_choice(macro_name, asked, null, null, null)
            then false
        when coalesce(history_days < 7, true)
            then error(
                macro_name || ': found days ' || coalesce(cast(history_days as varchar), 'null')
                || '; allowed: 7 or more, so that each day of the week is among them'
            )
        when seed_number is null
            then error(macro_name || ': found seed null; allowed: a number')
        when coalesce(ahead_days < 1 or ahead_days > forecast_days(), true)
            then error(
                macro_name || ': found ' || coalesce(cast(ahead_days as varchar), 'null')
                || ' days ahead; allowed: from 1 to ' || forecast_days()
            )
        else true
    end;

-- What was closed on each whole day, one entry per procedure and day.
create macro closed_day_list(asked) as (
    select
        list({
            'procedure': d.procedure,
            'closed_day': d.day,
            'weekday': isodow(d.day),
            'closed': d.completed + d.cancelled
        })
    from flow_daily as d
    cross join build as b
    where (asked is null or d.procedure = asked) and d.day < local_day(b.as_of, b.time_zone)
);

create macro forecast(
    procedure := null,
    days := 90,
    seed := 1,
    ahead := 30
) as table
with today as (select local_day(b.as_of, b.time_zone) as day_0 from build as b),

history as (
    select
        h.found.procedure as procedure,
        h.found.closed_day as closed_day,
        h.found.weekday as weekday,
        h.found.closed as closed
    from (select unnest(closed_day_list(procedure)) as found) as h
    cross join today as t
    where date_diff('day', h.found.closed_day, t.day_0) <= days
),

-- The days of each weekday, as a list to draw from.
pools as (
    select
        h.procedure,
        h.weekday,
        list(h.closed order by h.closed_day) as closed
    from history as h
    group by h.procedure, h.weekday
),

open_now as (
    select
        s.procedure,
        count(p.process_id) as processes
    from (
        select distinct s.procedure
        from states as s
        where procedure is null or s.procedure = procedure
    ) as s
    left join processes as p on p.procedure = s.procedure and p.outcome = 'open'
    group by s.procedure
),

rates as (
    select
        o.procedure,
        o.processes,
        count(h.closed) as n_days,
        min(h.closed_day) as first_day,
        coalesce(avg(h.closed), 0) as per_day
    from open_now as o
    left join history as h on h.procedure = o.procedure
    group by o.procedure, o.processes
),

-- As many days as the slowest trial may need, from tomorrow on: what is left of the day of the
-- as_of does not count.
future as (
    select
        r.procedure,
        r.processes,
        unnest(range(1, greatest(
            days_to_draw(ahead),
            case
                when r.n_days < 7 or r.per_day = 0 then 1
                else least(
                    forecast_days(), 30 + cast(ceil(4 * r.processes / r.per_day) as bigint)
                )
            end
        ) + 1)) as day_no
    from rates as r
    where r.n_days >= 7
),

trials as (
    select
        f.procedure,
        f.processes,
        k.trial,
        f.day_no,
        p.closed[
            1 + drawn(concat_ws(':', seed, f.procedure), k.trial, f.day_no, len(p.closed))
        ] as closed
    from future as f
    cross join today as t
    inner join pools as p
        on p.procedure = f.procedure
        and p.weekday = isodow(t.day_0 + cast(f.day_no as integer))
    cross join (select unnest(range(1, forecast_trials() + 1)) as trial) as k
),

summed as (
    select
        t.*,
        sum(t.closed) over (
            partition by t.procedure, t.trial order by t.day_no
            rows between unbounded preceding and current row
        ) as closed_so_far
    from trials as t
),

ends as (
    select
        s.procedure,
        s.trial,
        min(s.day_no) filter (s.closed_so_far >= s.processes) as done_no,
        max(s.closed_so_far) filter (s.day_no = ahead) as closed_by_then
    from summed as s
    group by s.procedure, s.trial
),

-- The trials in order of when all is done, and in order of how much is done by then.
ordered as (
    select
        e.procedure,
        list(e.done_no order by e.done_no nulls last, e.trial) as done_nos,
        list(e.closed_by_then order by e.closed_by_then desc, e.trial) as closed_counts
    from ends as e
    group by e.procedure
),

chances as (select unnest(forecast_chances()) as chance),

forecasts as (
    select
        r.procedure,
        c.chance,
        r.processes,
        case
            when r.processes = 0 then 0
            else o.done_nos[cast(ceil(c.chance * forecast_trials()) as bigint)]
        end as done_no,
        o.closed_counts[cast(ceil(c.chance * forecast_trials()) as bigint)] as closed_by_then,
        r.first_day,
        r.n_days,
        case when r.n_days > 0 then r.per_day end as per_day,
        t.day_0
    from rates as r
    cross join chances as c
    cross join today as t
    left join ordered as o on o.procedure = r.procedure
),

packed as (select list(f) as found from forecasts as f),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when is_valid_forecast('forecast', procedure, days, seed, ahead) then p.found
            end
        ) as f
    from packed as p
)

select
    v.f.procedure as procedure,
    v.f.chance as chance,
    v.f.processes as open_processes,
    cast(v.f.day_0 + cast(v.f.done_no as integer) as date) as done_on,
    cast(v.f.done_no as bigint) as n_days_needed,
    cast(v.f.day_0 + cast(days_to_draw(ahead) as integer) as date) as by_day,
    cast(v.f.closed_by_then as bigint) as closed_by_day,
    v.f.first_day as history_from,
    v.f.n_days as n_days_of_history,
    v.f.per_day as closed_per_day
from valid as v
order by v.f.procedure, v.f.chance;

create macro forecast_held(
    procedure := null,
    days := 90,
    seed := 1,
    ahead := 30
) as table
with history as materialized (
    select
        h.found.procedure as procedure,
        h.found.closed_day as closed_day,
        h.found.weekday as weekday,
        h.found.closed as closed,
        min(h.found.closed_day) over (partition by h.found.procedure) as first_day,
        max(h.found.closed_day) over (partition by h.found.procedure) as last_day
    from (select unnest(closed_day_list(procedure)) as found) as h
),

-- A forecast each 7 days, of which the last has just come to its end: at the beginning of a day,
-- from the whole days before it, for `ahead` days from then on. At most 52.
cuts as (
    select
        h.procedure,
        cast(h.last_day - cast(days_to_draw(ahead) - 1 + 7 * w.week_no as integer) as date) as day_0
    from (select distinct s.procedure, s.first_day, s.last_day from history as s) as h
    cross join (select unnest(range(0, 52)) as week_no) as w
    where
        date_diff(
            'day',
            h.first_day,
            cast(h.last_day - cast(days_to_draw(ahead) - 1 + 7 * w.week_no as integer) as date)
        ) >= days
),

pools as (
    select
        c.procedure,
        c.day_0,
        h.weekday,
        list(h.closed order by h.closed_day) as closed
    from cuts as c
    inner join history as h
        on h.procedure = c.procedure
        and h.closed_day < c.day_0
        and date_diff('day', h.closed_day, c.day_0) <= days
    group by c.procedure, c.day_0, h.weekday
),

drawn_sums as (
    select
        p.procedure,
        p.day_0,
        k.trial,
        sum(p.closed[
            1 + drawn(
                concat_ws(':', seed, p.procedure, p.day_0), k.trial, a.day_no, len(p.closed)
            )
        ]) as closed
    from pools as p
    inner join (select unnest(range(1, days_to_draw(ahead) + 1)) as day_no) as a
        on isodow(p.day_0 + cast(a.day_no - 1 as integer)) = p.weekday
    cross join (select unnest(range(1, forecast_trials() + 1)) as trial) as k
    group by p.procedure, p.day_0, k.trial
),

ordered as (
    select d.procedure, d.day_0, list(d.closed order by d.closed desc, d.trial) as closed_counts
    from drawn_sums as d
    group by d.procedure, d.day_0
),

actual as (
    select c.procedure, c.day_0, sum(h.closed) as closed
    from cuts as c
    inner join history as h
        on h.procedure = c.procedure
        and h.closed_day >= c.day_0
        and date_diff('day', c.day_0, h.closed_day) < ahead
    group by c.procedure, c.day_0
),

judged as (
    select
        o.procedure,
        c.chance,
        a.closed >= o.closed_counts[cast(ceil(c.chance * forecast_trials()) as bigint)] as has_held
    from ordered as o
    inner join actual as a on a.procedure = o.procedure and a.day_0 = o.day_0
    cross join (select unnest(forecast_chances()) as chance) as c
),

counted as (
    select
        j.procedure,
        j.chance,
        count(*) as n_forecasts,
        count(*) filter (j.has_held) as n_held
    from judged as j
    group by j.procedure, j.chance
),

packed as (select list(c) as found from counted as c),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when is_valid_forecast('forecast_held', procedure, days, seed, ahead) then p.found
            end
        ) as f
    from packed as p
)

select
    v.f.procedure as procedure,
    v.f.chance as chance,
    v.f.n_forecasts as n_forecasts,
    v.f.n_held as n_held,
    share_of(v.f.n_held, v.f.n_forecasts) as share_held,
    is_small_sample(v.f.n_forecasts) as is_small
from valid as v
order by v.f.procedure, v.f.chance;
