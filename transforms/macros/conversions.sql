-- Conversions of one attribute value. `j` is the JSON text of the value: "abc" with its quotes,
-- 146, true, [1,2], {"a":1}; never null and never empty text. A value that does not convert becomes
-- null; no conversion raises an error.
-- kind: warehouse

create macro json_text(j) as
    case
        when left(j, 1) <> '"' then j
        when contains(j, '\') then j ->> '$'
        else j[2:-2]
    end;

create macro to_text(j) as
    case when left(j, 1) not in ('{', '[') then json_text(j) end;

create macro matching_text(j, pattern) as
    case when regexp_full_match(to_text(j), pattern) then to_text(j) end;

create macro to_email(j) as matching_text(j, '[^@\s]+@[^@\s]+\.[^@\s.]+');

create macro to_phone(j) as
    case
        when length(regexp_replace(matching_text(j, '[+]?[-0-9 ()./]+'), '[^0-9]', '', 'g'))
            between 5 and 20 then to_text(j)
    end;

create macro to_url(j) as
    matching_text(j, '(?i)(https?://)?[^\s/?#.]+(\.[^\s/?#.]+)+(:[0-9]+)?([/?#]\S*)?');

create macro to_integer(j) as
    case
        when regexp_full_match(trim(j, '"'), '[-+]?[0-9]{1,19}(\.0+)?')
            then try_cast(trim(j, '"') as bigint)
    end;

create macro number_text(j) as
    case
        when regexp_full_match(
            trim(j, '"'), '[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,4})?'
        ) then trim(j, '"')
    end;

create macro to_double(j) as
    case
        when isfinite(try_cast(number_text(j) as double)) then try_cast(number_text(j) as double)
    end;

create macro to_decimal(j) as try_cast(number_text(j) as decimal(38, 9));

create macro to_boolean(j) as
    case lower(trim(j, '"')) when 'true' then true when 'false' then false end;

create macro to_boolean_text(j) as
    case
        when lower(trim(j, '"')) in ('true', 'yes', 'y', '1') then true
        when lower(trim(j, '"')) in ('false', 'no', 'n', '0') then false
    end;

create macro to_month(j) as
    case
        when regexp_full_match(trim(j, '"'), '(0?[1-9]|1[0-2])(\.0+)?')
            then try_cast(trim(j, '"') as double)::bigint
        when regexp_full_match(
            j,
            '(?i)"(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|'
            || 'sep(tember)?|oct(ober)?|nov(ember)?|dec(ember)?)"'
        ) then (strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(j[2:4])) + 2) // 3
    end;

-- The size of a number says what it is: up to 5 digits are days since 1970-01-01 (1696 to 2243), 11
-- to 13 digits (also given as text) are epoch milliseconds, whose day is that of `zone`. 10 digits
-- would be seconds, 8 digits a day without dashes; 0 is what the platform writes for "not yet".
create macro to_date(j, zone) as
    coalesce(
        try_cast(matching_text(j, '[0-9]{4}-[0-9]{2}-[0-9]{2}') as date),
        case
            when regexp_full_match(j, '-?[1-9][0-9]{0,4}')
                then date '1970-01-01' + try_cast(j as integer)
            when regexp_full_match(trim(j, '"'), '-?[1-9][0-9]{10,12}')
                then local_day(epoch_ms(try_cast(trim(j, '"') as bigint)), zone)
        end
    );

-- DuckDB would read 24:00 as well, which other readers of a TIME cannot hold.
create macro to_time(j) as
    try_cast(
        case
            when regexp_full_match(to_text(j), '([01][0-9]|2[0-3]):[0-9]{2}')
                then to_text(j) || ':00'
            else matching_text(j, '([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?')
        end as time
    );

create macro local_time_pattern() as
    '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?';

create macro offset_pattern() as '(Z|z|[-+]([01][0-9]|2[0-3])(:?[0-5][0-9])?)';

-- An instant in UTC. Text without an offset is local time of `zone`; a number, also given as text,
-- is epoch milliseconds.
create macro to_instant(j, zone) as
    date_trunc(
        'milliseconds',
        case
            when regexp_full_match(trim(j, '"'), '[0-9]{12,13}')
                then epoch_ms(try_cast(trim(j, '"') as bigint))
            when regexp_full_match(to_text(j), local_time_pattern() || offset_pattern())
                then timezone('UTC', try_cast(
                    regexp_replace(
                        replace(to_text(j), ',', '.'), '([-+][0-9]{2})([0-9]{2})$', '\1:\2'
                    ) as timestamptz
                ))
            when regexp_full_match(to_text(j), local_time_pattern()) then timezone(
                'UTC', timezone(zone, try_cast(replace(to_text(j), ',', '.') as timestamp))
            )
        end
    );

create macro json_list(j) as
    case when left(j, 1) = '[' then json_extract(j, '$[*]') end;

create macro whole_list(l) as case when list_count(l) = len(l) then l end;

create macro to_text_list(j) as
    whole_list(list_transform(json_list(j), lambda e: to_text(nullif(e::varchar, 'null'))));

create macro to_integer_list(j) as
    whole_list(list_transform(json_list(j), lambda e: to_integer(e::varchar)));

create macro to_double_list(j) as
    whole_list(list_transform(json_list(j), lambda e: to_double(e::varchar)));

create macro to_id(j) as case when left(j, 1) = '"' then json_text(j) end;

create macro to_id_list(j) as
    whole_list(list_transform(json_list(j), lambda e: to_id(nullif(e::varchar, '""'))));

create macro to_uuid(j) as
    case
        when regexp_full_match(j, '"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"')
            then lower(j[2:-2])
    end;

create macro to_uuid_list(j) as
    whole_list(list_transform(json_list(j), lambda e: to_uuid(e::varchar)));

-- `names` has the shortId of each of `keys`, which are shortIds and ids in lower case. Text that is
-- not a state stays as it is, for the check of the options to find.
create macro to_state(j, keys, names) as
    coalesce(list_extract(names, list_position(keys, lower(to_text(j)))), to_text(j));

create macro to_json_value(j) as j::json;

create macro to_json_list(j) as case when left(j, 1) = '[' then j::json end;

create macro to_json_object(j) as
    case when left(j, 1) = '{' or to_uuid(j) is not null then j::json end;

create macro to_json_object_list(j) as
    case
        when whole_list(list_transform(json_list(j), lambda e: to_json_object(e::varchar)))
            is not null then j::json
    end;
