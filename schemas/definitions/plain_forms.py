r"""Forms of JSON text that no rule about an attribute objects to, as regular expressions (RE2).

Each describes *some* of the texts that a conversion accepts: those that any reader would write and
that are easily told. A text of this form converts, has the shape of its type, and holds only
numbers that survive as doubles. Other texts may convert as well; they are validated.

JSON here is as DuckDB writes it: without white space outside of strings.
"""

CHARACTER = r'(?:[^"\\]|\\["\\/bfnrt])'
"""One character of a string; escapes by number are left to validation."""

ANY_TEXT = f'"{CHARACTER}*"'
TEXT = f'"{CHARACTER}+"'
EMAIL = r'"[^@\s"\\]+@[^@\s"\\]+\.[^@\s."\\]+"'
PHONE = r'"\+?[0-9](?:[ -]?[0-9]){4,19}"'
URL = r'"(?:https?://)?[^\s/?#.:"\\]+(?:\.[^\s/?#.:"\\]+)+(?:[/?#][^\s"\\]*)?"'

# At most 15 digits, or nine and five: a double keeps those, and prints them as they are.
INTEGER = "-?[0-9]{1,15}"
NUMBER = r"-?[0-9]{1,9}(?:\.[0-9]{1,5})?"
MONTH = (
    '(?:[1-9]|1[0-2]|"(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|'
    'aug(?:ust)?|sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)")'
)
BOOLEAN = "(?:true|false)"
BOOLEAN_TEXT = '(?:true|false|[01]|"(?i:yes|y|true|1|no|n|false|0)")'

_DAY = (
    "(?:19|20)[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_HOUR = "(?:[01][0-9]|2[0-3])"
DATE = f'"{_DAY}"'
TIME = f'"{_HOUR}:[0-5][0-9](?::[0-5][0-9])?"'
INSTANT = (
    rf'(?:1[0-9]{{12}}|"{_DAY}[T ]{_HOUR}:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{{1,6}})?)?'
    r'(?:Z|[-+](?:0[0-9]|1[0-3]):[0-5][0-9])?")'
)
UUID = '"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"'


def list_of(element: str) -> str:
    """An array of any number of elements."""
    return rf"\[(?:{element}(?:,{element})*)?\]"


_LATITUDE = r"-?[1-8]?[0-9](?:\.[0-9]{1,9})?"
_LONGITUDE = r"-?(?:1[0-7][0-9]|[1-9]?[0-9])(?:\.[0-9]{1,9})?"
POINT = rf'(?:\[{_LATITUDE},{_LONGITUDE}\]|\{{"lat":{_LATITUDE},"lng":{_LONGITUDE}\}})'
_ADDRESS_MEMBER = (
    '(?:"(?:formatted_address|formattedAddress|street|city|postal_code|postalCode|state|country|'
    f'place_id|placeId)":{TEXT}|"lat":{_LATITUDE}|"lng":{_LONGITUDE})'
)
ADDRESS = rf"\{{{_ADDRESS_MEMBER}(?:,{_ADDRESS_MEMBER})*\}}"

# What is inside of an object or array, to some depth: that it is JSON, and that brackets agree, is
# known. Keys of 36 characters might be attribute ids in capitals, whose case is changed.
_KEY = r'"[^"\\]{0,35}":'
_PART = rf"{_KEY}|{ANY_TEXT}|true|false|null|,|{INTEGER}\b|-?[0-9]{{1,9}}\.[0-9]{{1,5}}\b"
_DEPTH = 4


def _inside(depth: int) -> str:
    return f"(?:{_PART}{_nested(depth - 1)})*" if depth else f"(?:{_PART})*"


def _nested(depth: int) -> str:
    return rf"|[{{\[]{_inside(depth)}[}}\]]"


OBJECT = rf"\{{{_inside(_DEPTH)}\}}"
ARRAY = rf"\[{_inside(_DEPTH)}\]"
ANYTHING = f"(?:{TEXT}|{INTEGER}|{NUMBER}|true|false|{OBJECT}|{ARRAY})"
OBJECT_OR_UUID = f"(?:{OBJECT}|{UUID})"
