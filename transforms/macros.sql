-- Conversions of one attribute value and small helpers, as temporary macros of every connection.
-- `j` is the JSON text of one value: "abc" with its quotes, 146, true, [1,2], {"a":1}; never null
-- and never the empty text. A value that does not convert becomes null; nothing here raises.

create or replace temp macro json_text(j) as
    case
        when left(j, 1) <> '"' then j
        when contains(j, '\') then j ->> '$'
        else j[2:-2]
    end;

create or replace temp macro to_text(j) as
    case when left(j, 1) not in ('{', '[') then json_text(j) end;

create or replace temp macro matching_text(j, pattern) as
    case when regexp_full_match(to_text(j), pattern) then to_text(j) end;

create or replace temp macro to_email(j) as matching_text(j, '[^@\s]+@[^@\s]+\.[^@\s.]+');

create or replace temp macro to_phone(j) as
    case
        when length(regexp_replace(matching_text(j, '[+]?[-0-9 ()./]+'), '[^0-9]', '', 'g'))
            between 5 and 20 then to_text(j)
    end;

create or replace temp macro to_url(j) as
    matching_text(j, '(?i)(https?://)?[^\s/?#.]+(\.[^\s/?#.]+)+(:[0-9]+)?([/?#]\S*)?');

create or replace temp macro to_integer(j) as
    case
        when regexp_full_match(trim(j, '"'), '[-+]?[0-9]{1,19}(\.0+)?')
            then try_cast(trim(j, '"') as bigint)
    end;

create or replace temp macro number_text(j) as
    case
        when regexp_full_match(trim(j, '"'), '[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,4})?')
            then trim(j, '"')
    end;

create or replace temp macro to_double(j) as
    case
        when isfinite(try_cast(number_text(j) as double)) then try_cast(number_text(j) as double)
    end;

create or replace temp macro to_decimal(j) as try_cast(number_text(j) as decimal(38, 9));

create or replace temp macro to_boolean(j) as
    case lower(trim(j, '"')) when 'true' then true when 'false' then false end;

create or replace temp macro to_date(j) as
    try_cast(matching_text(j, '[0-9]{4}-[0-9]{2}-[0-9]{2}') as date);

create or replace temp macro to_time(j) as
    try_cast(
        case
            when regexp_full_match(to_text(j), '[0-9]{2}:[0-9]{2}') then to_text(j) || ':00'
            else matching_text(j, '[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?')
        end as time
    );

-- An instant in UTC; text without an offset is local time of `zone`, a number is epoch milliseconds.
create or replace temp macro to_instant(j, zone) as
    date_trunc(
        'milliseconds',
        case
            when regexp_full_match(j, '[0-9]{12,13}') then epoch_ms(try_cast(j as bigint))
            when regexp_full_match(
                to_text(j),
                '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|z|[-+][0-9]{2}:?[0-9]{2})'
            ) then timezone('UTC', try_cast(
                regexp_replace(
                    replace(to_text(j), ',', '.'), '([-+][0-9]{2})([0-9]{2})$', '\1:\2'
                ) as timestamptz
            ))
            when regexp_full_match(
                to_text(j),
                '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?'
            ) then timezone(
                'UTC', timezone(zone, try_cast(replace(to_text(j), ',', '.') as timestamp))
            )
        end
    );

create or replace temp macro json_list(j) as
    case when left(j, 1) = '[' then json_extract(j, '$[*]') end;

create or replace temp macro whole_list(l) as case when list_count(l) = len(l) then l end;

create or replace temp macro to_text_list(j) as
    whole_list(list_transform(json_list(j), lambda e: to_text(nullif(e::varchar, 'null'))));

create or replace temp macro to_integer_list(j) as
    whole_list(list_transform(json_list(j), lambda e: to_integer(e::varchar)));

create or replace temp macro to_double_list(j) as
    whole_list(list_transform(json_list(j), lambda e: to_double(e::varchar)));

create or replace temp macro to_json_value(j) as j::json;

-- Seconds from one instant to the next, exact in milliseconds; null while one of them is.
create or replace temp macro seconds_between(started, ended) as
    (epoch_ms(ended) - epoch_ms(started)) / 1000;

-- The calendar day of an instant in a time zone. Days are found from instants, never the other way
-- round: an instant has one local time, a local time may have none or two.
create or replace temp macro local_day(instant, zone) as
    timezone(zone, timezone('UTC', instant))::date;

-- Parts of `ingest_seq`, which numbers lines within files within the order of the files.
create or replace temp macro file_of(ingest_seq) as ingest_seq // 10000000000;
create or replace temp macro line_of(ingest_seq) as ingest_seq % 10000000000;
