"""The attribute types of the platform: one row per type, with the conversion from JSON to a column.

The conversions are SQL macros in `transforms/macros/`; this module names them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.definitions import plain_forms as plain
from schemas.privacy import Privacy

Shape = Literal["text", "number", "month", "boolean", "list", "point", "object", "any"]


@dataclass(frozen=True)
class Conversion:
    """What becomes of a JSON value.

    `macro` converts the JSON text of a value (never null, never the empty text) to `sql_type`, or
    to null when it does not convert. `shape` is what a value is expected to be: a number or a
    boolean that arrives as text converts, and is flagged. `accepts` says in words what converts.
    With `parts` the value is a struct, and each of these members is a column of the wide table.
    `plain` is a form of text (RE2) that always converts and has the shape: see `plain_forms`.
    """

    macro: str
    sql_type: str
    shape: Shape
    accepts: str
    plain: str
    zoned: bool = False
    of_states: bool = False
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class AttributeType:
    """One attribute type.

    `privacy` is the default of the attribute's `personal` key; values of attributes that are, or
    may be, personal are masked in `violations`. With `options` the definition lists the values that
    are allowed.
    """

    name: str
    conversion: Conversion
    description: str
    privacy: Privacy = "no"
    options: bool = False

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the converted value."""
        return self.conversion.sql_type

    @property
    def shape(self) -> Shape:
        return self.conversion.shape

    @property
    def members(self) -> list[tuple[str, str]]:
        """Names and types of the members of a value that is a struct; else empty."""
        if not self.sql_type.startswith("STRUCT("):
            return []
        written = self.sql_type.removeprefix("STRUCT(").removesuffix(")").split(", ")
        return [(name, sql_type) for name, sql_type in (member.split(" ") for member in written)]

    def columns(self, column: str) -> dict[str, str]:
        """The columns of the wide table for an attribute kept in `column`, with their types."""
        if not self.conversion.parts:
            return {column: self.sql_type}
        types = dict(self.members)
        return {f"{column}_{part}": types[part] for part in self.conversion.parts}


_ADDRESS = (
    "formatted_address VARCHAR, street VARCHAR, city VARCHAR, postal_code VARCHAR, state VARCHAR, "
    "country VARCHAR, place_id VARCHAR, lat DOUBLE, lng DOUBLE"
)
_OBJECT = "an object, or the UUID of one"

