"""A whole run over attributes named in other alphabets, with signs, and with words of SQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.run import Request
from pipelines.settings import Settings
from tests.support.builds import build_all

ID = "5ad0c1f2-7b1e-4c1d-9d0e-0000000000"  # and two digits
NAMES = (
    "größe",
    "日本",
    "order",
    "select",
    "a.b",
    "a_b",
    "1st",
    "€",
    "%",
    "group by",
    "Überfällig",
)
FORMULAS = {
    "sum": '"größe" + 日本 + "order" + "select"',
    "signs": '"€" * 10 + "%"',
    "dots": '"a.b" * 10 + a_b',
    "firsts": '"1st" * 10 + "group by"',
    "小計": "überfällig + sum",
}
DEFINITION: dict[str, Any] = {
    "id": f"{ID}00",
    "shortId": "named",
    "attributes": [
        {"id": f"{ID}{n}", "shortId": name, "type": "integer", "track": True}
        for n, name in enumerate(NAMES, start=10)
    ],
    "derivedAttributes": [
        {"id": f"{ID}{n}", "shortId": name, "type": "integer", "formula": formula}
        for n, (name, formula) in enumerate(FORMULAS.items(), start=30)
    ],
    "states": [
        {"id": f"{ID}50", "shortId": "NEW", "kind": "queue"},
        {"id": f"{ID}51", "shortId": "DONE", "kind": "done"},
    ],
    "startState": "NEW",
    "completedState": "DONE",
    "compareBy": ["日本"],
    "funnels": [
        {
            "name": "all",
            "steps": ["NEW", {"states": ["DONE"], "where": '"%" = 9 and größe = 1'}],
            "breakdowns": ["größe", {"attribute": "€", "at": "now"}],
        }
    ],
    "slas": [
        {
            "name": "quick",
            "start": "created",
            "stop": "closed",
            "target": {"formula": '"select" * 60'},
            "where": '"1st" = 7',
        }
    ],
}
AT = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def version(hours: int, state: str, status: str, data: dict[str, int]) -> dict[str, Any]:
    closed = {"completedAt": AT + hours * 3_600_000} if status == "COMPLETED" else {}
    return {
        "id": f"{ID}99",
        "team": f"{ID}98",
        "procedure": f"{ID}00",
        "status": status,
        "state": state,
        "createdAt": AT,
        "updatedAt": AT + hours * 3_600_000,
        "data": data,
        **closed,
    }


def test_attributes_keep_their_letters_in_columns_and_formulas(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path / "data", landing=tmp_path / "landing", procedures=tmp_path / "procedures"
    )
    for folder in (settings.landing, settings.procedures):
        folder.mkdir()
    (settings.procedures / "named.json").write_text(json.dumps(DEFINITION, ensure_ascii=False))
    first = {name: n for n, name in enumerate(NAMES, start=1)}
    versions = [
        version(0, "NEW", "OPEN", first),
        version(1, "DONE", "COMPLETED", first | {"日本": 20}),
    ]
    (settings.landing / "a.ndjson").write_text("\n".join(map(json.dumps, versions)))
    path = build_all(settings, Request(as_of=datetime(2026, 2, 1, tzinfo=UTC)))
    with duckdb.connect(path, read_only=True) as con:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return con.execute(query).fetchall()

        assert rows('select größe, 日本, "order", "select", a_b, _1st, group_by, Überfällig '
                    "from named_processes") == [(1, 20, 3, 4, 6, 7, 10, 11)]  # fmt: skip
        assert rows("select sum, signs, dots, firsts, 小計 from named_processes") == [
            (1 + 20 + 3 + 4, 8 * 10 + 9, 5 * 10 + 6, 7 * 10 + 10, 11 + 28)
        ]
        assert rows("select attribute, old_value, new_value from attribute_changes "
                    "where old_value is not null") == [("日本", "2", "20")]  # fmt: skip
        assert rows("select step, processes from funnel_steps where mode = 'ordered' "
                    "order by step_no") == [("NEW", 1), ("DONE", 1)]  # fmt: skip
        assert rows("select distinct attribute, value from funnel_breakdowns order by all") == [
            ("größe", "1"),
            ("€", "8"),
        ]
        assert rows("select policy, elapsed_seconds, status from sla_clocks") == [
            ("quick", 3600, "breached")
        ]
        assert rows("select count(*) from outcome_curves_by where attribute = '日本'") != [(0,)]
        assert rows("select count(*) from violations") == [(0,)]
