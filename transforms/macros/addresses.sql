-- Conversions of geolocations and addresses, with the rules of conversions.sql.
-- kind: warehouse

-- The one element of a list. These macros extract the members of an object once, into a list, and
-- name them in a lambda; a macro parameter would repeat the extraction wherever it is used.
create macro sole(l) as list_extract(l, 1);

-- Latitude and longitude, as a list of two.
create macro to_point(d) as
    case when abs(d[1]) <= 90 and abs(d[2]) <= 180 then {'lat': d[1], 'lng': d[2]} end;

create macro to_doubles(texts) as list_transform(texts, lambda t: to_double(t));

create macro to_geolocation(j) as
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

-- Members of an address as JSON texts; null and empty text count as missing.
create macro address_texts(j) as
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

-- The JSON text of one component of an address, as Google's geocoder writes components.
create macro component(parts, kind) as
    nullif(
        sole(list_filter(parts, lambda c: list_contains(c.types, kind))).long_name::varchar, 'null'
    );

create macro street_of(parts) as
    nullif(
        to_json(
            concat_ws(
                ' ', to_text(component(parts, 'route')), to_text(component(parts, 'street_number'))
            )
        )::varchar,
        '""'
    );

-- The members of an address in the order of its struct, from its texts and its components.
create macro address_members(t, parts) as [
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

-- An address has at least one member, and every member given converts.
create macro to_address(m, texts, degrees) as
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

create macro convert_members(m) as
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

create macro to_google_address(j) as
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