_TEXT = Conversion(
    "to_text", "VARCHAR", "text", "text; a number or a truth value as its text", plain.TEXT
)
_EMAIL = Conversion(
    "to_email", "VARCHAR", "text", "text with one `@` and a dot after it", plain.EMAIL
)
_PHONE = Conversion(
    "to_phone", "VARCHAR", "text", "text or a number with 5 to 20 digits", plain.PHONE
)
_URL = Conversion(
    "to_url", "VARCHAR", "text", "text: a host with a dot, `http(s)://` or nothing", plain.URL
)
_INTEGER = Conversion(
    "to_integer", "BIGINT", "number", "a whole number of 64 bits; as text too", plain.INTEGER
)
_DOUBLE = Conversion("to_double", "DOUBLE", "number", "a number; as text too", plain.NUMBER)
_DECIMAL = Conversion(
    "to_decimal", "DECIMAL(38,9)", "number", "a number; as text too", plain.NUMBER
)
_MONTH = Conversion(
    "to_month",
    "BIGINT",
    "month",
    "1 to 12, as text too; `March`, `mar`: the English name",
    plain.MONTH,
)
_BOOLEAN = Conversion(
    "to_boolean", "BOOLEAN", "boolean", "`true`, `false`; as text too", plain.BOOLEAN
)
_BOOLEAN_TEXT = Conversion(
    "to_boolean_text",
    "BOOLEAN",
    "text",
    "yes, y, true, 1, no, n, false, 0, as text or bare",
    plain.BOOLEAN_TEXT,
)
_TEXTS = Conversion(
    "to_text_list", "VARCHAR[]", "list", "an array of texts", plain.list_of(plain.ANY_TEXT)
)
_INTEGERS = Conversion(
    "to_integer_list", "BIGINT[]", "list", "an array of whole numbers", plain.list_of(plain.INTEGER)
)
_DOUBLES = Conversion(
    "to_double_list", "DOUBLE[]", "list", "an array of numbers", plain.list_of(plain.NUMBER)
)
_DATE = Conversion(
    "to_date",
    "DATE",
    "text",
    "`YYYY-MM-DD`; a number of up to 5 digits: days since 1970-01-01; of 11 to 13 digits: epoch "
    "milliseconds, the day in the procedure's time zone; never 0",
    plain.DATE,
    zoned=True,
)
_TIME = Conversion(
    "to_time", "TIME", "text", "00:00 to 23:59, or with seconds and their fraction", plain.TIME
)
_INSTANT = Conversion(
    "to_instant",
    "TIMESTAMP",
    "text",
    "ISO 8601 text with an offset, or without: local time of the procedure; a number of 12 or 13 "
    "digits: epoch milliseconds",
    plain.INSTANT,
    zoned=True,
)
_ID = Conversion("to_id", "VARCHAR", "text", "text", plain.TEXT)
_IDS = Conversion(
    "to_id_list",
    "VARCHAR[]",
    "list",
    "an array of texts, none of them empty",
    plain.list_of(plain.TEXT),
)
_UUID = Conversion("to_uuid", "VARCHAR", "text", "a UUID as text, in any case", plain.UUID)
_UUIDS = Conversion(
    "to_uuid_list", "VARCHAR[]", "list", "an array of UUIDs", plain.list_of(plain.UUID)
)
_STATE = Conversion(
    "to_state",
    "VARCHAR",
    "text",
    "shortId or id of a state, in any case",
    plain.TEXT,
    of_states=True,
)
_STATUS = Conversion("to_text", "VARCHAR", "text", "OPEN, COMPLETED or CANCELLED", plain.TEXT)
_POINT = Conversion(
    "to_geolocation",
    "STRUCT(lat DOUBLE, lng DOUBLE)",
    "point",
    "`[lat, lng]` or `{lat, lng}` in degrees, -90 to 90 and -180 to 180; numbers as text too",
    plain.POINT,
    parts=("lat", "lng"),
)
_GOOGLE_ADDRESS = Conversion(
    "to_google_address",
    f"STRUCT({_ADDRESS})",
    "object",
    "an object with any of these members, in snake_case or camelCase, or a result of Google's "
    "geocoder; other members are left out",
    plain.ADDRESS,
)
_JSON = Conversion("to_json_value", "JSON", "any", "anything", plain.ANYTHING)
_JSON_LIST = Conversion("to_json_list", "JSON", "list", "an array of anything", plain.ARRAY)
_JSON_OBJECT = Conversion("to_json_object", "JSON", "object", _OBJECT, plain.OBJECT_OR_UUID)
_JSON_OBJECTS = Conversion(
    "to_json_object_list",
    "JSON",
    "list",
    f"an array: of each {_OBJECT}",
    plain.list_of(plain.OBJECT_OR_UUID),
)

