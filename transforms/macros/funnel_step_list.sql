-- The steps of a funnel that was asked for. A step is a state, several with `|` between them (any
-- of these), or `outcome: completed`. They are named as in `funnel_steps`.
-- kind: published

create macro funnel_outcomes() as ['completed', 'cancelled'];

create macro funnel_units() as ['process', 'attempt'];

-- One entry per step and name in it. Text that is the whole name of a state is that state.
create macro funnel_name_list(steps) as (
    with texts as (
        select
            trim(w.step) as step,
            w.step_no,
            lower(trim(w.step)) in (select lower(s.state) from states as s) as is_state
        from (
            select
                unnest(cast(steps as varchar[])) as step,
                generate_subscripts(cast(steps as varchar[]), 1) as step_no
        ) as w
    ),

    named as (
        select
            t.step_no,
            coalesce(not t.is_state and starts_with(lower(t.step), 'outcome:'), false)
                as is_outcome,
            case
                when t.step is null or t.is_state then [t.step]
                when starts_with(lower(t.step), 'outcome:') then [t.step[9:]]
                else string_split(t.step, '|')
            end as names
        from texts as t
    )

    select
        list({
            'step_no': n.step_no,
            'name_no': n.name_no,
            'name': trim(n.name),
            'is_outcome': n.is_outcome
        })
    from (
        select
            m.step_no,
            m.is_outcome,
            unnest(m.names) as name,
            generate_subscripts(m.names, 1) as name_no
        from named as m
    ) as n
);

-- One entry per procedure that has all the states, and step: its states (none for an outcome) and
-- the lowest of their ranks. `same_no` counts the steps up to this one with the same states or
-- outcome.
create macro funnel_step_list(steps, asked) as (
    with names as (
        select
            n.found.step_no as step_no,
            n.found.is_outcome as is_outcome,
            lower(n.found.name) as name_key,
            min(n.found.name_no) as name_no
        from (select unnest(funnel_name_list(steps)) as found) as n
        group by n.found.step_no, n.found.is_outcome, lower(n.found.name)
    ),

    wanted as (
        select
            k.*,
            row_number() over (partition by k.is_outcome, k.step_key order by k.step_no) as same_no
        from (
            select
                n.step_no,
                n.is_outcome,
                string_agg(n.name_key, '|' order by n.name_key) as step_key
            from names as n
            group by n.step_no, n.is_outcome
        ) as k
    ),

    chosen as (
        select s.procedure
        from states as s
        left join (select distinct n.name_key from names as n where not n.is_outcome) as w
            on w.name_key = lower(s.state)
        where asked is null or s.procedure = asked
        group by s.procedure
        having
            count(distinct w.name_key)
            = (select count(distinct n.name_key) from names as n where not n.is_outcome)
    ),

    of_states as (
        select
            c.procedure,
            n.step_no,
            list(s.state order by n.name_no) as step_states,
            string_agg(s.state, ' | ' order by n.name_no) as step,
            min(s.state_rank) as least_rank
        from chosen as c
        inner join states as s on s.procedure = c.procedure
        inner join names as n on n.name_key = lower(s.state) and not n.is_outcome
        group by c.procedure, n.step_no
    )

    select
        list({
            'procedure': c.procedure,
            'step_no': w.step_no,
            'step': coalesce(o.step, w.step_key),
            'states': o.step_states,
            'outcome': case when w.is_outcome then w.step_key end,
            'least_rank': o.least_rank,
            'same_no': w.same_no
        })
    from chosen as c
    cross join wanted as w
    left join of_states as o on o.procedure = c.procedure and o.step_no = w.step_no
);

create macro known_states(asked) as (
    select string_agg(distinct s.state, ', ' order by s.state)
    from states as s
    where asked is null or s.procedure = asked
);

-- What is wrong with the steps, and what is allowed; null if nothing is.
create macro funnel_problem(steps, asked) as (
    with names as (
        select
            n.found.step_no as step_no,
            n.found.name_no as name_no,
            n.found.name as name,
            n.found.is_outcome as is_outcome
        from (select unnest(funnel_name_list(steps)) as found) as n
    ),

    found as (
        select n.*, s.procedure
        from names as n
        left join states as s
            on lower(s.state) = lower(n.name)
            and not n.is_outcome
            and (asked is null or s.procedure = asked)
    ),

    unknown as (
        select
            string_agg(f.name, ', ' order by f.step_no) filter (
                f.is_outcome and not list_contains(funnel_outcomes(), lower(f.name))
            ) as outcomes,
            string_agg(coalesce(f.name, 'null'), ', ' order by f.step_no, f.name_no) filter (
                not f.is_outcome and f.procedure is null
            ) as states,
            count(distinct lower(f.name)) filter (not f.is_outcome) as n_states
        from found as f
    ),

    best as (
        select max(c.n_states) as n_states
        from (
            select count(distinct lower(f.name)) as n_states
            from found as f
            where f.procedure is not null
            group by f.procedure
        ) as c
    )

    select
        case
            when u.outcomes is not null
                then 'unknown outcomes ' || u.outcomes || '; allowed: '
                || array_to_string(funnel_outcomes(), ', ')
            when u.states is not null
                then 'unknown states ' || u.states || '; allowed: ' || known_states(asked)
            when b.n_states < u.n_states
                then 'states of several procedures; allowed: those of one of '
                || known_procedures()
        end
    from unknown as u
    cross join best as b
);
