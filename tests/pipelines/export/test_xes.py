"""Event logs in XES: what is written of a small history, read by the XML parser of Python.

That other tools read them alike is in `test_export_read_back.py`.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, parse

import pytest

from pipelines.export.values import kind_of
from pipelines.settings import Settings
from schemas.definitions.attribute_types import BY_NAME
from tests.support.command_line import leadtime
from tests.support.exported_history import (
    ANN,
    BOB,
    DELETED,
    NEVER,
    POD,
    RECORD,
    RESTORED,
    TIES,
    VISIT,
)
from tests.support.identifiers import uid

XES = "{http://www.xes-standard.org/}"
# The fourth event of the first order, as it stands in the file.
EVENT = f"""\
<event>
<string key="concept:name" value="Sent (BACK)"/>
<date key="time:timestamp" value="2026-01-01T02:00:00.250+00:00"/>
<string key="lifecycle:transition" value="complete"/>
<string key="org:resource" value="{BOB}"/>
<string key="state" value="BACK"/>
<string key="state_kind" value="done"/>
<int key="visit_no" value="4"/>
<string key="direction" value="forward"/>
<boolean key="is_allowed" value="true"/>
<string key="entered_source" value="observed"/>
</event>
"""
NOTE = "a &amp; b &lt; c &gt; d &quot; ' e&#10;&#9;f&#13; &#65533;&#65533; &#252; &#128512; ]]&gt;"


def export(settings: Settings, path: Path, *options: str) -> str:
    result = leadtime("export", "--xes", path, "--data", settings.data, *options)
    assert (result.code, result.err) == (0, "")
    return result.out


def attributes(element: Element) -> dict[str, tuple[str, Any]]:
    """Key, and (tag, value), of the attributes of an element."""
    children = [child for child in element if child.get("key")]
    return {
        str(child.get("key")): (child.tag.removeprefix(XES), child.get("value"))
        for child in children
    }


@pytest.fixture(scope="module")
def log(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Element:
    path = tmp_path_factory.mktemp("log") / "all.xes"
    export(settings, path)
    return parse(path).getroot()


@pytest.fixture(scope="module")
def traces(log: Element) -> dict[str, Element]:
    return {attributes(trace)["concept:name"][1]: trace for trace in log.iter(f"{XES}trace")}


def test_the_head_declares_what_is_used(log: Element) -> None:
    assert log.tag == f"{XES}log"
    assert log.attrib == {"xes.version": "1849.2016", "xes.features": ""}
    assert [dict(one.attrib) for one in log.iter(f"{XES}extension")] == [
        {"name": name, "prefix": prefix, "uri": f"http://www.xes-standard.org/{prefix}.xesext"}
        for name, prefix in (
            ("Concept", "concept"),
            ("Time", "time"),
            ("Lifecycle", "lifecycle"),
            ("Organizational", "org"),
        )
    ]
    assert {one.get("scope"): [*attributes(one)] for one in log.iter(f"{XES}global")} == {
        "trace": ["concept:name", "procedure", "outcome"],
        "event": ["concept:name", "time:timestamp", "lifecycle:transition", "state"],
    }
    assert [one.get("keys") for one in log.iter(f"{XES}classifier")] == ["concept:name", "state"]
    head = attributes(log)
    assert head.pop("leadtime_version")[0] == "string"
    assert head == {
        "lifecycle:model": ("string", "standard"),
        "concept:name": ("string", "order, visit"),
        "as_of": ("date", "2026-06-01T00:00:00.000+00:00"),
        "generation": ("int", "1"),
    }


def test_what_is_global_stands_everywhere(log: Element) -> None:
    for scope in ("trace", "event"):
        (declared,) = [one for one in log.iter(f"{XES}global") if one.get("scope") == scope]
        assert all({*attributes(declared)} <= {*attributes(e)} for e in log.iter(f"{XES}{scope}"))


def test_a_trace_has_events_in_order_of_visits_ties_too(traces: dict[str, Element]) -> None:
    found = [
        (event["concept:name"][1], event["time:timestamp"][1], event.get("org:resource", (0, 0))[1])
        for event in map(attributes, traces[TIES].iter(f"{XES}event"))
    ]
    assert found == [
        ("New & <open>", "2026-01-01T00:00:00.250+00:00", 0),
        ("PAID", "2026-01-01T01:00:00.250+00:00", ANN),
        ("Sent (SENT)", "2026-01-01T01:00:00.250+00:00", ANN),
        ("Sent (BACK)", "2026-01-01T02:00:00.250+00:00", BOB),
        ("Sent (SENT)", "2026-01-01T03:00:00.250+00:00", 0),
    ]


def test_a_trace_has_its_facts_and_attributes_without_nulls(traces: dict[str, Element]) -> None:
    assert attributes(traces[TIES]) == {
        "concept:name": ("string", TIES),
        "procedure": ("string", "order"),
        "outcome": ("string", "completed"),
        "status": ("string", "COMPLETED"),
        "state": ("string", "SENT"),
        "created_at": ("date", "2026-01-01T00:00:00.250+00:00"),
        "completed_at": ("date", "2026-01-01T03:00:00.250+00:00"),
        "created_by": ("string", ANN),
        "team_id": ("string", uid("team")),
        "pod_id": ("string", POD),
        "record_id": ("string", RECORD),
        "pod_name": ("string", "North"),
        "team_name": ("string", uid("team")),
        # The two characters that XML forbids are replaced; nothing else is changed.
        "note": ("string", "a & b < c > d \" ' e\n\tf\r \ufffd\ufffd \u00fc \U0001f600 ]]>"),
        "place_lat": ("float", "1.0"),
        "place_lng": ("float", "3.0"),
    }


def test_deleted_and_restored_processes_are_in_it(traces: dict[str, Element]) -> None:
    assert [*traces] == [TIES, DELETED, NEVER, RESTORED, VISIT]
    found = {
        name: (
            attributes(trace)["outcome"][1],
            [attributes(event)["state"][1] for event in trace.iter(f"{XES}event")],
        )
        for name, trace in traces.items()
        if name in (DELETED, NEVER, RESTORED)
    }
    assert found == {
        DELETED: ("deleted", ["OPEN"]),
        NEVER: ("deleted", []),
        RESTORED: ("open", ["PAID", "SENT"]),
    }
    assert attributes(traces[DELETED])["parent_process_id"] == ("string", TIES)


def test_the_file_is_ascii_one_element_a_line(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "order.xes"
    export(settings, path, "--procedure", "order")
    text = path.read_bytes().decode("ascii")
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<log ')
    assert text.endswith("</trace>\n</log>\n")
    assert text.count(EVENT) == 1
    assert f'<string key="note" value="{NOTE}"/>\n' in text


def test_compressed_it_is_the_same_and_always_the_same(settings: Settings, tmp_path: Path) -> None:
    plain, once, again = (tmp_path / name for name in ("a.xes", "a.xes.gz", "b.xes.gz"))
    for path in (plain, once, again):
        export(settings, path)
    assert gzip.decompress(once.read_bytes()) == plain.read_bytes()
    assert once.read_bytes() == again.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xes", "a.xes.gz", "b.xes.gz"]


def test_a_value_of_every_type_is_written_in_its_kind(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "visit.xes"
    export(settings, path, "--procedure", "visit", "--personal")
    (trace,) = parse(path).getroot().iter(f"{XES}trace")
    found = attributes(trace)
    columns = [column for kind in BY_NAME.values() for column in kind.columns(f"a_{kind.name}")]
    assert [name for name in columns if name not in found] == []
    by_tag: dict[str, list[str]] = {}
    for name in columns:
        by_tag.setdefault(found[name][0], []).append(name.removeprefix("a_"))
    assert {tag: names for tag, names in by_tag.items() if tag != "string"} == {
        "int": ["integer", "integerId", "monthOfYear", "integerEnum"],
        "float": ["number", "float", "decimal", "floatEnum", "geolocation_lat", "geolocation_lng"],
        "boolean": ["boolean", "booleanText"],
        "date": ["datetime", "datetimeISO8601"],
    }
    some = ("decimal", "booleanText", "date", "time", "datetime", "multiFloatEnum", "cart")
    assert {name: found[f"a_{name}"][1] for name in some} == {
        "decimal": "146.1",
        "booleanText": "true",
        "date": "2026-02-28",
        "time": "09:30:00",
        "datetime": "2026-07-01T12:00:00.000+00:00",
        "multiFloatEnum": "[2.5,1.0]",
        "cart": '{"city":1}',
    }


@pytest.mark.parametrize(
    ("sql_type", "kind"),
    [("BIGINT[]", "text"), ("STRUCT(lat DOUBLE)", "text"), ("UUID", "text"), ("DATE", "text")],
)
def test_what_formats_do_not_know_is_text(sql_type: str, kind: str) -> None:
    assert kind_of(sql_type) == kind


def test_personal_data_stay_out_unless_asked_for(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "order.xes"
    result = export(settings, path, "--procedure", "order")
    assert result.splitlines() == [
        f"{path}: 4 traces and 8 events.",
        "Included: 2 deleted processes, with outcome `deleted`.",
        "Included: 1 trace without events (deleted in every version).",
        "Left out: 3 columns with personal data (order_processes.assigned_to_name_key, "
        "order_processes.created_by_name_key, order_processes.mail_key); "
        "--personal includes them.",
    ]
    secrets = (b"c@d.de", b"Harbour Dental", b"Ann &amp; co")
    assert [secret for secret in secrets if secret in path.read_bytes()] == []
    result = export(settings, path, "--procedure", "order", "--personal")
    assert "Left out" not in result
    assert [secret for secret in secrets if secret not in path.read_bytes()] == []
