"""SQL that turns the text of cells into JSON values of a record.

What does not convert stays as it is, as JSON text: the rules of the record then find it.
"""

import json
from collections.abc import Iterable, Mapping

from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.procedure import Procedure
from schemas.definitions.source import WORDS_OF_TIME, Source
from schemas.sql_text import literal

_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_JSON_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$"
# Numbers as people write them, by the decimal mark; the other mark separates thousands.
_NUMBERS = {
    ".": r"^[-+]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?$",
    ",": r"^[-+]?([0-9]+|[0-9]{1,3}([. ][0-9]{3})+)(,[0-9]+)?$",
}
_USER = "users:"
_KINDS_OF_FIELDS = {
    "createdBy": _USER,
    "assignedTo": _USER,
    "firstAssignedTo": _USER,
    "belongsTo": "pods:",
    "team": "teams:",
    "entity": "entities:",
    "record": "records:",
    "primaryBooking": "bookings:",
    "parentProcedure": "procedures:",
    "parentProcess": "",
}

MACROS = f"""
    create macro uuid_from(h) as
        h[1:8] || '-' || h[9:12] || '-5' || h[14:16] || '-'
        || translate(h[17], '0123456789abcdef', '89ab89ab89ab89ab')
        || h[18:20] || '-' || h[21:32];
    create macro made_id(namespace, key) as
        uuid_from(sha1(unhex(namespace) || encode(key)));
    create macro is_uuid(v) as regexp_full_match(v, '{_UUID}');
    create macro json_of(v) as coalesce(to_json(v)::varchar, 'null');
    create macro json_of_boolean(v) as
        case
            when lower(v) in ('true', 'yes', 'y', '1') then 'true'
            when lower(v) in ('false', 'no', 'n', '0') then 'false'
            else json_of(v)
        end;
    create macro json_of_any(v) as case when json_valid(v) then v else json_of(v) end;
    create macro iso_ms(v, zone) as
        case
            when regexp_full_match(
                v, '\\d{{4}}-\\d\\d-\\d\\d([T ]\\d\\d:\\d\\d(:\\d\\d([.,]\\d+)?)?)?'
            )
            then epoch_ms(timezone(zone, try_cast(replace(v, ',', '.') as timestamp)))
            when regexp_full_match(
                v,
                '\\d{{4}}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d(:\\d\\d([.,]\\d+)?)?'
                ' ?(Z|[-+]\\d\\d(:?\\d\\d)?)'
            )
            then epoch_ms(try_cast(replace(v, ',', '.') as timestamptz))
            when regexp_full_match(v, '\\d{{11,13}}') then try_cast(v as bigint)
        end;
"""


