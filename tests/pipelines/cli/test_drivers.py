"""`leadtime drivers`: what it prints of a published database, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.cli.drivers import show_drivers
from pipelines.settings import Settings
from pipelines.terminal.text import console
from schemas.errors import OperationError

# Of 100 processes with the value a 75 converted, of 100 with b 25; 7 cannot be told yet.
_TABLES = """
    create table catalog as select 'funnel_steps' as table_name;
    create table funnel_steps as
    from (values
        ('lead', 'sale'), ('lead', 'bare'), ('lead', 'endless'), ('lead', 'few'),
        ('lead', 'both'), ('ticket', 'both')
    ) as v(procedure, funnel);
    create table funnel_progress as select 'lead' as procedure, 'bare' as funnel;
    create table funnel_values_at_entry as
    with processes as (
        select
            printf('%04d', range) as process_id,
            if(range % 2 = 0, 'a', 'b') as value,
            range < 200 as is_window_over,
            (range // 2) % 4 < if(range % 2 = 0, 3, 1) as is_finished,
            true as is_observed_from_start
        from range(207)
    )
    select 'lead' as procedure, 'sale' as funnel, 'kind' as attribute, * from processes
    union all
    select 'lead', 'few', 'kind', * from processes where process_id < '0030'
    union all
    select 'lead', 'endless', 'kind', * replace (null as is_window_over) from processes;
    create table conversion_drivers as
    select 'lead' as procedure, 'sale' as funnel, 'kind' as attribute,
        unnest(['a', 'b']) as value, unnest([9.0, 1 / 9]) as odds_ratio;
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data: Path = tmp_path_factory.mktemp("published")
    (data / "analytics").mkdir()
    with duckdb.connect(data / "analytics" / "analytics-000001.duckdb") as con:
        con.execute(_TABLES)
    (data / "analytics.duckdb").symlink_to("analytics/analytics-000001.duckdb")
    return Settings(data=data)


def printed(settings: Settings, funnel: str, procedure: str | None = None) -> str:
    terminal = console()
    with terminal.capture() as found:
        show_drivers(terminal, settings, funnel, procedure)
    return found.get()


def test_values_are_printed_with_both_ratios_and_the_verdict(settings: Settings) -> None:
    pytest.importorskip("sklearn")
    text = printed(settings, "sale")
    assert "200 processes whose window is over, 100 converted (50.0 %); 7 whose window" in text
    (row,) = [line.split() for line in text.splitlines() if line.startswith("kind       a ")]
    assert row[2:5] == ["100", "75.0", "%"]
    assert row[7] == "9.00"
    assert 7 < float(row[8]) < 9  # shrunk
    assert row[9].startswith("+")
    assert "predict better than the share alone (cross-validated log loss" in text
    assert "need not be its cause" in text


@pytest.mark.parametrize(
    ("funnel", "procedure", "message"),
    [
        ("no", None, "found 'no'. Name one of these: bare (lead), both (lead), endless (lead)"),
        ("sale", "ticket", "found 'sale' of ticket. Name one of these:"),
        ("both", None, "'both' is a funnel of lead, ticket. Name one of them with --procedure."),
        ("bare", None, "bare: no attribute values at its entry are published. Add `breakdowns"),
        ("endless", None, "endless: has no `within`"),
        ("few", None, "few: of 30 processes whose window is over 16 converted and 14 did not. A"),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    settings: Settings, funnel: str, procedure: str | None, message: str
) -> None:
    with pytest.raises(OperationError) as raised:
        printed(settings, funnel, procedure)
    assert message in str(raised.value)
