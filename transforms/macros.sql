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

create or replace temp macro to_boolean_text(j) as
    case
        when lower(trim(j, '"')) in ('true', 'yes', 'y', '1') then true
        when lower(trim(j, '"')) in ('false', 'no', 'n', '0') then false
    end;

create or replace temp macro to_month(j) as
    case
        when regexp_full_match(trim(j, '"'), '(0?[1-9]|1[0-2])(\.0+)?')
            then try_cast(trim(j, '"') as double)::bigint
        when regexp_full_match(
            j,
            '(?i)"(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sep(tember)?|oct(ober)?|nov(ember)?|dec(ember)?)"'
        ) then (strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(j[2:4])) + 2) // 3
    end;

-- A number is told by its size: up to 5 digits are days since 1970-01-01 (1696 to 2243), 11 to 13
-- digits are epoch milliseconds, whose day is that of `zone`. 10 digits would be seconds, 8 digits
-- a day written without dashes; 0 is what the platform writes for a time there is not.
create or replace temp macro to_date(j, zone) as
    coalesce(
        try_cast(matching_text(j, '[0-9]{4}-[0-9]{2}-[0-9]{2}') as date),
        case
            when regexp_full_match(j, '-?[1-9][0-9]{0,4}')
                then date '1970-01-01' + try_cast(j as integer)
            when regexp_full_match(j, '-?[1-9][0-9]{10,12}')
                then local_day(epoch_ms(try_cast(j as bigint)), zone)
        end
    );

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

create or replace temp macro to_id(j) as case when left(j, 1) = '"' then json_text(j) end;

create or replace temp macro to_id_list(j) as
    whole_list(list_transform(json_list(j), lambda e: to_id(nullif(e::varchar, '""'))));

create or replace temp macro to_uuid(j) as
    case
        when regexp_full_match(j, '"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"')
            then lower(j[2:-2])
    end;

create or replace temp macro to_uuid_list(j) as
    whole_list(list_transform(json_list(j), lambda e: to_uuid(e::varchar)));

-- `names` has the shortId of each of `keys`, which are shortIds and ids in lower case. What is no
-- state stays as it is: the options say so.
create or replace temp macro to_state(j, keys, names) as
    coalesce(list_extract(names, list_position(keys, lower(to_text(j)))), to_text(j));

create or replace temp macro to_json_value(j) as j::json;

create or replace temp macro to_json_list(j) as case when left(j, 1) = '[' then j::json end;

create or replace temp macro to_json_object(j) as
    case when left(j, 1) = '{' or to_uuid(j) is not null then j::json end;

create or replace temp macro to_json_object_list(j) as
    case
        when whole_list(list_transform(json_list(j), lambda e: to_json_object(e::varchar)))
            is not null then j::json
    end;

-- What follows takes members of an object out once and works on a list of them: `sole` lets them be
-- named in a lambda, where a macro would write the extraction anew at each place.
create or replace temp macro sole(l) as list_extract(l, 1);

-- Latitude and longitude, as a list of two.
create or replace temp macro to_point(d) as
    case when abs(d[1]) <= 90 and abs(d[2]) <= 180 then {'lat': d[1], 'lng': d[2]} end;

create or replace temp macro to_doubles(texts) as list_transform(texts, lambda t: to_double(t));

create or replace temp macro to_geolocation(j) as
    sole(
        list_transform(
            [
                to_doubles(
                    case
                        when left(j, 1) = '{' then json_extract(j, ['/lat', '/lng'])
                        when left(j, 1) = '[' and json_array_length(j) = 2
                            then json_extract(j, ['/0', '/1'])
                    end::varchar[]
                )
            ],
            lambda d: to_point(d)
        )
    );

-- Members of an address as JSON texts; null and the empty text are not there.
create or replace temp macro address_texts(j) as
    list_transform(
        json_extract(
            j,
            [
                '/formatted_address', '/formattedAddress', '/street', '/city',
                '/postal_code', '/postalCode', '/state', '/country', '/place_id', '/placeId',
                '/lat', '/geometry/location/lat', '/location/lat',
                '/lng', '/geometry/location/lng', '/location/lng',
                '/address_components'
            ]
        )::varchar[],
        lambda t: nullif(nullif(t, 'null'), '""')
    );

-- The JSON text of one of the components in which Google's geocoder gives an address.
create or replace temp macro component(parts, kind) as
    nullif(
        sole(list_filter(parts, lambda c: list_contains(c.types, kind))).long_name::varchar, 'null'
    );

create or replace temp macro street_of(parts) as
    nullif(
        to_json(
            concat_ws(
                ' ', to_text(component(parts, 'route')), to_text(component(parts, 'street_number'))
            )
        )::varchar,
        '""'
    );

