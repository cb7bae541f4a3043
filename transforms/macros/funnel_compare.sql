-- The macro `funnel_compare`: two groups, or two periods, side by side in one funnel.
-- Grain: one row per procedure and step.
-- kind: published

-- The interval of a difference of two shares, `k / n` less `j / m`, at 95 %: the limits of Wilson
-- of both, put together. Source: Newcombe (1998), method 10. Null where either has none.
create macro difference_low(k, n, j, m) as
    share_of(k, n) - share_of(j, m) - sqrt(
        pow(share_of(k, n) - share_low(k, n), 2) + pow(share_high(j, m) - share_of(j, m), 2)
    );

create macro difference_high(k, n, j, m) as
    share_of(k, n) - share_of(j, m) + sqrt(
        pow(share_high(k, n) - share_of(k, n), 2) + pow(share_of(j, m) - share_low(j, m), 2)
    );

-- True, or an error that says what was found and what is allowed.
create macro is_valid_comparison(column_name, groups, periods) as
    case
        when (groups is null) = (periods is null)
            then error(
                'funnel_compare: found '
                || case when groups is null then 'neither groups nor periods' else 'both' end
                || '; allowed: groups := [''a'', ''b''] with by, or periods := '
                || '[[first day, last day], [first day, last day]]'
            )
        when groups is not null and column_name is null
            then error('funnel_compare: found groups without by; allowed: by := a column')
        when
            groups is not null
            and (
                len(groups) <> 2 or len(list_distinct(cast(groups as varchar[]))) <> 2
            )
            then error(
                'funnel_compare: found groups that are not two different values; allowed: '
                || '[''a'', ''b'']'
            )
        when periods is not null and column_name is not null
            then error('funnel_compare: found by with periods; allowed: mix, or groups with by')
        when
            periods is not null
            and not coalesce(
                len(periods) = 2
                and cast(periods as date[][])[1][1] <= cast(periods as date[][])[1][2]
                and cast(periods as date[][])[2][1] <= cast(periods as date[][])[2][2],
                false
            )
            then error(
                'funnel_compare: found periods other than two that end on or after their '
                || 'first day; allowed: [[first day, last day], [first day, last day]]'
            )
        else true
    end;

-- What is counted once per side: how many entered and reached each step, by value of `mix`.
-- A difference of two shares is the sum over these values of
--   (part of second - part of first) x mean of both rates: from the mix, and
--   (rate of second - rate of first) x mean of both parts: from the rates (Kitagawa 1955),
-- where part is the share of those entered that have the value, and rate the share of them that
-- reached the step. A value that one side lacks has there the rate of the other side.
create macro funnel_compare(
    steps,
    procedure := null,
    within := null,
    mode := 'ordered',
    by := null,
    groups := null,
    periods := null,
    mix := null,
    unit := 'process',
    filter := null
) as table
with paths as materialized (
    select
        unnest(
            funnel_path_list(
                steps, procedure, within, mode, unit, filter,
                table_of_values(procedure, "by"), "by", null, null
            )
        ) as path
),

mixed as (
    select m.found.process_id as process_id, m.found.value as value
    from (
        select unnest(process_value_list(table_of_values(procedure, mix), mix)) as found
    ) as m
),

sides as (select unnest([1, 2]) as side),

sided as (
    select
        s.side,
        p.path.procedure as procedure,
        p.path.step_no as step_no,
        m.value as mix_value
    from paths as p
    cross join build as b
    inner join sides as s
        on p.path.value = cast(groups as varchar[])[s.side]
        or local_day(p.path.entered_at, b.time_zone)
        between cast(periods as date[][])[s.side][1] and cast(periods as date[][])[s.side][2]
    left join mixed as m on m.process_id = p.path.process_id
),

counted as (
    select s.side, s.procedure, s.step_no, s.mix_value, count(*) as processes
    from sided as s
    group by s.side, s.procedure, s.step_no, s.mix_value
),

