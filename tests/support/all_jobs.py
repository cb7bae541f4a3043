"""Jobs with all that gives rows in tables, and two of them that make a family."""

from __future__ import annotations

import duckdb

from schemas.definitions.procedure import Procedures
from tests.reference.versions import Version
from tests.support.jobs import HOUR, JOB, LATER, START, derived, jobs, version
from transforms.macros.load import MACROS

IDS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(6)]


def all_jobs() -> Procedures:
    """`job` with all that gives rows: clocks, durations, funnels, tracked values, rollups."""
    attributes = [dict(a) for a in JOB["attributes"]]
    attributes[3] |= {"track": True, "personal": "no"}
    return jobs(
        derived("n_parts", "integer", rollup={"procedure": "job", "aggregate": "count"}),
        attributes=attributes,
        primaryIdentifier="colour",
        compareBy=["colour"],
        funnels=[
            {"name": "all", "steps": ["NEW", "DONE"], "within": "1d", "breakdowns": ["colour"]}
        ],
        slas=[{"name": "quick", "start": "created", "stop": "closed", "target": "2h"}],
        durations=[{"name": "in_work", "start": {"state": "WORK"}, "stop": "closed"}],
    )


def family_of_jobs() -> list[Version]:
    """Versions of a job in each of two buckets; the second is a part of the first."""
    with duckdb.connect() as con:
        con.execute(MACROS)
        query = "select bucket_of($id::uuid, 2)"
        bucket = {i: con.execute(query, {"id": i}).fetchall()[0][0] for i in IDS}
    first = IDS[0]
    other = next(id_ for id_ in IDS if bucket[id_] != bucket[first])
    closing = {"state": "DONE", "status": "COMPLETED", "completed_at": START + 3 * HOUR}
    blue = {"colour": "blue"}
    return [
        version(first, 0, data={"colour": "red"}, next_action_at=LATER, assigned_to=first),
        version(first, 2, data=blue, state="WORK"),
        version(first, 3, data=blue, **closing),
        version(other, 1, parent_process=first),
    ]
