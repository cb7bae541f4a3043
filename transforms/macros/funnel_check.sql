-- What the macros of funnels are asked for, and whether it makes sense.
-- They read published tables only and run on DuckDB 1.2 and later. Columns are always qualified: a
-- bare name that is also a parameter would mean the parameter. `by` is quoted: it is a keyword.
-- kind: published

-- The length of an interval that begins at an instant: a month has 28 to 31 days.
create macro interval_ms(interval_start, length) as
    epoch_ms(interval_start + cast(length as interval)) - epoch_ms(interval_start);

-- The steps as a list: one entry per procedure that has all the states, and step.
create macro funnel_step_list(steps, asked) as (
    with wanted as (
        select
            lower(w.state) as state_key,
            w.step_no,
            row_number() over (partition by lower(w.state) order by w.step_no) as same_no
        from (select unnest(steps) as state, generate_subscripts(steps, 1) as step_no) as w
    ),

    chosen as (
        select s.procedure
        from states as s
        where
            lower(s.state) in (select w.state_key from wanted as w)
            and (asked is null or s.procedure = asked)
        group by s.procedure
        having
            count(distinct lower(s.state)) = (select count(distinct w.state_key) from wanted as w)
    )

    select
        list({
            'procedure': c.procedure,
            'state': s.state,
            'state_rank': s.state_rank,
            'step_no': w.step_no,
            'same_no': w.same_no
        })
    from chosen as c
    inner join states as s on s.procedure = c.procedure
    inner join wanted as w on w.state_key = lower(s.state)
);

-- The states that no procedure in question has.
create macro unknown_states(steps, asked) as (
    select string_agg(coalesce(w.state, 'null'), ', ' order by w.step_no)
    from (select unnest(steps) as state, generate_subscripts(steps, 1) as step_no) as w
    where not exists (
        select 1
        from states as s
        where lower(s.state) = lower(w.state) and (asked is null or s.procedure = asked)
    )
);

create macro known_states(asked) as (
    select string_agg(distinct s.state, ', ' order by s.state)
    from states as s
    where asked is null or s.procedure = asked
);

-- True, or an error that says what was found and what is allowed.
create macro is_valid_funnel(steps, asked, within, mode, column_name, from_date, to_date) as
    case
        when mode is null or not list_contains(funnel_modes(), mode)
            then error(
                'funnel: found mode ' || coalesce(mode, 'null')
                || '; allowed: ' || array_to_string(funnel_modes(), ', ')
            )
        when coalesce(len(steps), 0) = 0
            then error('funnel: found no steps; allowed: a list of states, such as [''NEW'']')
        when interval_ms(timestamp '2000-01-01', within) < 0
            then error('funnel: found a window below 0; allowed: null, or interval 7 days')
        when not is_known_procedure(asked)
            then is_valid_choice('funnel', asked, null, null, null)
        when unknown_states(steps, asked) is not null
            then error(
                'funnel: found unknown states ' || unknown_states(steps, asked)
                || '; allowed: ' || known_states(asked)
            )
        when funnel_step_list(steps, asked) is null
            then error(
                'funnel: found states of several procedures; allowed: those of one of '
                || known_procedures()
            )
        else is_valid_choice('funnel', asked, column_name, from_date, to_date)
    end;