class Values:
    """The SQL for the values of one source; arguments are SQL that gives text or null."""

    def __init__(self, source: Source, procedure: Procedure, *, is_text: bool) -> None:
        self._source = source
        self._procedure = procedure
        self._namespace = literal(source.namespace.hex)
        self._decimal = source.decimal if is_text else "."
        self._types = {a.short_id: BY_NAME[a.type] for a in procedure.attributes}

    def id(self, value: str, prefix: str = "") -> str:
        """The id: as it is where it is a uuid, else made of the source and the key."""
        key = f"{literal(prefix)} || {value}" if prefix else value
        return (
            f"case when is_uuid({value}) then lower({value}) "
            f"else made_id({self._namespace}, {key}) end"
        )

    def user(self, value: str) -> str:
        return self.id(value, _USER)

    def milliseconds(self, value: str) -> str:
        """Epoch milliseconds; null where the value is not a time."""
        zone = literal(self._source.timezone)
        tries = [self._by_format(value, form, zone) for form in self._source.dates]
        return f"coalesce({', '.join([*tries, f'iso_ms({value}, {zone})'])})"

    def time(self, value: str) -> str:
        return f"coalesce({self.milliseconds(value)}::varchar, json_of({value}))"

    def field(self, name: str, value: str) -> str:
        """The JSON of a field of the record that is optional."""
        if name in _KINDS_OF_FIELDS:
            return f"json_of({self.id(value, _KINDS_OF_FIELDS[name])})"
        if name == "isDeleted":
            return f"json_of_boolean({value})"
        return self.time(value)

    def state(self, value: str) -> str:
        """The shortId of the state that a value means; any other value as it is."""
        known = {
            key.strip().lower(): state.short_id
            for state in self._procedure.states
            for key in (state.id, state.name, state.short_id)
        }
        known |= {key.strip().lower(): state for key, state in self._source.states.items()}
        return f"coalesce({_lookup(known, f'lower({value})')}, {value})"

    def status(self, value: str) -> str:
        """The status that a value of the status column means."""
        known = {key.strip().lower(): status for key, status in self._source.statuses.items()}
        return f"coalesce({_lookup(known, f'lower({value})')}, upper({value}))"

    def outcome(self, state: str) -> str:
        """The status in a state, where no column has it."""
        known = {self._procedure.completed_state: "COMPLETED", **self._source.outcomes}
        return f"coalesce({_lookup(known, state)}, 'OPEN')"

    def attribute(self, name: str, value: str) -> str:
        """The JSON of an attribute, as its type wants it."""
        kind = self._types[name]
        if kind.name.startswith("multi") and kind.sql_type.endswith("[]"):
            return self._several(value, is_number=kind.sql_type != "VARCHAR[]")
        if kind.sql_type in ("BIGINT", "DOUBLE") or kind.sql_type.startswith("DECIMAL"):
            return self._number(value)
        match kind.name:
            case "boolean":
                made = f"json_of_boolean({value})"
            case "date":
                made = self._date(value)
            case "datetime" | "datetimeISO8601":
                made = self.time(value)
            case "user":
                made = f"json_of({self.user(value)})"
            case "process":
                made = f"json_of({self.id(value)})"
            case _ if kind.sql_type == "JSON" or kind.name in ("geolocation", "googleAddress"):
                made = f"json_of_any({value})"
            case _:
                made = f"json_of({value})"
        return made

    def _number(self, value: str) -> str:
        plain = f"ltrim({value}, '+')"
        if self._decimal == ",":
            plain = f"replace(replace(replace({plain}, '.', ''), ' ', ''), ',', '.')"
        else:
            plain = f"replace({plain}, ',', '')"
        pattern = literal(_NUMBERS[self._decimal])
        return f"""
            case
                when regexp_full_match({value}, {pattern})
                    and regexp_full_match({plain}, '{_JSON_NUMBER}')
                then {plain}
                when {"false" if self._decimal == "," else "true"}
                    and regexp_full_match({value}, '{_JSON_NUMBER}')
                then {value}
                else json_of({value})
            end"""

    def _several(self, value: str, *, is_number: bool) -> str:
        separator = literal(self._source.separator or ";")
        one = self._number("trim(x)") if is_number else "json_of(trim(x))"
        return f"""
            case
                when starts_with({value}, '[') and json_valid({value}) then {value}
                else '[' || array_to_string(
                    list_transform(
                        list_filter(string_split({value}, {separator}), lambda x: trim(x) <> ''),
                        lambda x: {one}
                    ), ','
                ) || ']'
            end"""

    def _date(self, value: str) -> str:
        formats = [form for form in self._source.dates if form not in WORDS_OF_TIME]
        tries = [f"try_strptime({value}, {literal(form)})::date::varchar" for form in formats]
        day = f"coalesce({', '.join([*tries, 'null'])})"
        return f"""
            case
                when {day} is not null then json_of({day})
                when regexp_full_match({value}, '-?[0-9]{{1,13}}') then {value}
                else json_of(
                    regexp_replace({value}, '^(\\d{{4}}-\\d\\d-\\d\\d)[T ]00:00:00(\\.0+)?$', '\\1')
                )
            end"""

    def _by_format(self, value: str, form: str, zone: str) -> str:
        match form:
            case "iso":
                return f"iso_ms({value}, {zone})"
            case "milliseconds":
                return f"try_cast({value} as bigint)"
            case "seconds":
                pattern = r"\d{1,10}(\.\d+)?"
                milliseconds = f"round(try_cast({value} as double) * 1000)"
                return (
                    f"case when regexp_full_match({value}, '{pattern}') "
                    f"then try_cast({milliseconds} as bigint) end"
                )
            case _:
                parsed = f"try_strptime({value}, {literal(form)})"
                if "%z" in form or "%Z" in form:
                    return f"epoch_ms({parsed}::timestamptz)"
                return f"epoch_ms(timezone({zone}, {parsed}))"


def _lookup(known: Mapping[str, str], value: str) -> str:
    if not known:
        return "null"
    keys, values = _listed(known), _listed(known.values())
    return f"map({keys}, {values})[{value}]"


def _listed(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]"


def key_of(name: str) -> str:
    """SQL for a key of a JSON object with its colon."""
    return literal(f"{json.dumps(name, ensure_ascii=False)}:")
