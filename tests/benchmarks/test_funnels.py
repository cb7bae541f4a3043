"""What `funnel(...)` costs, as a ratio to one hash aggregation over the same visits: CPU seconds.

Run with `uv run pytest -n 0 -m benchmark tests/benchmarks/test_funnels.py`;
LEADTIME_BENCHMARK_VISITS sets the size. Nothing is asserted about time; that the modes agree with
each other on what must be the same is.
"""

import os
import sys

import duckdb
import pytest

from tests.support.measured_runs import cpu_seconds
from tests.transforms.macros.test_load import READ
from transforms.macros.load import PUBLISHED_MACROS

VISITS = int(os.environ.get("LEADTIME_BENCHMARK_VISITS", "5000000"))
REPEATS = 3
STEPS = "['A', 'B', 'C', 'D', 'E']"
MODES = ("ordered", "strict", "any_order", "reached")
pytestmark = pytest.mark.benchmark

# Six visits a process on average, two of three of them in the order of the steps.
HISTORIES = f"""
insert into states by name
select 'lead' as procedure, chr((64 + i)::int) as state, i as state_rank from range(1, 9) as r(i);

insert into build by name select timestamp '2026-01-01' as as_of, 'UTC' as time_zone;

insert into state_visits by name
with histories as (
    select i, timestamp '2024-01-01' + to_seconds((i * 7919) % (600 * 86400)) as begins_at
    from range({VISITS // 6}) as r(i)
),

numbered as (
    select *, unnest(generate_series(1, 1 + (hash(i) % 11)::int)) as visit_no
    from histories
)
select
    md5(i::varchar)::uuid as process_id,
    'lead' as procedure,
    visit_no,
    case
        when visit_no = 1 then 'A'
        when hash(i, visit_no) % 3 = 0 then chr((65 + hash(i * 31, visit_no) % 8)::int)
        else chr((64 + least(visit_no, 8))::int)
    end as state,
    visit_no::integer as entered_version_no,
    ascii(state) - 64 as state_rank,
    'forward' as direction,
    begins_at + to_seconds(visit_no * 40000 + (hash(visit_no, i) % 30000)::int) as entered_at
from numbered
order by process_id, visit_no;

insert into processes by name
select
    process_id,
    'lead' as procedure,
    'open' as outcome,
    min(entered_at) as created_at,
    true as is_observed_from_start
from state_visits
group by process_id;
"""
FLOOR = """
select sum(states) from (
    select process_id, count(distinct state) as states from state_visits group by process_id
)
"""


def test_funnel_macro(capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect() as con:
        for table, columns in READ.items():
            con.execute(f"create table {table} ({columns})")
        con.execute(HISTORIES).fetchall()
        con.execute(PUBLISHED_MACROS).fetchall()
        (visits,) = con.sql("select count(*) from state_visits").fetchall()[0]
        floor, _ = best_of(con, FLOOR)
        lines = [f"{visits:,} visits, {os.cpu_count()} cores, floor {floor:.2f} s"]
        reached: dict[str, list[int]] = {}
        for mode in MODES:
            for window in ("", ", within := interval 10 days"):
                question = f"from funnel({STEPS}, mode := '{mode}'{window})"
                seconds, rows = best_of(con, question)
                lines.append(f"{seconds:6.2f} s = {seconds / floor:.1f} x  {question}")
                if not window:
                    reached[mode] = [int(n) for n in rows]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert all(n > 0 for counts in reached.values() for n in counts)
    # Every strict or ordered progress is one in the weaker mode too.
    assert all(s <= o for s, o in zip(reached["strict"], reached["ordered"], strict=True))
    assert all(o <= r for o, r in zip(reached["ordered"], reached["reached"], strict=True))


def best_of(con: duckdb.DuckDBPyConnection, question: str) -> tuple[float, list[int]]:
    """The least CPU seconds of some repeats, and how many processes reached each step."""
    seconds: list[float] = []
    answer: list[int] = []
    for _ in range(REPEATS):
        started = cpu_seconds()
        asked = con.sql(question)
        columns, rows = asked.columns, asked.fetchall()
        seconds.append(cpu_seconds() - started)
        place = columns.index("processes") if "processes" in columns else 0
        answer = [row[place] for row in rows]
    return min(seconds), answer
