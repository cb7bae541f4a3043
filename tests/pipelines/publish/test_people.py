"""`people.duckdb` has what is behind the keys of a generation; keys depend on the pepper."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.launch import run_job
from pipelines.publish.pepper import pepper_of
from pipelines.run import Request
from pipelines.settings import Settings
from schemas.errors import OperationError
from tests.support.builds import build_all
from tests.support.command_line import leadtime
from tests.support.in_clear import connect_in_clear
from tests.support.masked_orders import (
    ANN,
    AS_OF,
    MARK,
    ORDER,
    A,
    B,
    C,
    columns_of,
    define,
    key,
    marked,
    publish,
    rows,
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return publish(tmp_path_factory.mktemp("masking"))


def test_people_have_the_values_behind(settings: Settings) -> None:
    query = (
        "select process_id::varchar, mail, note, greeting, assigned_to_name from order_processes"
    )
    assert sorted(rows(settings.people, query)) == sorted(
        [
            (A, "zaphod@b.de", f"{MARK} has it", f"Dear {MARK} B", f"{MARK} Ann"),
            (B, None, f"{MARK} wants it", f"Dear {MARK} B", f"{MARK} Ann"),
            (C, None, None, None, f"{MARK} Ann"),
        ]
    )
    query = "select attribute, old_value, new_value from attribute_changes order by all"
    assert rows(settings.people, query) == [
        ("customer", f"{MARK} Ä", f"{MARK} B"),
        ("mail", "zaphod@a.de", "zaphod@b.de"),
        ("mail", "zaphod@a.de", None),
        ("note", f"{MARK} wants it", f"{MARK} has it"),
        ("pin", f"{MARK}8", None),
    ]
    keys = dict(rows(settings.people, "select value, key from keys"))
    assert keys == {value: key(settings, value) for value in keys}
    assert keys.keys() >= {
        *("zaphod@a.de", "zaphod@b.de", f"{MARK} Ä", f"{MARK} B", f"{MARK} Ann", f"{MARK}1", "S1"),
        *(f"{MARK} Q", f"Dear {MARK} B"),
    }
    assert keys.keys().isdisjoint({f"{MARK} wants it", f"{MARK}9", f"{MARK} Ltd", "1", "Zaph"})


def test_values_stand_in_place_of_their_keys(settings: Settings) -> None:
    with connect_in_clear(settings.published.resolve()) as con:
        query = """
            select mail, mail_key, customer, note, size, assigned_to_name, rating
            from order_processes where mail is not null
        """
        found = con.execute(query).fetchall()
        assert found == [
            ("zaphod@b.de", "open", f"{MARK} B", f"{MARK} has it", 2, f"{MARK} Ann", f"{MARK}1")
        ]
        query = "select attribute, old_value, new_value from attribute_changes order by all"
        assert con.execute(query).fetchall() == [
            ("customer", f"{MARK} Ä", f"{MARK} B"),
            ("mail", "zaphod@a.de", "zaphod@b.de"),
            ("mail", "zaphod@a.de", None),
            ("note", f"{MARK} wants it", f"{MARK} has it"),
            ("pin", f"{MARK}8", None),
            ("size", "1", "2"),
        ]


def test_queries_have_people_where_they_may_be_read(settings: Settings) -> None:
    query = """
        select k.value, x.note from order_processes as p
        inner join people.keys as k on k.key = p.mail_key_
        inner join people.order_processes as x using (process_id)
    """
    asked = ("query", query, "--csv", "-", "--data", settings.data)
    assert leadtime(*asked, "--personal").out.splitlines() == [
        '"value","note"',
        f'"zaphod@b.de","{MARK} has it"',
    ]
    assert leadtime(*asked).code == 1
    result = leadtime(
        "query", "from people.users", "--personal", "--data", settings.published.resolve()
    )
    assert (result.code, f"{MARK} Ann" in result.out) == (0, True)


@pytest.mark.nightly
def test_a_file_of_one_instant_is_masked_alike(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "march.duckdb"
    build_all(settings, replace(AS_OF, out=out))
    assert marked(out) == []
    assert MARK.lower().encode() not in out.read_bytes().lower()
    query = "select mail_key_, customer_key from order_processes order by process_id"
    assert rows(out, query) == rows(settings.published, query)
    assert [path.name for path in tmp_path.iterdir()] == ["march.duckdb"]
    result = leadtime("query", "from users", "--personal", "--data", out)
    assert (result.code, result.out) == (1, "")
    assert "there are no personal values beside it" in result.err


@pytest.mark.nightly
def test_one_pepper_for_all_runs_and_another_for_each_data_folder(
    settings: Settings, tmp_path: Path
) -> None:
    query = "select mail_key_ from order_processes where mail_key_ is not null"
    before, pepper = rows(settings.published, query), settings.pepper.read_text()
    build_all(settings, AS_OF)
    assert rows(settings.published, query) == before
    assert settings.pepper.read_text() == pepper
    other = publish(tmp_path)
    assert rows(other.published, query) != before
    assert settings.pepper.stat().st_mode & 0o777 == 0o600
    assert settings.pepper.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.nightly
def test_personal_values_are_written_when_they_change(tmp_path: Path) -> None:
    settings = publish(tmp_path)
    first = settings.people.resolve()
    assert first.name == "people-000001.duckdb"
    build_all(settings, AS_OF)
    assert settings.published.resolve().name == "analytics-000002.duckdb"
    assert settings.people.resolve() == first
    users = [{"id": ANN, "name": f"{MARK} Anne"}]
    (settings.landing / "users.ndjson").write_text(json.dumps(users[0]) + "\n")
    kept = replace(settings, keep=2)
    build_all(kept, AS_OF)
    assert settings.people.resolve().name == "people-000003.duckdb"
    # The second generation is still there, and has the first names.
    older = settings.generations / "analytics-000002.duckdb"
    query = "select name from people.users"
    result = leadtime("query", query, "--personal", "--csv", "-", "--data", older)
    assert result.out.splitlines() == ['"name"', f'"{MARK} Ann"']
    result = leadtime("query", query, "--personal", "--csv", "-", "--data", settings.data)
    assert result.out.splitlines() == ['"name"', f'"{MARK} Anne"']
    build_all(kept, AS_OF)
    build_all(kept, AS_OF)
    assert not first.exists()
    # A run that was killed before its generation had a name.
    (settings.people_files / "people-000006.duckdb").write_bytes(b"not complete")
    build_all(kept, AS_OF)
    assert settings.published.resolve().name == "analytics-000006.duckdb"
    assert [path.name for path in settings.people_files.iterdir()] == ["people-000003.duckdb"]


@pytest.mark.nightly
def test_a_changed_definition_or_pepper_is_published(tmp_path: Path) -> None:
    settings = publish(tmp_path)
    assert run_job(settings, Request()).is_new
    assert not run_job(settings, Request()).is_new
    clear = json.loads(
        json.dumps(ORDER).replace('"type": "email"', '"type": "email", "publish": "clear"')
    )
    define(settings, clear)
    assert run_job(settings, Request()).is_new
    query = "select mail from order_processes where mail is not null"
    assert rows(settings.published, query) == [("zaphod@b.de",)]
    define(settings, ORDER)
    assert run_job(settings, Request()).is_new
    assert "mail" not in columns_of(settings, "order_processes")
    before = rows(settings.published, "from users")
    settings.pepper.unlink()
    assert run_job(settings, Request()).is_new
    assert rows(settings.published, "from users") != before
    assert not run_job(settings, Request()).is_new


@pytest.mark.parametrize("text", ["", "a guess", "00" * 31, "zz" * 32])
def test_a_file_that_is_not_a_pepper_is_refused(tmp_path: Path, text: str) -> None:
    settings = Settings(data=tmp_path)
    settings.pepper.parent.mkdir()
    settings.pepper.write_text(text)
    with pytest.raises(OperationError, match="is not a pepper") as raised:
        pepper_of(settings)
    assert "Restore the file from a backup" in str(raised.value)
    assert text == "" or text not in str(raised.value)
    settings.pepper.unlink()
    assert len(pepper_of(settings)) == 32
    assert [*settings.temporary.iterdir()] == []
