-- Whether what the macros of funnels are asked for makes sense.
-- They read published tables only and run on DuckDB 1.2 and later. Columns are always qualified: a
-- bare name that is also a parameter would mean the parameter. `by` is quoted: it is a keyword.
-- kind: published

-- The length of an interval that begins at an instant: a month has 28 to 31 days.
create macro interval_ms(interval_start, length) as
    epoch_ms(interval_start + cast(length as interval)) - epoch_ms(interval_start);

-- True, or an error that says what was found and what is allowed.
create macro is_valid_funnel(
    steps, asked, within, mode, unit, wanted, column_name, from_date, to_date
) as
    case
        when mode is null or not list_contains(funnel_modes(), mode)
            then error(
                'funnel: found mode ' || coalesce(mode, 'null')
                || '; allowed: ' || array_to_string(funnel_modes(), ', ')
            )
        when unit is null or not list_contains(funnel_units(), unit)
            then error(
                'funnel: found unit ' || coalesce(unit, 'null')
                || '; allowed: ' || array_to_string(funnel_units(), ', ')
            )
        when unit = 'attempt' and mode not in ('ordered', 'strict')
            then error(
                'funnel: found unit attempt with mode ' || mode || '; allowed: ordered, strict'
            )
        when coalesce(len(steps), 0) = 0
            then error('funnel: found no steps; allowed: a list of states, such as [''NEW'']')
        when interval_ms(timestamp '2000-01-01', within) < 0
            then error('funnel: found a window below 0; allowed: null, or interval 7 days')
        when not is_valid_choice('funnel', asked, column_name, from_date, to_date)
            then false
        when not is_valid_filter('funnel', asked, wanted)
            then false
        else (
            select coalesce(error('funnel: found ' || p.problem), true)
            from (select funnel_problem(steps, asked) as problem) as p
        )
    end;