_TYPES = (
    AttributeType("string", _TEXT, "Text on one line."),
    AttributeType("text", _TEXT, "Text of any length.", privacy="indirect"),
    AttributeType("html", _TEXT, "Text with HTML marks, kept as it is.", privacy="indirect"),
    AttributeType("stringId", _TEXT, "Text that identifies something."),
    AttributeType("name", _TEXT, "Name of a person.", privacy="direct"),
    AttributeType("username", _TEXT, "Name a person signs in with.", privacy="direct"),
    AttributeType("otp", _TEXT, "One-time password.", privacy="direct"),
    AttributeType("email", _EMAIL, "E-mail address.", privacy="direct"),
    AttributeType("phone", _PHONE, "Telephone number, kept as written.", privacy="direct"),
    AttributeType("url", _URL, "Address of a page."),
    AttributeType("integer", _INTEGER, "Whole number."),
    AttributeType("integerId", _INTEGER, "Whole number that identifies something."),
    AttributeType("number", _DOUBLE, "Number."),
    AttributeType("float", _DOUBLE, "Number."),
    AttributeType("decimal", _DECIMAL, "Exact number with up to nine decimals."),
    AttributeType("monthOfYear", _MONTH, "Month, 1 to 12."),
    AttributeType("boolean", _BOOLEAN, "True or false."),
    AttributeType("booleanText", _BOOLEAN_TEXT, "True or false, kept by the platform as text."),
    AttributeType("stringEnum", _TEXT, "One of the texts listed.", options=True),
    AttributeType("integerEnum", _INTEGER, "One of the whole numbers listed.", options=True),
    AttributeType("floatEnum", _DOUBLE, "One of the numbers listed.", options=True),
    AttributeType("multiStringEnum", _TEXTS, "Several of the texts listed.", options=True),
    AttributeType(
        "multiIntegerEnum", _INTEGERS, "Several of the whole numbers listed.", options=True
    ),
    AttributeType("multiFloatEnum", _DOUBLES, "Several of the numbers listed.", options=True),
    AttributeType("date", _DATE, "Calendar day."),
    AttributeType("time", _TIME, "Time of day."),
    AttributeType("datetime", _INSTANT, "Instant, UTC."),
    AttributeType("datetimeISO8601", _INSTANT, "Instant, UTC."),
    AttributeType("photo", _ID, "Id of a photo.", privacy="indirect"),
    AttributeType("document", _ID, "Id of a document.", privacy="indirect"),
    AttributeType("audio", _ID, "Id of a recording.", privacy="indirect"),
    AttributeType("multiPhotos", _IDS, "Ids of photos.", privacy="indirect"),
    AttributeType("multiDocuments", _IDS, "Ids of documents.", privacy="indirect"),
    AttributeType("multiAudios", _IDS, "Ids of recordings.", privacy="indirect"),
    AttributeType("geolocation", _POINT, "Place on earth.", privacy="direct"),
    AttributeType("googleAddress", _GOOGLE_ADDRESS, "Postal address.", privacy="direct"),
    AttributeType("json", _JSON, "JSON of any kind.", privacy="indirect"),
    AttributeType("cart", _JSON_OBJECT, "Shopping cart.", privacy="indirect"),
    AttributeType("booking", _JSON_OBJECT, "Booking.", privacy="indirect"),
    AttributeType("externalObject", _JSON_OBJECT, "Object of another system.", privacy="indirect"),
    AttributeType(
        "customObject", _JSON_OBJECT, "Object of a kind the team defined.", privacy="indirect"
    ),
    AttributeType("multiJson", _JSON_LIST, "Several JSON values.", privacy="indirect"),
    AttributeType("multiCarts", _JSON_OBJECTS, "Shopping carts.", privacy="indirect"),
    AttributeType("multiBookings", _JSON_OBJECTS, "Bookings.", privacy="indirect"),
    AttributeType(
        "multiExternalObjects", _JSON_OBJECTS, "Objects of another system.", privacy="indirect"
    ),
    AttributeType(
        "multiCustomObjects",
        _JSON_OBJECTS,
        "Objects of a kind the team defined.",
        privacy="indirect",
    ),
    AttributeType("process", _UUID, "Id of a process."),
    AttributeType("record", _UUID, "Id of a record."),
    AttributeType("task", _UUID, "Id of a task."),
    AttributeType("user", _UUID, "Id of a user.", privacy="direct"),
    AttributeType("multiProcesses", _UUIDS, "Ids of processes."),
    AttributeType("multiRecords", _UUIDS, "Ids of records."),
    AttributeType("multiTasks", _UUIDS, "Ids of tasks."),
    AttributeType("multiUsers", _UUIDS, "Ids of users.", privacy="direct"),
    AttributeType("state", _STATE, "State of the procedure, by its shortId."),
    AttributeType("status", _STATUS, "Status of a process."),
)

BY_NAME: dict[str, AttributeType] = {kind.name: kind for kind in _TYPES}
ATTRIBUTE_TYPES: tuple[str, ...] = tuple(BY_NAME)
