"""Lines that are taken as clean are accepted lines without any violation, and nothing else differs.

Random definitions and random lines with every kind of damage, with and without the short cut.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from pipelines.ingest.chunks import split_lines
from pipelines.ingest.validate_chunks import ChunkValidators
from pipelines.ingest.validated_chunk import ValidatedChunk
from pipelines.simulator import simulate
from schemas.definitions.attribute_types import ATTRIBUTE_TYPES, BY_NAME
from schemas.definitions.procedure import Attribute, DerivedAttribute, Procedure, Procedures, State
from schemas.records.limits import latest_ms
from tests.support.attribute_rows import OPTIONS, PLAIN_ROWS
from tests.support.identifiers import uid
from tests.support.landing_zone import NOW, PROCEDURES, START, Zone
from tests.support.structured_rows import STRUCTURED_ROWS
from transforms.macros.load import MACROS
from transforms.validate.documents import DocumentValidator

ROWS = PLAIN_ROWS | STRUCTURED_ROWS
TEXTS = {kind: [text for text, *_ in rows] for kind, rows in ROWS.items()}
GOOD = {kind: [text for text, _, *rules in rows if not rules] for kind, rows in ROWS.items()}
LATEST = latest_ms(NOW)
STATES = (
    State(id=uid("new"), short_id="NEW", kind="queue"),
    State(id=uid("work"), short_id="In work", kind="work"),
    State(id=uid("done"), short_id="DONE", kind="done"),
)
PERSON, PROCESS = uid("person"), uid("process")


def procedure(name: str, kinds: list[str], dice: random.Random, **options: Any) -> Procedure:
    """A procedure with an attribute of each kind, the last of which is derived."""
    parts: list[dict[str, Any]] = [
        {
            "id": uid(f"{name} {number}"),
            "short_id": dice.choice((f"{kind}{number}", f"{kind} ü{number}", f'"{number}\\', kind)),
            "type": kind,
            "options": OPTIONS.get(kind, ()),
            "aliases": (f"old{number}",) if dice.random() < 0.3 else (),
        }
        for number, kind in enumerate(kinds)
    ]
    required = [dice.random() < 0.15 for _ in parts]
    return Procedure(
        id=uid(name),
        short_id=name,
        entity=dice.choice((None, uid("entity"))),
        attributes=tuple(
            Attribute(**part, required=is_required)
            for part, is_required in zip(parts[:-1], required, strict=False)
        ),
        derived_attributes=tuple(DerivedAttribute(**part) for part in parts[-1:]),
        states=STATES,
        start_state="NEW",
        completed_state="DONE",
        **options,
    )


def text_of(kind: str, dice: random.Random) -> str:
    """The JSON text of a value, plain or one of those that test the type."""
    roll = dice.random()
    if roll < 0.02:
        return dice.choice(ODD_TEXTS)
    return dice.choice(TEXTS[kind] if roll < 0.15 else GOOD[kind])


ODD_TEXTS = (
    "12345678901234567.25",
    "0.10000000000000000555",
    "1e5",
    "-0",
    "NaN",
    '"\\ud83d"',
    '"\\ud83d\\ude00"',
    '"a\\u0000b"',
    '"\ufffd"',
    '"\\\\"',
    '{"a":[1,{"b":[{"c":{"d":1}}]}]}',
    '{"a": 12345678901234567.25}',
    f'{{"{PERSON.upper()}":1}}',
    '[1, 2.5, null, "x"]',
    "[Infinity]",
    '"null"',
    '":null"',
)


def document(values: tuple[Any, ...], dice: random.Random) -> str:
    """A JSON object with some of the values under some of their keys."""
    members: list[str] = []
    convention = dice.randrange(3)
    for value in values:
        keys = (value.id, value.short_id, *value.aliases)
        if dice.random() < 0.1:
            continue
        key = keys[min(convention, len(keys) - 1)]
        if dice.random() < 0.02:
            key = dice.choice((*keys, value.id.upper(), "undeclared", ""))
        copies = 2 if dice.random() < 0.01 else 1
        for _ in range(copies):
            name = json.dumps(key, ensure_ascii=dice.random() < 0.5)
            members.append(f"{name}:{dice.choice(('', ' '))}{text_of(value.type, dice)}")
    dice.shuffle(members)
    return "{" + ",".join(members) + "}"


FIELDS: dict[str, tuple[Callable[[random.Random], Any], ...]] = {
    "id": (lambda _: PROCESS.upper(), lambda _: "x", lambda _: None, lambda _: f"{{{PROCESS}}}"),
    "team": (lambda _: PROCESS.replace("-", ""), lambda _: 5, lambda _: PROCESS + " "),
    "status": (
        lambda _: "COMPLETED",
        lambda _: "CANCELLED",
        lambda _: "DONE",
        lambda _: "open",
        lambda _: "",
    ),
    "state": (
        lambda _: "DONE",
        lambda _: "done",
        lambda _: "In work",
        lambda _: "in WORK",
        lambda _: STATES[2].id.upper(),
        lambda _: "gone",
        lambda _: None,
    ),
    **dict.fromkeys(
        ("createdAt", "updatedAt"),
        (
            lambda dice: START + dice.randrange(-10, 10),
            lambda _: 1_000,
            lambda _: LATEST,
            lambda _: LATEST + 1,
            lambda _: str(START),
            lambda _: START + 0.5,
            lambda _: float(START),
            lambda _: 0,
        ),
    ),
    **dict.fromkeys(
        ("completedAt", "cancelledAt", "firstAssignedAt", "lastAssignedAt", "nextActionAt"),
        (
            lambda dice: START + dice.randrange(-10, 10),
            lambda _: 0,
            lambda _: None,
            lambda _: "never",
            lambda _: LATEST + 1,
            lambda _: 1.5e12,
            lambda _: -START,
        ),
    ),
    **dict.fromkeys(
        ("createdBy", "assignedTo", "entity", "record", "parentProcedure", "parentProcess"),
        (
            lambda _: PERSON,
            lambda _: PERSON.upper(),
            lambda _: uid("entity"),
            lambda _: "",
            lambda _: None,
            lambda _: "null",
            lambda _: "nobody",
        ),
    ),
    "isDeleted": (lambda _: True, lambda _: None, lambda _: "true", lambda _: 1),
    "unknown": (lambda _: [float("nan")], lambda _: {"id": 1}, lambda _: "\ufffd"),
}


def line(procedures: list[Procedure], dice: random.Random) -> bytes:
    """A version as it may arrive: mostly good, with few fields changed, or not a record at all."""
    mine = dice.choice(procedures)
    record: dict[str, Any] = {
        "id": uid(f"process {dice.randrange(5)}"),
        "team": uid("team"),
        "procedure": dice.choice((mine.id, mine.id, mine.id, mine.id.upper(), uid("none"))),
        "status": "OPEN",
        "state": dice.choice(("NEW", STATES[0].id)),
        "createdAt": START,
        "updatedAt": START + dice.randrange(3),
    }
    for name in dice.sample(sorted(FIELDS), k=dice.choice((0, 0, 1, 1, 2, 5))):
        record[name] = dice.choice(FIELDS[name])(dice)
    if dice.random() < 0.1:
        del record[dice.choice(sorted(record))]
    text = json.dumps(record, ensure_ascii=dice.random() < 0.5)[:-1]
    documents = (("data", mine.attributes), ("derivedData", mine.derived_attributes))
    for name, values in documents:
        if dice.random() < 0.95:
            shown = document(values, dice) if dice.random() < 0.97 else dice.choice(ODD_TEXTS)
            text += f', "{name}": {shown}'
    return DAMAGE[0 if dice.random() < 0.9 else dice.randrange(len(DAMAGE))](text + "}").encode(
        errors="surrogatepass"
    )


DAMAGE: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    lambda text: text + "\r",
    lambda text: f"  {text} ",
    lambda _: "",
    lambda _: " \t",
    lambda _: "{}",
    lambda _: "null",
    lambda text: f"[{text}]",
    lambda text: text[:-7],
    lambda text: text + text,
    lambda text: text[:-1] + ', "id": "again"}',
    lambda text: text[:-1] + ', "other": 1, "other": 2}',
    lambda text: text[:-1] + ",}",
    lambda text: text.replace('"', "'"),
    lambda text: text + "\ud800",
    lambda text: text[:-1] + ', "x": "\x01"}',
)


def results(work: Callable[..., Iterator[Any]], files: dict[str, bytes]) -> dict[str, Any]:
    """For each file what became of its lines, in order."""
    parts = [
        part
        for name, body in files.items()
        for part in [
            *((name, chunk) for chunk in split_lines(iter([body]), lambda: 0, 4_000)),
            (name, None),
        ]
    ]
    found: dict[str, list[ValidatedChunk]] = {name: [] for name in files}
    ended: list[str] = []
    for name, validated in work(parts):
        assert name not in ended, "no line comes after the end of its file"
        if validated is None:
            ended.append(name)
        else:
            found[name].append(validated)
    assert ended == list(files)
    return {name: summed(chunks) for name, chunks in found.items()}


def summed(chunks: list[ValidatedChunk]) -> dict[str, Any]:
    frames = {
        name: pl.concat([getattr(chunk, name) for chunk in chunks]).sort(
            "line", maintain_order=True
        )
        for name in ("accepted", "violations", "rejected")
    }
    return {
        "lines": sum(chunk.lines for chunk in chunks),
        "blank": sum(chunk.blank for chunk in chunks),
        **{name: frame.rows(named=True) for name, frame in frames.items()},
    }


@given(seed=st.integers(0, 2**32), strict=st.booleans())
@example(seed=418_661, strict=False)  # a line with a blank at its end beside half a character
@example(seed=23_487, strict=False)  # a number of many digits that a double prints with few
@settings(max_examples=2, deadline=None)
def test_clean_lines_are_stored_as_if_they_had_been_validated(seed: int, *, strict: bool) -> None:
    dice = random.Random(seed)
    procedures = [
        procedure(name, dice.sample(ATTRIBUTE_TYPES, k=dice.randrange(1, 14)), dice, strict=strict)
        for name in ("order", "claim")
    ]
    files = {
        name: b"\n".join(line(procedures, dice) for _ in range(150)) for name in ("a", "b", "c")
    }
    with ChunkValidators(duckdb.connect(), Procedures(tuple(procedures), {}), LATEST) as validators:
        expected = results(validators.validate, files)
        assert results(validators.take_in, files) == expected


FORMS = {BY_NAME[kind].conversion.plain: kind for kind in ATTRIBUTE_TYPES}
# Of these only brackets have to agree, as the text is known to be JSON.
FORMS = {form: kind for form, kind in FORMS.items() if "{0,35}" not in form}
VISIBLE = st.characters(min_codepoint=32, exclude_categories=("Cs",), exclude_characters="\ufffd")


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("kind", FORMS.values())
@given(data=st.data())
@settings(max_examples=2, deadline=None, phases=[Phase.generate])
def test_no_rule_objects_to_a_plain_form(
    con: duckdb.DuckDBPyConnection, kind: str, data: st.DataObject
) -> None:
    form = BY_NAME[kind].conversion.plain
    text = st.from_regex(form, fullmatch=True, alphabet=VISIBLE).filter(is_json)
    texts = data.draw(st.lists(text, min_size=8))
    only = Procedure(
        id=uid("order"),
        short_id="order",
        attributes=(Attribute(id=uid("x"), short_id="x", type=kind, required=True),),
        states=STATES,
        start_state="NEW",
        completed_state="DONE",
    )
    documents = [f'{{"x":{text}}}' for text in texts]
    frame = pl.DataFrame({"line": range(len(texts)), "data": documents, "derived_data": "{}"})
    _, violations = DocumentValidator.of(only).validate(con, frame)
    of_form = pl.col("rule").str.ends_with(":isin").not_()
    assert violations.filter(of_form).join(frame, on="line").rows(named=True) == []


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(MACROS)
        yield con


@pytest.mark.nightly
def test_simulated_files_give_the_same_tables_when_every_line_is_validated(tmp_path: Path) -> None:
    simulate(tmp_path / "landing", versions=1_200, seed=4, end=datetime(2026, 5, 1, tzinfo=UTC))
    fast, slow = Zone(tmp_path / "landing"), Zone(tmp_path / "landing")
    fast.ingest()
    slow.ingest(finds_clean=False)
    for table in ("process_versions", "violations", "quarantine", "ingest_files"):
        query = f"select * from raw.{table} order by all"
        assert fast.rows(query) == slow.rows(query)


def test_most_of_what_no_rule_objects_to_is_clean(tmp_path: Path) -> None:
    simulate(tmp_path, versions=1_200, seed=4, end=datetime(2026, 5, 1, tzinfo=UTC))
    body = b"".join(file.read_bytes() for file in sorted(tmp_path.glob("*.ndjson")))
    (chunk,) = split_lines(iter([body]), lambda: 0)
    with ChunkValidators(duckdb.connect(), PROCEDURES, LATEST) as validators:
        ((_, validated),) = validators.validate([("", chunk)])
        clean, *_ = [part for _, part in validators.take_in([("", chunk)]) if part]
    assert validated is not None
    good = validated.accepted.height - validated.violations["line"].n_unique()
    assert clean.accepted.height > 0.95 * good
    assert clean.lines == clean.accepted.height