-- The members of an address in the order of its struct, from its texts and its components.
create or replace temp macro address_members(t, parts) as [
    coalesce(t[1], t[2]),
    coalesce(t[3], street_of(parts)),
    coalesce(t[4], component(parts, 'locality'), component(parts, 'postal_town')),
    coalesce(t[5], t[6], component(parts, 'postal_code')),
    coalesce(t[7], component(parts, 'administrative_area_level_1')),
    coalesce(t[8], component(parts, 'country')),
    coalesce(t[9], t[10]),
    coalesce(t[11], t[12], t[13]),
    coalesce(t[14], t[15], t[16])
];

-- An address has at least one member, and each that is there converts.
create or replace temp macro to_address(m, texts, degrees) as
    case
        when list_count(m) > 0
        and list_count(m) = list_count(texts) + list_count(degrees)
        and coalesce(abs(degrees[1]) <= 90, true)
        and coalesce(abs(degrees[2]) <= 180, true)
            then {
                'formatted_address': texts[1],
                'street': texts[2],
                'city': texts[3],
                'postal_code': texts[4],
                'state': texts[5],
                'country': texts[6],
                'place_id': texts[7],
                'lat': degrees[1],
                'lng': degrees[2]
            }
    end;

create or replace temp macro convert_members(m) as
    sole(
        list_transform(
            [
                {
                    'members': m,
                    'texts': list_transform(m[:7]::varchar[], lambda e: to_text(e)),
                    'degrees': to_doubles(m[8:]::varchar[])
                }
            ],
            lambda c: to_address(c.members, c.texts, c.degrees)
        )
    );

create or replace temp macro to_google_address(j) as
    sole(
        list_transform(
            list_transform(
                [case when left(j, 1) = '{' then address_texts(j) end],
                lambda t: {
                    'texts': t,
                    'parts': json_transform(t[17], '[{"long_name":"JSON","types":["VARCHAR"]}]')
                }
            ),
            lambda a: sole(
                list_transform(
                    [address_members(a.texts, a.parts)], lambda m: convert_members(m)
                )
            )
        )
    );

-- Seconds from one instant to the next, exact in milliseconds; null while one of them is.
create or replace temp macro seconds_between(started, ended) as
    (epoch_ms(ended) - epoch_ms(started)) / 1000;

-- Whether a step reached at `reached` is within the window of its funnel (from `entered`), and within its
-- own window and gap (from `previous`); a limit that is null does not count.
create or replace temp macro is_in_time(
    reached, entered, previous, funnel_within_seconds, step_within_ms, step_gap_ms
) as
    coalesce(epoch_ms(reached) - epoch_ms(entered) <= funnel_within_seconds * 1000, true)
    and coalesce(epoch_ms(reached) - epoch_ms(previous) <= step_within_ms, true)
    and coalesce(epoch_ms(reached) - epoch_ms(previous) >= step_gap_ms, true);
-- Milliseconds that a calendar has worked before an instant, by its latest slot that began until
-- then (a row of `working_slots`); without such a slot 0, null for a null instant. Working time of
-- [a, b) is the difference of the two.
create or replace temp macro worked_ms(instant, slot_start, slot_end, slots_before) as
    case
        when instant is not null
            then coalesce(
                slots_before + epoch_ms(least(instant, slot_end)) - epoch_ms(slot_start), 0
            )
    end;

-- The calendar day of an instant in a time zone. Days are found from instants, never the other way
-- round: an instant has one local time, a local time may have none or two.
create or replace temp macro local_day(instant, zone) as
    timezone(zone, timezone('UTC', instant))::date;

-- The first instant of a calendar day in a time zone. Where a clock that is put back shows midnight
-- twice, DuckDB takes the second; the first is as much earlier as the offset changes.
create or replace temp macro utc_of(local_time, zone) as
    timezone('UTC', timezone(zone, local_time::timestamp));

create or replace temp macro local_time(instant, zone) as
    timezone(zone, timezone('UTC', instant));

create or replace temp macro put_back(instant, zone) as
    greatest(
        (local_time(instant - interval 3 hours, zone) + interval 3 hours)
        - local_time(instant, zone),
        interval 0 seconds
    );

create or replace temp macro earlier_if_same_day(later, earlier, zone) as
    if(local_day(earlier, zone) = local_day(later, zone), earlier, later);

create or replace temp macro day_start(day, zone) as
    earlier_if_same_day(
        utc_of(day, zone),
        utc_of(day, zone) - put_back(utc_of(day, zone), zone),
        zone
    );

-- Parts of `ingest_seq`, which numbers lines within files within the order of the files.
create or replace temp macro file_of(ingest_seq) as ingest_seq // 10000000000;
create or replace temp macro line_of(ingest_seq) as ingest_seq % 10000000000;
