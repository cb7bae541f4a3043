"""What people call a process, and its address: never a value that is not published in clear."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.compiled.masking import masked_tables
from schemas.definitions.procedure import Procedures
from schemas.loading.check_procedure import check_procedure
from tests.support.jobs import HOUR, JOB, START, A, B, C, built, version
from tests.support.warehouse import MemoryWarehouse

CLEAR = {"id": "20000000-0000-4000-8000-000000000011", "shortId": "title", "type": "string"}
KEY = {"id": "20000000-0000-4000-8000-000000000012", "shortId": "number", "type": "integer"}
VERSIONS = [
    version(A, data={"title": "Old", "number": 7}),
    version(A, 1, data={"title": "New roof", "number": 7}),
    version(B, data={"number": 12345}),
    version(C, state="WORK"),
]


def defined(*attributes: dict[str, Any], **more: Any) -> Procedures:
    document = JOB | {
        "attributes": list(attributes),
        "primaryIdentifier": "title",
        "primaryKey": "number",
        **more,
    }
    return Procedures((check_procedure(document, file="job.yaml"),), {"job": "job.yaml"})


def names(procedures: Procedures, column: str, table: str = "processes") -> list[Any]:
    warehouse = built(procedures, *VERSIONS)
    rows = warehouse.rows(f"select {column} as v from {table} order by process_id")
    return [row["v"] for row in rows]


def test_a_label_is_the_identifier_or_else_the_key_of_the_latest_version() -> None:
    both = defined(CLEAR, KEY)
    assert names(both, "label") == ["New roof", "12345", None]
    assert names(both, "label", "job_processes") == ["New roof", "12345", None]
    assert names(defined(CLEAR, KEY, primaryKey=None), "label") == ["New roof", None, None]
    assert names(defined(CLEAR, KEY, primaryIdentifier=None), "label") == ["7", "12345", None]
    assert names(defined(CLEAR, KEY, primaryKey=None, primaryIdentifier=None), "label") == [
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    "hidden",
    [
        {"personal": "direct"},
        {"type": "email"},
        *(
            pytest.param(hidden, marks=pytest.mark.nightly)
            for hidden in (
                {"personal": "indirect"},
                {"publish": "key"},
                {"publish": "drop"},
                {"type": "text"},
                {"type": "name"},
            )
        ),
    ],
    ids=str,
)
def test_a_value_that_is_not_published_in_clear_is_no_label(hidden: dict[str, Any]) -> None:
    private = defined(CLEAR | hidden, KEY)
    assert names(private, "label") == ["7", "12345", None]
    no_key = defined(CLEAR | hidden, KEY | {"personal": True})
    assert names(no_key, "label") == [None, None, None]
    assert names(no_key, "label", "job_processes") == [None, None, None]


def test_a_label_is_as_personal_as_what_is_published_in_it() -> None:
    public = defined(CLEAR | {"personal": "direct", "publish": "clear"}, KEY)
    assert names(public, "label") == ["New roof", "12345", None]
    for procedures, level in ((public, "direct"), (defined(CLEAR, KEY), "no")):
        tables = {table.built.name: table.published for table in masked_tables(procedures)}
        for name in ("processes", "job_processes", "sla_due", "follow_ups", "stalled_processes"):
            (label,) = [column for column in tables[name].columns if column.name == "label"]
            assert label.personal == level, name


def test_a_link_has_the_id_or_the_key_of_the_process() -> None:
    by_id = defined(CLEAR, KEY, link="https://crm.example/jobs/{id}?tab=1")
    assert names(by_id, "link") == [f"https://crm.example/jobs/{p}?tab=1" for p in (A, B, C)]
    key = KEY | {"type": "stringId"}
    by_key = defined(CLEAR, key, link="https://crm.example/{primaryKey}/{id}")
    warehouse = built(by_key, version(A, data={"number": "a/b ü&c='1"}), version(B))
    assert [row["v"] for row in warehouse.rows("select link as v from processes order by all")] == [
        f"https://crm.example/a%2Fb%20%C3%BC%26c%3D%271/{A}",
        None,
    ]
    assert names(defined(CLEAR, KEY), "link") == [None, None, None]


def test_lists_have_the_names_of_their_processes() -> None:
    sla = {"name": "answer", "start": "created", "stop": "closed", "target": "1h"}
    procedures = defined(CLEAR, KEY, slas=[sla], link="https://crm.example/{id}")
    versions = [version(A, data={"title": "Roof"}, next_action_at=START + HOUR)]
    # Nine of ten leave their state: the tenth is stalled.
    for number in range(1, 10):
        leaving = f"00000000-0000-4000-8000-{number:011}9"
        versions += [version(leaving), version(leaving, 1, state="WORK")]
    warehouse = built(procedures, *versions)
    expected = {"process_id": A, "label": "Roof", "link": f"https://crm.example/{A}"}
    for table in ("sla_clocks", "sla_due", "follow_ups", "stalled_processes", "processes"):
        assert named(warehouse, table) == expected, table


def named(warehouse: MemoryWarehouse, table: str) -> dict[str, Any]:
    query = f"select process_id, label, link from {table} where process_id = '{A}'"
    (row,) = warehouse.rows(query)
    return row
