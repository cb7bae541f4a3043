"""For each attribute type of lists, ids and objects: JSON, what it becomes, and broken rules.

What a row is, and the types of one plain value, are in `attribute_rows.py`.
"""

from __future__ import annotations

from typing import Any

from tests.support.attribute_rows import ALWAYS, MISSING, OTHERS, STATE, UUID, Row, bad

_NO_LIST = bad('"146"', '"true"', "true", "1", "0", '{"city":1}', '"Gold"')
_TEXT_CHOICES: list[Row] = [
    ('["a"]', ["a"]),
    ('["b","a","b"]', ["b", "a", "b"]),
    ("[]", []),
    ('["a","Gold"]', None, "isin"),
    *bad('["a",null]', '[["a"]]', '[{"city":1}]'),
    *_NO_LIST,
    *MISSING,
]
_INTEGER_CHOICES: list[Row] = [
    ("[7,1]", [7, 1]),
    ('["7"]', [7]),
    ("[]", []),
    ("[1,0]", None, "isin"),
    *bad('["a"]', "[1.5]", "[null]", "[true]"),
    *_NO_LIST,
    *MISSING,
]
_DOUBLE_CHOICES: list[Row] = [
    ("[2.5,1]", [2.5, 1.0]),
    ("[]", []),
    ("[1,0]", None, "isin"),
    *bad('["a"]', "[null]", "[[1]]"),
    *_NO_LIST,
    *MISSING,
]
_ID: list[Row] = [
    ('"146"', "146"),
    ('"true"', "true"),
    ('"Gold"', "Gold"),
    *bad("true", "1", "0"),
    *OTHERS,
]
_IDS: list[Row] = [
    ('["a"]', ["a"]),
    ('["b","a"]', ["b", "a"]),
    ("[]", []),
    *bad('["a",""]', '["a",null]', "[1]", '[["a"]]', '[{"id":"a"}]'),
    *_NO_LIST,
    *MISSING,
]
_REFERENCE: list[Row] = [
    (f'"{UUID}"', UUID),
    (f'"{UUID.upper()}"', UUID),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"', f'"{UUID}0"', f'["{UUID}"]'),
    *OTHERS,
]
_REFERENCES: list[Row] = [
    (f'["{UUID.upper()}","{STATE}"]', [UUID, STATE]),
    ("[]", []),
    *bad('["a"]', f'["{UUID}",null]', f'["{UUID}",""]', f'"{UUID}"'),
    *_NO_LIST,
    *MISSING,
]
_POINT: list[Row] = [
    ("[52.5,13.4]", {"lat": 52.5, "lng": 13.4}),
    ('{"lat":-90,"lng":180}', {"lat": -90.0, "lng": 180.0}),
    ('{"lng":-180,"zoom":"5","lat":90}', {"lat": 90.0, "lng": -180.0}),
    ("[0,0]", {"lat": 0.0, "lng": 0.0}),
    ('["52.5","13.4"]', {"lat": 52.5, "lng": 13.4}, "as_text"),
    ('{"lat":52.5,"lng":"13.4"}', {"lat": 52.5, "lng": 13.4}, "as_text"),
    *bad("[90.1,0]", "[0,-180.1]", "[1]", "[1,2,3]", "[1,null]", '[1,"x"]', "[[1],2]"),
    *bad('{"lat":1}', '{"lat":null,"lng":null}', '{"lat":1,"lng":181}', '{"0":1,"1":2}'),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"', '"52.5,13.4"'),
    *OTHERS,
]


def _address(**members: Any) -> dict[str, Any]:
    names = ("formatted_address", "street", "city", "postal_code", "state", "country", "place_id")
    return dict.fromkeys((*names, "lat", "lng")) | members


