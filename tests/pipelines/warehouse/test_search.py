"""Values are found wherever they stand as a whole word, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.warehouse.search import Matches, Needles, holds, search_database, search_file


def test_only_values_that_are_long_enough_are_searched_for() -> None:
    given_ = [
        "Bo",
        "Anna",
        "Annas",
        "王小明",
        "  Al Q  ",
        "123456",
        "1234567",
        "+49 (30) 1",
        "52.52",
        "",
    ]
    assert Needles.of(given_).texts == ("+49 (30) 1", "1234567", "Annas", "王小明")


@pytest.mark.parametrize(
    ("needle", "text", "n"),
    [
        ("Annegret", "annegret", 1),
        ("Annegret", "x annegret, ANNEGRET", 2),
        ("Annegret", "Annegrets", 0),
        ("Annegret", "xAnnegret", 0),
        ("Müller-Ohm", "MÜLLER-OHM.", 1),
        ("Müller", '{"a":"M\\u00fcller"}', 1),
        ('say "hi"', r'{"a":"say \"hi\""}', 1),
        ("a.b@c.de", "aXb@c.de", 0),
        ("1234567", "91234567", 0),
        ("1234567", "1234567", 1),
    ],
)
def test_a_value_is_found_as_a_word_in_any_case(needle: str, text: str, n: int) -> None:
    assert Needles.of([needle]).count_in(text) == n


@pytest.mark.parametrize("n_others", [0, 100])
def test_every_column_of_every_table_is_searched(tmp_path: Path, n_others: int) -> None:
    path = tmp_path / "a.duckdb"
    with duckdb.connect(path) as con:
        con.execute(
            """
            create schema raw;
            create table raw.one as select 1 as id, 'x Annegret' as name, ['a', 'annegret'] as list,
                {'k': 'ANNEGRET'} as struct, '{"a":"Annegret"}'::json as document,
                date '1980-01-02' as born, 3.5 as n, null::varchar as nothing;
            create table raw.two as select 'nobody' as name union all select 'Annegret';
            """
        )
    needles = Needles.of(["Annegret", "1980-01-02", *(f"other {n}" for n in range(n_others))])
    matches = Matches()
    with duckdb.connect() as con:
        con.execute(f"attach '{path}' as searched (read_only)")
        search_database(con, "searched", needles, matches, name="a")
    assert matches.columns == 9
    assert matches.places == {
        "a raw.one.name": 1,
        "a raw.one.list": 1,
        "a raw.one.struct": 1,
        "a raw.one.document": 1,
        "a raw.one.born": 1,
        "a raw.two.name": 1,
    }
    assert matches.total == 6


def test_bytes_and_names_of_files_are_searched(tmp_path: Path) -> None:
    needles, matches = Needles.of(["Annegret"]), Matches()
    for name, content in (
        ("a", b"\xff\x00annegret\x00"),
        ("b", b"anne gret"),
        ("annegret.txt", b""),
    ):
        (tmp_path / name).write_bytes(content)
        search_file(tmp_path / name, needles, matches, name=name)
    assert (matches.files, matches.places) == (3, {"a": 1, "annegret.txt": 1})


def test_a_value_across_two_blocks_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.warehouse.search._BLOCK_BYTES", 10)
    (tmp_path / "a").write_bytes(b"1234567 Annegret 1234567")
    matches = Matches()
    search_file(tmp_path / "a", Needles.of(["Annegret"]), matches, name="a")
    assert matches.total > 0


@given(
    texts=st.lists(
        st.text(alphabet="abÄ.'\\ \"%é", min_size=5, max_size=8), min_size=1, max_size=70
    ),
    text=st.text(alphabet="abÄ.'\\ \"%é", max_size=20),
)
@settings(deadline=None)
def test_the_engine_misses_nothing_that_python_finds(texts: list[str], text: str) -> None:
    needles = Needles.of(texts)
    with duckdb.connect() as con:
        ((found,),) = con.execute(
            f"select {holds('t', needles)} from (select $text as t)", {"text": text}
        ).fetchall()
    assert found or not needles.count_in(text)


def test_no_values_are_found_nowhere() -> None:
    assert holds("x", Needles()) == "false"
    assert Needles().count_in("x") == 0
    assert Needles().count_in_bytes(b"x") == 0
