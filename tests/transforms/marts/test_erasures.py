"""The table of erasures has the rows of the raw one, in order."""

from __future__ import annotations

from datetime import datetime

from pipelines.settings import PROCEDURES_FOLDER
from schemas.load import load_procedures
from tests.support.warehouse import MemoryWarehouse


def test_erasures_are_listed_by_number() -> None:
    warehouse = MemoryWarehouse(load_procedures(PROCEDURES_FOLDER))
    second = (2, datetime(2026, 3, 2), "user", "h", 0, 0, 0, 1, 0, 0, None, None, None, None)
    first = (1, datetime(2026, 3, 1), "process", "g", 1, 4, 1, 2, 3, 5, 7, 900, 20, 0)
    for row in (second, first):
        marks = ", ".join("?" for _ in row)
        warehouse.con.execute(f"insert into raw.erasures values ({marks})", list(row))
    warehouse.build(0)
    assert warehouse.executed("from erasures").fetchall() == [first, second]