step_list as (
    select
        s.step.procedure as procedure,
        s.step.step_no as step_no,
        s.step.step as step
    from (select unnest(funnel_step_list(steps, procedure)) as step) as s
),

mix_values as (
    select distinct c.procedure, c.mix_value from counted as c
    union
    select l.procedure, null from step_list as l
),

laid_out as (
    select
        l.procedure,
        l.step_no,
        l.step,
        v.mix_value,
        coalesce(sum(c.processes) filter (c.side = 1 and c.step_no = 1), 0) as entered_first,
        coalesce(sum(c.processes) filter (c.side = 1 and c.step_no = l.step_no), 0)
            as reached_first,
        coalesce(sum(c.processes) filter (c.side = 2 and c.step_no = 1), 0) as entered_second,
        coalesce(sum(c.processes) filter (c.side = 2 and c.step_no = l.step_no), 0)
            as reached_second
    from step_list as l
    inner join mix_values as v on v.procedure = l.procedure
    left join counted as c
        on c.procedure = l.procedure and c.mix_value is not distinct from v.mix_value
    group by l.procedure, l.step_no, l.step, v.mix_value
),

rated as (
    select
        o.*,
        share_of(o.entered_first, sum(o.entered_first) over step_rows) as part_first,
        share_of(o.entered_second, sum(o.entered_second) over step_rows) as part_second,
        coalesce(
            share_of(o.reached_first, o.entered_first), share_of(o.reached_second, o.entered_second)
        ) as rate_first,
        coalesce(
            share_of(o.reached_second, o.entered_second), share_of(o.reached_first, o.entered_first)
        ) as rate_second
    from laid_out as o
    window step_rows as (partition by o.procedure, o.step_no)
),

summed as (
    select
        r.procedure,
        mode as mode,
        r.step_no,
        case mode
            when 'any_order' then any_order_step(r.step_no, len(steps))
            else r.step
        end as step,
        cast(sum(r.entered_first) as bigint) as entered_first,
        cast(sum(r.reached_first) as bigint) as reached_first,
        cast(sum(r.entered_second) as bigint) as entered_second,
        cast(sum(r.reached_second) as bigint) as reached_second,
        sum((r.part_second - r.part_first) * (r.rate_first + r.rate_second) / 2) as from_mix,
        sum((r.rate_second - r.rate_first) * (r.part_first + r.part_second) / 2) as from_rate
    from rated as r
    group by r.procedure, r.step_no, r.step
),

packed as (select list(s) as found from summed as s),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when is_valid_comparison("by", groups, periods)
                and is_valid_funnel(
                    steps, procedure, within, mode, unit, filter, "by", null, null
                )
                and is_valid_choice('funnel', procedure, mix, null, null)
                    then p.found
            end
        ) as step_row
    from packed as p
)

select
    v.step_row.procedure as procedure,
    v.step_row.mode as mode,
    v.step_row.step_no as step_no,
    v.step_row.step as step,
    v.step_row.entered_first as entered_first,
    v.step_row.reached_first as reached_first,
    share_of(v.step_row.reached_first, v.step_row.entered_first) as share_first,
    v.step_row.entered_second as entered_second,
    v.step_row.reached_second as reached_second,
    share_of(v.step_row.reached_second, v.step_row.entered_second) as share_second,
    share_of(v.step_row.reached_second, v.step_row.entered_second)
    - share_of(v.step_row.reached_first, v.step_row.entered_first) as difference,
    difference_low(
        v.step_row.reached_second, v.step_row.entered_second,
        v.step_row.reached_first, v.step_row.entered_first
    ) as difference_low,
    difference_high(
        v.step_row.reached_second, v.step_row.entered_second,
        v.step_row.reached_first, v.step_row.entered_first
    ) as difference_high,
    case when mix is not null then v.step_row.from_mix end as from_mix,
    case when mix is not null then v.step_row.from_rate end as from_rate,
    is_small_sample(least(v.step_row.entered_first, v.step_row.entered_second)) as is_small
from valid as v
order by v.step_row.procedure, v.step_row.step_no;
