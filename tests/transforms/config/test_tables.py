"""The types of the `config` tables, which SQL compares with instants of the history."""

from __future__ import annotations

from datetime import datetime

from schemas.definitions.procedure import Procedure, Procedures
from schemas.loading.calendars import check_calendar
from tests.support.warehouse import MemoryWarehouse

PROCEDURE = {
    "id": "10000000-0000-4000-8000-000000000000",
    "shortId": "job",
    "attributes": [],
    "states": [
        {"id": "30000000-0000-4000-8000-000000000000", "shortId": "NEW", "kind": "queue"},
        {"id": "30000000-0000-4000-8000-000000000001", "shortId": "DONE", "kind": "done"},
    ],
    "startState": "NEW",
    "completedState": "DONE",
    "calendar": "office",
}
OFFICE = {"name": "office", "timezone": "UTC", "weekly": {"workdays": ["09:00-17:00"]}}


def test_instants_have_the_type_of_instants_everywhere() -> None:
    # `epoch_ms` of a TIMESTAMP_MS works on DuckDB 2.0.0 and raises on 2.0.1.
    procedure = Procedure.model_validate(PROCEDURE)
    office = check_calendar(OFFICE, file="office.yaml")
    warehouse = MemoryWarehouse(
        Procedures((procedure,), {"job": "job.yaml"}, calendars={"office": office})
    )
    warehouse.build(1_704_067_200_000, whole=True)
    other = warehouse.rows("""
        select table_name, column_name from duckdb_columns()
        where data_type like 'TIMESTAMP\\_%' escape '\\' and database_name = 'memory'
    """)
    assert other == []
    # 2024-01-02 is a Tuesday.
    assert warehouse.con.execute("""
        select starts_at, ends_at, epoch_ms(ends_at) - epoch_ms(starts_at) from working_slots
        where calendar = 'office' and starts_at::date = '2024-01-02'
    """).fetchall() == [(datetime(2024, 1, 2, 9), datetime(2024, 1, 2, 17), 8 * 3_600_000)]
