"""The published database has keys of personal values, or nothing; and no value in clear."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import duckdb
import pytest

from pipelines.publish.masking import keys_under
from pipelines.publish.pepper import pepper_of
from pipelines.settings import Settings
from schemas.definitions.attribute_types import ATTRIBUTE_TYPES, BY_NAME
from tests.pipelines.publish.test_types import first_good
from tests.support.attribute_rows import OPTIONS
from tests.support.masked_orders import (
    ANN,
    MARK,
    ORDER,
    A,
    B,
    attribute,
    columns_of,
    key,
    marked,
    publish,
    rows,
    rows_uuid,
    version,
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return publish(tmp_path_factory.mktemp("masking"))


def test_keys_are_those_of_hmac() -> None:
    texts = ["", "a", "Ännä ☃ \U0001f600", "x" * 200, "a\0b"]
    for pepper in (b"p" * 32, b"", b"q" * 64):
        with duckdb.connect() as con, keys_under(con, pepper):
            for text in texts:
                ((found,),) = con.execute("select key_of($text)", {"text": text}).fetchall()
                expected = hmac.new(pepper, text.encode(), hashlib.sha256).hexdigest()[:32]
                assert found == expected
            assert con.execute("select key_of(null)").fetchall() == [(None,)]
    with duckdb.connect() as con:
        with keys_under(con, b"p" * 32):
            pass
        assert con.execute("select getvariable('key_inner')").fetchall() == [(None,)]


def test_direct_values_are_keys_and_indirect_ones_are_left_out(settings: Settings) -> None:
    names = columns_of(settings, "order_processes")
    assert names >= {
        *("mail_key", "mail_key_", "customer_key", "size", "nickname", "shelf_key", "rating_key"),
        *("greeting_key", "is_big", "supplied_key", "record_owner_key", "record_town"),
        *("assigned_to_name_key", "created_by_name_key", "team_name"),
    }
    assert names.isdisjoint(
        {
            *(
                "mail",
                "customer",
                "note",
                "pin",
                "shelf",
                "rating",
                "greeting",
                "summary",
                "supplied",
            ),
            *(
                "note_key",
                "pin_key",
                "summary_key",
                "record_owner",
                "record_name",
                "record_name_key",
            ),
            *("assigned_to_name", "created_by_name", "greeting_supplied", "summary_supplied"),
        }
    )
    query = "select mail_key, mail_key_, customer_key, nickname, shelf_key, greeting_key from "
    found = rows(
        settings.published,
        f"{query} order_processes order by process_id = '{A}' desc, process_id = '{B}' desc",
    )
    assert found == [
        (
            "open",
            key(settings, "zaphod@b.de"),
            key(settings, f"{MARK} B"),
            "Zaph",
            key(settings, "S1"),
            key(settings, f"Dear {MARK} B"),
        ),
        (
            "open",
            None,
            key(settings, f"{MARK} B"),
            "Zaph",
            key(settings, "S1"),
            key(settings, f"Dear {MARK} B"),
        ),
        ("open", None, None, "Zaph", None, None),
    ]
    query = "select assigned_to::varchar, assigned_to_name_key, record_town from order_processes"
    name = key(settings, f"{MARK} Ann")
    assert rows(settings.published, query) == [(ANN, name, "Bonn")] * 3
    assert rows(settings.published, "from users") == [(rows_uuid(ANN), name)]
    assert columns_of(settings, "users") == {"user_id", "name_key"}
    assert columns_of(settings, "records") == {"record_id"}


def test_changes_have_keys_that_join(settings: Settings) -> None:
    query = "select attribute, process_id::varchar, old_value, new_value from attribute_changes"
    assert sorted(rows(settings.published, query), key=str) == sorted(
        [
            ("mail", A, key(settings, "zaphod@a.de"), key(settings, "zaphod@b.de")),
            ("mail", B, key(settings, "zaphod@a.de"), None),
            ("customer", A, key(settings, f"{MARK} Ä"), key(settings, f"{MARK} B")),
            ("note", A, None, None),
            ("pin", B, None, None),
            ("size", A, "1", "2"),
        ],
        key=str,
    )
    query = """
        select p.process_id::varchar from attribute_changes as c
        inner join order_processes as p on p.mail_key_ = c.new_value where c.attribute = 'mail'
    """
    assert rows(settings.published, query) == [(A,)]


def test_values_at_an_instant_have_keys(settings: Settings) -> None:
    query = f"""
        select tracked from processes_at((select as_of from build)) where process_id = '{A}'
    """
    ((tracked,),) = rows(settings.published, query)
    assert tracked == {
        "customer": key(settings, f"{MARK} B"),
        "mail": key(settings, "zaphod@b.de"),
        "note": None,
        "pin": None,
        "size": "2",
    }


def test_groups_have_keys_that_join(settings: Settings) -> None:
    query = """
        select distinct value, processes from funnel_breakdowns
        where mode = 'ordered' and step_no = 1 and attribute = '{}' order by all
    """
    found = rows(settings.published, query.format("customer"))
    # Values are those at the entry.
    at_entry = {key(settings, f"{MARK} Ä"): 1, key(settings, f"{MARK} B"): 1, None: 1}
    assert dict(found) == at_entry
    assert [value for value, _ in found] == [*sorted(v for v in at_entry if v), None]
    assert rows(settings.published, query.format("size")) == [("1", 3)]
    query = "select distinct value from outcome_curves_by where attribute = 'customer'"
    assert set(rows(settings.published, query)) == {(key(settings, f"{MARK} B"),), (None,)}


def test_a_violation_shows_place_and_rule(settings: Settings) -> None:
    query = """
        select rule, column_name, value from violations
        where rule in ('attr:mail:type', 'core:primary_key:unique') order by rule
    """
    assert rows(settings.published, query) == [("attr:mail:type", "mail", "***")]


def test_no_value_is_found_in_the_published_database(settings: Settings) -> None:
    assert marked(settings.published) == []
    written = settings.published.read_bytes().lower()
    assert MARK.lower().encode() not in written
    assert b"zaph" in written, "what is published in clear is found so"
    pepper = pepper_of(settings)
    assert (pepper not in written, pepper.hex().encode() not in written) == (True, True)
    behind = settings.people.read_bytes()
    assert (pepper not in behind, pepper.hex().encode() not in behind) == (True, True)
    assert {place.partition(".")[0] for place in marked(settings.people)} == {
        *("attribute_changes", "attribute_spells", "keys", "order_processes", "records", "users"),
    }


@pytest.mark.parametrize("personal", ["direct", "indirect"])
def test_no_value_of_any_type_is_published(tmp_path: Path, personal: str) -> None:
    values = {f"a_{kind}": first_good(kind) for kind in ATTRIBUTE_TYPES}
    definition = ORDER | {
        "attributes": [
            attribute(
                f"a_{kind}",
                kind,
                personal=personal,
                track=True,
                **({"options": [*OPTIONS[kind]]} if kind in OPTIONS else {}),
            )
            for kind in ATTRIBUTE_TYPES
        ],
        "derivedAttributes": [],
        "recordAttributes": [],
        "compareBy": [],
        "funnels": [],
    }
    del definition["primaryKey"], definition["primaryIdentifier"]
    lines = [
        version(A, 0) | {"data": {}},
        version(A, 1) | {"data": values},
    ]
    settings = publish(tmp_path, definition, orders=lines)
    names = {name for kind in ATTRIBUTE_TYPES for name in BY_NAME[kind].columns(f"a_{kind}")}
    published = columns_of(settings, "order_processes")
    assert published.isdisjoint(names)
    keyed = {f"{name}_key" for name in names}
    assert published & keyed == (keyed if personal == "direct" else set())
    changes = rows(settings.published, "select old_value, new_value from attribute_changes")
    assert len(changes) == len(ATTRIBUTE_TYPES)
    for old, new in changes:
        assert old is None
        assert (new is None) if personal == "indirect" else len(new) == 32
    clear = rows(settings.people, "select count(*), count(new_value) from attribute_changes")
    assert clear == [(len(ATTRIBUTE_TYPES), len(ATTRIBUTE_TYPES))]
    if personal == "direct":
        ordered = sorted(names)
        query = f"select {', '.join(f'{name}_key' for name in ordered)} from order_processes"
        (keys,) = rows(settings.published, query)
        query = f"select {', '.join(f'{name}::varchar' for name in ordered)} from order_processes"
        (texts,) = rows(settings.people, query)
        assert keys == tuple(key(settings, text) for text in texts)


def test_the_catalogue_describes_what_is_published(settings: Settings) -> None:
    query = """
        select column_name, data_type, personal, description from metric_catalog
        where table_name = 'order_processes' and column_name in ('customer_key', 'note')
    """
    ((name, kind, personal, described),) = rows(settings.published, query)
    assert (name, kind, personal) == ("customer_key", "VARCHAR", "direct")
    assert described.startswith("Key (keyed hash) of `customer`: equal values have equal keys")
    query = "select comment from duckdb_tables() where table_name = 'order_processes'"
    ((comment,),) = rows(settings.published, query)
    assert "Not published, as possibly personal data: `record_name`, `note`, `pin`" in comment
