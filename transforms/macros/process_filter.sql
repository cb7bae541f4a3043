-- Filters of macros: `{'source': 'Website', 'plan': ['Team', null]}`, also as a map. Columns are
-- compared with values, never run as SQL.
-- kind: published

create macro table_to_filter(asked, wanted) as
    case
        when wanted is null or asked is null then 'processes'
        else lower(asked) || '_processes'
    end;

-- One entry per column and value that it may have, as JSON.
create macro filter_value_list(wanted) as (
    select
        list({
            'column_name': k.column_name,
            'value': k.value,
            'is_number': json_type(k.value) in ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE')
        })
    from (
        select
            c.column_name,
            unnest(
                case
                    when json_type(c.value) = 'ARRAY' then json_extract(c.value, '$[*]')
                    else [c.value]
                end
            ) as value
        from (
            select n.column_name, to_json(wanted) -> n.column_name as value
            from (select unnest(json_keys(to_json(wanted))) as column_name) as n
        ) as c
    ) as k
);

-- The processes that have one of the values in each of the columns. Numbers match as numbers, other
-- values as text; null stands for no value. A null filter has none.
create macro filtered_process_list(table_name, wanted) as (
    with allowed as (
        select
            a.found.column_name as column_name,
            a.found.is_number as is_number,
            a.found.value ->> '$' as value
        from (select unnest(filter_value_list(wanted)) as found) as a
    ),

    columns as (select distinct w.column_name from allowed as w),

    found as (
        select
            v.column_name,
            v.found.process_id as process_id,
            v.found.value as value
        from (
            select
                "macro:columns".column_name,
                unnest(process_value_list(table_name, "macro:columns".column_name)) as found
            from columns as "macro:columns"
        ) as v
    ),

    -- A process that has left the procedure has no value, but a month.
    valued as (
        select
            p.process_id,
            c.column_name,
            case c.column_name
                when 'created_month' then month_of(p.created_at, b.time_zone)
                else f.value
            end as value
        from processes as p
        cross join build as b
        cross join columns as c
        left join found as f
            on f.process_id = p.process_id and f.column_name = c.column_name
    ),

    matching as (
        select v.process_id
        from valued as v
        inner join allowed as a
            on a.column_name = v.column_name
            and (
                a.value is not distinct from v.value
                or (a.is_number and try_cast(a.value as double) = try_cast(v.value as double))
            )
        group by v.process_id
        having
            count(distinct v.column_name)
            = (select count(distinct w.column_name) from allowed as w)
    )

    select list(m.process_id)
    from matching as m
);

-- Whether a process passes a filter; a null one lets all pass.
create macro is_wanted(some_process_id, asked, wanted) as
    wanted is null
    or some_process_id in (
        select unnest(filtered_process_list(table_to_filter(asked, wanted), wanted))
    );

-- What is wrong with a filter, and what is allowed; null if nothing is.
create macro filter_problem(asked, wanted) as (
    with columns as (
        select
            k.column_name,
            k.column_name = 'created_month'
            or has_column(table_to_filter(asked, wanted), k.column_name) as is_known
        from (select unnest(json_keys(to_json(wanted))) as column_name) as k
    ),

    filled as (
        select
            c.column_name,
            c.is_known,
            count(a.found) > 0
            and count(a.found) filter (json_type(a.found.value) in ('ARRAY', 'OBJECT')) = 0
                as has_values
        from columns as c
        left join (select unnest(filter_value_list(wanted)) as found) as a
            on a.found.column_name = c.column_name
        group by c.column_name, c.is_known
    ),

    unfit as (
        select
            string_agg(f.column_name, ', ' order by f.column_name) filter (not f.is_known)
                as unknown,
            string_agg(f.column_name, ', ' order by f.column_name) filter (not f.has_values)
                as without,
            string_agg(f.column_name, ', ' order by f.column_name) filter (
                f.column_name <> 'created_month'
            ) as of_procedure,
            count(*) as n_columns
        from filled as f
    )

    select
        case
            when json_type(to_json(wanted)) <> 'OBJECT' or u.n_columns = 0
                then 'a filter without columns; allowed: {''column'': ''value''}'
            when u.of_procedure is not null and asked is null
                then 'a filter on ' || u.of_procedure || ' without a procedure; allowed: '
                || 'created_month, or columns together with procedure := one of '
                || known_procedures()
            when u.unknown is not null
                then 'a filter on ' || u.unknown || '; allowed: created_month, and columns of '
                || table_to_filter(asked, wanted)
            when u.without is not null
                then 'no value in the filter for ' || u.without
                || '; allowed: text, a number, true, false, null, or a list of them'
        end
    from unfit as u
    where wanted is not null
);

-- True, or an error that says what was found and what is allowed; `macro_name` says in what.
create macro is_valid_filter(macro_name, asked, wanted) as (
    select coalesce(error(macro_name || ': found ' || p.problem), true)
    from (select filter_problem(asked, wanted) as problem) as p
);