_GEOCODED = """{"formatted_address":"Am Ring 5, 10115 Berlin","place_id":"p1","types":["street_address"],
"address_components":[{"long_name":"5","short_name":"5","types":["street_number"]},
{"long_name":"Am \\"Ring\\"","types":["route"]},{"long_name":"Mitte","types":["sublocality"]},
{"long_name":"Berlin","types":["locality","political"]},
{"long_name":"Land Berlin","types":["administrative_area_level_1","political"]},
{"long_name":"Germany","short_name":"DE","types":["country","political"]},
{"long_name":"10115","types":["postal_code"]}],
"geometry":{"location":{"lat":52.5,"lng":13.4}}}"""
_ADDRESS: list[Row] = [
    ('{"city":1}', _address(city="1")),
    ('{"city":"Bonn","postalCode":"53111","x":[1]}', _address(city="Bonn", postal_code="53111")),
    (
        '{"formattedAddress":"A 1","placeId":"p","state":"","country":null,"lat":"1","lng":2}',
        _address(formatted_address="A 1", place_id="p", lat=1.0, lng=2.0),
    ),
    (
        '{"street":"A 1","postal_code":"x","state":"y","country":"z"}',
        _address(street="A 1", postal_code="x", state="y", country="z"),
    ),
    (
        _GEOCODED.replace("\n", ""),
        _address(
            formatted_address="Am Ring 5, 10115 Berlin",
            street='Am "Ring" 5',
            city="Berlin",
            postal_code="10115",
            state="Land Berlin",
            country="Germany",
            place_id="p1",
            lat=52.5,
            lng=13.4,
        ),
    ),
    *bad('{"city":{"name":"Bonn"}}', '{"city":"Bonn","lat":91}', '{"lng":"east"}', "{}"),
    *bad('{"x":1}', '{"city":""}', '[{"city":"Bonn"}]', '["a"]', "[]"),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"'),
    *MISSING,
]
_ANY: list[Row] = [
    *((text, text) for text in ALWAYS if text not in ('""', "null")),
    ('{"a":[1,null]}', '{"a":[1,null]}'),
    *MISSING,
]
_ANY_LIST: list[Row] = [
    ('["a"]', '["a"]'),
    ('[1,{"a":null},null]', '[1,{"a":null},null]'),
    ("[]", "[]"),
    *_NO_LIST,
    *MISSING,
]
_OBJECT: list[Row] = [
    ('{"city":1}', '{"city":1}'),
    ("{}", "{}"),
    (f'"{UUID}"', f'"{UUID}"'),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"', '["a"]', "[]", '[{"city":1}]'),
    *MISSING,
]
_OBJECTS: list[Row] = [
    ('[{"city":1}]', '[{"city":1}]'),
    (f'[{{}},"{UUID}"]', f'[{{}},"{UUID}"]'),
    ("[]", "[]"),
    *bad('["a"]', "[1]", "[null]", '[[{"city":1}]]'),
    *_NO_LIST,
    *MISSING,
]

STRUCTURED_ROWS: dict[str, list[Row]] = {
    "multiStringEnum": _TEXT_CHOICES,
    "multiIntegerEnum": _INTEGER_CHOICES,
    "multiFloatEnum": _DOUBLE_CHOICES,
    **dict.fromkeys(("photo", "document", "audio"), _ID),
    **dict.fromkeys(("multiPhotos", "multiDocuments", "multiAudios"), _IDS),
    "geolocation": _POINT,
    "googleAddress": _ADDRESS,
    "json": _ANY,
    **dict.fromkeys(("cart", "booking", "externalObject", "customObject"), _OBJECT),
    "multiJson": _ANY_LIST,
    **dict.fromkeys(
        ("multiCarts", "multiBookings", "multiExternalObjects", "multiCustomObjects"), _OBJECTS
    ),
    **dict.fromkeys(("process", "record", "task", "user"), _REFERENCE),
    **dict.fromkeys(("multiProcesses", "multiRecords", "multiTasks", "multiUsers"), _REFERENCES),
}
