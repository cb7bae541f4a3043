-- The amounts that the macros of the pipeline add up: numbers in a column of a table of processes.
-- kind: published

create macro is_number_column(of_table, of_column) as (
    select count(*) > 0
    from metric_catalog as m
    where
        m.table_name = of_table
        and m.column_name = of_column
        and (m.data_type in ('BIGINT', 'INTEGER', 'DOUBLE') or starts_with(m.data_type, 'DECIMAL'))
);

-- True, or an error that says what was found and what is allowed; `macro_name` says in what.
create macro is_valid_amount(macro_name, asked, column_name) as
    case
        when column_name is not null and asked is null
            then error(
                macro_name || ': found value := ' || column_name || ' without a procedure; '
                || 'allowed: a column together with procedure := one of ' || known_procedures()
            )
        when
            column_name is not null
            and not is_number_column(table_of_values(asked, column_name), column_name)
            then error(
                macro_name || ': found value := ' || column_name
                || '; allowed: a column with numbers of ' || table_of_values(asked, column_name)
            )
        else true
    end;

-- Amounts are added up exactly, as decimals.
create macro as_amount(written) as try_cast(written as decimal(38, 9));
