-- What the macros of answers are asked for besides their own subject, and whether it makes sense.
-- kind: published

-- The table that has the values to compare by: `processes` has none of attributes.
create macro table_of_values(asked, column_name) as
    case
        when column_name is null or asked is null or column_name = 'created_month'
            then 'processes'
        else lower(asked) || '_processes'
    end;

create macro has_column(of_table, of_column) as (
    select count(*) > 0
    from metric_catalog as m
    where m.table_name = of_table and m.column_name = of_column
);

create macro known_procedures() as (
    select string_agg(distinct s.procedure, ', ' order by s.procedure) from states as s
);

create macro is_known_procedure(asked) as (
    select count(*) > 0
    from states as s
    where asked is null or s.procedure = asked
);

create macro month_of(instant, zone) as strftime(local_day(instant, zone), '%Y-%m');

-- The values of a column of a table of processes, as text; `created_month` is made here. A null
-- column has none. The row has a name that no attribute has: a column of that name would be taken.
create macro process_value_list(table_name, column_name) as (
    select
        list({
            'process_id': "macro:row".process_id,
            'value': case column_name
                when 'created_month' then month_of("macro:row".created_at, b.time_zone)
                else to_json("macro:row") ->> column_name
            end
        })
    from query_table(table_name) as "macro:row"
    cross join build as b
    where column_name is not null
);

-- Whether a local day is in a period; a null end has no limit.
create macro is_day_within(some_day, first_day, last_day) as
    (first_day is null or some_day >= cast(first_day as date))
    and (last_day is null or some_day <= cast(last_day as date));

-- True, or an error that says what was found and what is allowed; `macro_name` says in what.
create macro is_valid_choice(macro_name, asked, column_name, from_date, to_date) as
    case
        when not is_known_procedure(asked)
            then error(
                macro_name || ': found unknown procedure ' || asked || '; allowed: '
                || known_procedures()
            )
        when column_name <> 'created_month' and asked is null
            then error(
                macro_name || ': found by := ' || column_name || ' without a procedure; allowed: '
                || 'created_month, or a column together with procedure := one of '
                || known_procedures()
            )
        when
            column_name <> 'created_month'
            and not has_column(table_of_values(asked, column_name), column_name)
            then error(
                macro_name || ': found by := ' || column_name
                || '; allowed: created_month, or a column of '
                || table_of_values(asked, column_name)
            )
        when cast(from_date as date) > cast(to_date as date)
            then error(
                macro_name || ': found from_date ' || from_date || ' after to_date ' || to_date
                || '; allowed: a day on or before it'
            )
        else true
    end;
