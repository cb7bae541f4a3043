"""The types that are guessed from values: literal values in, a type out.

Names, states and whole files are tested in test_infer.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.infer.guesses import is_personal_key
from tests.support.infer_files import (
    HOUR,
    PROCEDURE,
    START,
    inferred,
    inferred_value,
    loaded,
    notes,
    proposed,
    record,
    write,
)

DAY_MS = 86_400_000
BARE = "40bf06a3-6664-5293-a1d1-eeb6662731c4"


@pytest.mark.parametrize(
    ("key", "values", "type_"),
    [
        ("k", [1, -5, 120, 0], "integer"),
        ("k", [1, 2.0, 3], "integer"),
        ("k", [9223372036854775807, -9223372036854775808], "integer"),
        ("k", [1, 2.5, 0.25], "decimal"),
        ("k", [1.234567, 2.5, 0.1234567], "float"),
        ("k", [1e-12, 2.5], "float"),
        ("k", [1e30, 2.5], "float"),
        ("k", [True, False], "boolean"),
        ("k", ["true", "no", "y"], "booleanText"),
        ("k", ["2026-01-31", "2026-02-01"], "date"),
        ("k", ["12:30", "23:59:59"], "time"),
        ("k", ["2026-01-31T12:30:00", "2026-02-01 08:00"], "datetime"),
        ("k", ["2026-01-31T12:30:00Z", "2026-02-01T08:00:00+02:00"], "datetimeISO8601"),
        ("k", [1_760_000_000_000 + n * DAY_MS for n in range(5)], "datetime"),
        ("k", ["a@b.de", "c@d.org"], "email"),
        ("k", ["https://a.de/x", "www.b.org"], "url"),
        ("website", ["a.de", "b.org/c"], "url"),
        ("version", ["1.2.3", "2.0.1"], "stringId"),
        ("k", ["+49 30 1234567", "+1 (212) 555-0100"], "phone"),
        ("mobile", ["0301234567", "030 7654321"], "phone"),
        ("postal", ["01234", "99999"], "stringId"),
        ("month", ["Jan", "march", "12"], "monthOfYear"),
        ("k", [{"a": 1}, {"b": [2]}], "json"),
        ("k", [[1, "a"], []], "json"),
        ("k", [[], []], "json"),
        ("k", [1, "two", [3]], "json"),
        ("k", ["a sentence of words", "another one"], "string"),
        ("k", ["word " * 30, "other " * 30], "text"),
        ("k", [None, "", None], "string"),
    ],
)
def test_types_by_what_all_values_are(
    tmp_path: Path, key: str, values: list[object], type_: str
) -> None:
    attribute = inferred_value(tmp_path, key, values)
    assert attribute.type == type_
    assert attribute.required == all(value not in (None, "") for value in values)


@pytest.mark.parametrize(
    ("good", "bad", "type_"),
    [
        (7, "n/a", "integer"),
        (7, "146", "integer"),
        (2.5, "two", "decimal"),
        ("2026-01-31", "2026-13-45", "date"),
        ("a@b.de", "ask reception", "email"),
        (True, "maybe", "boolean"),
    ],
)
def test_a_few_dirty_values_change_nothing_and_are_counted(
    tmp_path: Path, good: object, bad: object, type_: str
) -> None:
    records = [record(n, data={"k": bad if n == 0 else good}) for n in range(40)]
    text = proposed(write(tmp_path / "a.ndjson", records))
    (attribute,) = loaded(text, tmp_path).attributes
    assert attribute.type == type_
    says = "all values convert" if bad == "146" else "1 of 40 do not convert"
    assert notes(text)["k"] == f"in 40 of 40 versions; {says}"
    many = [record(n, data={"k": bad if n % 2 else good}) for n in range(40)]
    assert inferred(tmp_path, many).attributes[0].type != type_ or bad == "146"


def test_numbers_as_text_stay_text(tmp_path: Path) -> None:
    assert inferred_value(tmp_path, "k", ["1", "2", "2", "1"]).type == "string"


# Enums


def test_few_values_that_come_back_are_options_in_order_of_their_number(tmp_path: Path) -> None:
    values = ["web"] * 30 + ["shop"] * 50 + ["fair"] * 20
    attribute = inferred_value(tmp_path, "source", values)
    assert (attribute.type, attribute.options) == ("stringEnum", ("shop", "web", "fair"))


def test_a_value_of_one_process_is_not_an_option(tmp_path: Path) -> None:
    values = ["web"] * 60 + ["shop"] * 60 + ["shpo"]
    records = [record(n, data={"source": value}) for n, value in enumerate(values)]
    # Ten versions of one process are no more proof than one.
    records += [record(120, hours, data={"source": "shpo"}) for hours in range(1, 2)]
    text = proposed(write(tmp_path / "a.ndjson", records))
    (attribute,) = loaded(text, tmp_path).attributes
    assert attribute.options == ("shop", "web")
    assert notes(text)["source"].endswith("2 options, 2 of 122 values left out as too rare")


@pytest.mark.parametrize(
    ("values", "type_", "options"),
    [
        ([1, 2, 3, 4] * 20, "integerEnum", (1, 2, 3, 4)),
        ([0, 1, 2] * 20, "integer", ()),
        ([1, 2, 4] * 20, "integer", ()),
        ([1] * 40, "integer", ()),
        (list(range(1, 31)) * 10, "integer", ()),
        (["a", "b"] * 5, "string", ()),
        (["a"] * 50, "string", ()),
        (["1 - High", "no: 2", "#3", "null"] * 20, "stringEnum", None),
        (["1", "1", 2] * 20, "string", ()),
        ([["a", "b"], ["a"], [], ["b"]] * 20, "multiStringEnum", ("a", "b")),
        ([[1, 2], [2]] * 20, "multiIntegerEnum", (2, 1)),
        ([[1.5, 2], [2.5]] * 20, "multiFloatEnum", (1.5, 2.0, 2.5)),
        ([["a", 1], ["b"]] * 20, "json", ()),
        ([[f"id-{n}"] for n in range(60)], "json", ()),
    ],
)
def test_what_becomes_an_enum(
    tmp_path: Path, values: list[object], type_: str, options: tuple[object, ...] | None
) -> None:
    attribute = inferred_value(tmp_path, "k", values)
    assert attribute.type == type_
    assert set(attribute.options) == set(values if options is None else options)


# Persons


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("full_name", True),
        ("fullName", True),
        ("E-Mail", True),
        ("birthDate", True),
        ("contact", True),
        ("contact_type", False),
        ("customer_segment", False),
        ("priority", False),
        ("number", False),
        ("unnamed", False),
        (BARE, False),
    ],
)
def test_keys_that_sound_like_persons(key: str, expected: bool) -> None:
    assert is_personal_key(key) is expected


@pytest.mark.parametrize(
    ("key", "values", "is_personal"),
    [
        ("k", ["Ada Lovelace", "Alan Turing"] * 20, True),
        ("k", ["Cold call", "Web site"] * 20, False),
        ("k", ["In Arbeit", "Zu Tun", "offen", "neu", "alt"] * 20, False),
        ("owner", ["team-1", "team-2"] * 20, True),
        ("birth_date", ["2001-01-31", "1999-12-31"], True),
        ("salary", [1000, 2000], True),
        ("k", [f"call number {n}" for n in range(9)], True),
        (BARE, ["door is broken", "light is broken", "no water"] * 3, True),
        (BARE, ["AX", "BX", "CX"] * 3, True),
        (BARE, ["AX", "BX", "CX"] * 30, False),
        ("k", [f"INC{n}" for n in range(9)], False),
    ],
)
def test_values_that_may_be_about_persons_are_marked(
    tmp_path: Path, key: str, values: list[object], is_personal: bool
) -> None:
    attribute = inferred_value(tmp_path, key, values)
    assert attribute.is_personal is is_personal
    assert not (is_personal and attribute.options)


def test_derived_values_get_types_alike(tmp_path: Path) -> None:
    records = [record(n, derivedData={"k": n / 2, "plan": "ab"[n % 2]}) for n in range(40)]
    derived = inferred(tmp_path, records).derived_attributes
    assert [(d.short_id, d.type, d.options) for d in derived] == [
        ("k", "decimal", ()),
        ("plan", "stringEnum", ("a", "b")),
    ]
    assert inferred(tmp_path, records).id == PROCEDURE


# Numbers and times as text


@pytest.mark.parametrize(
    ("key", "values", "type_"),
    [
        ("amount", [f"{n}.{n:02}" for n in range(40)], "decimal"),
        ("budget", [str(1000 + n) for n in range(40)], "decimal"),
        ("distance", [f"{n}.5" for n in range(40)], "decimal"),
        ("number", [str(1000 + n) for n in range(40)], "stringId"),
        ("amount_code", [f"{n}.5" for n in range(40)], "stringId"),
        ("cost", [f"{n:05}" for n in range(40)], "stringId"),
        ("opened", [str(START + n * HOUR) for n in range(40)], "datetime"),
        ("opened", [START + n * HOUR for n in range(40)], "datetime"),
        ("number", [str(START + n * HOUR) for n in range(40)], "stringId"),
    ],
)
def test_numbers_and_times_as_text(
    tmp_path: Path, key: str, values: list[object], type_: str
) -> None:
    attribute = inferred_value(tmp_path, key, values)
    assert attribute.type == type_
    assert attribute.unique == (type_ == "stringId")
