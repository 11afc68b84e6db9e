"""Claude Code's own telemetry as one table, in whichever of the usual ways it was stored.

Four are known by their columns: OTLP documents in JSON, one a line, as a collector's file
exporter writes them; a column with a map of attributes, as ClickHouse has it; a column for each
attribute; and the lines of our own telemetry. What comes of each is the same table, an event a
row, an event once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

from meta_experiment.errors import UsageError
from meta_experiment.sources.warehouse.columns import Expression, Table

OTLP = "resourceLogs"  # the column by which OTLP documents are known
_TEXTS = {  # column -> the attribute that it holds
    "session_id": "session.id",
    "prompt_id": "prompt.id",
    "user_id": "user.id",
    "model": "model",
    "skill_name": "skill.name",
    "command_name": "command_name",
    "tool_name": "tool_name",
    "query_source": "query_source",
    "experiment": "experiment.name",
    "variant": "experiment.variant",
}
_NUMBERS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_creation_tokens": "cache_creation_tokens",
    "cost_usd": "cost_usd",
    "duration_ms": "duration_ms",
    "sequence": "event.sequence",
}
_LINES_NAMES = {"experiment.name": "experiment", "experiment.variant": "variant"}
_PREFIXES = {"claude_code.": "", "meta_experiment.": "", "experiment.exposed": "exposure"}
_TIMES = ("timestamp", "time", "event_timestamp", "timestamp_time", "ts", "observed_timestamp")
_NAMES = ("event_name", "name", "event", "body")  # the first that is there and not empty
_MAPS = ("log_attributes", "attributes")
_NEST = re.compile(r"^(log_)?attributes_")


def otlp_lines(backend: Any, pattern: str) -> Table:  # noqa: ANN401 - a backend of Ibis
    """Return the log records of OTLP documents, read by DuckDB: time, name, map of attributes.

    Metrics and traces in the same files are passed over; a line cut short is refused there.
    """
    from ibis.util import gen_name

    quoted = "'" + pattern.replace("'", "''") + "'"
    view = gen_name("otlp")
    backend.raw_sql(f"CREATE TEMP VIEW {view} AS {_LINES.replace('$files', quoted)}")
    return backend.table(view)


_VALUE = "STRUCT(stringValue VARCHAR, intValue VARCHAR, doubleValue VARCHAR, boolValue VARCHAR)"
_RECORD = (
    "STRUCT(timeUnixNano VARCHAR, observedTimeUnixNano VARCHAR, eventName VARCHAR, "
    'body STRUCT(stringValue VARCHAR), attributes STRUCT("key" VARCHAR, '
    f'"value" {_VALUE})[])'
)
_LINES = """
SELECT
    make_timestamp_ns(CAST(
        coalesce(nullif(r.timeUnixNano, '0'), r.observedTimeUnixNano) AS BIGINT
    )) AS "Timestamp",
    r.eventName AS "EventName",
    r.body.stringValue AS "Body",
    map_from_entries(list_transform(r.attributes, lambda a: {
        'k': a."key",
        'v': coalesce(a."value".stringValue, a."value".intValue, a."value".doubleValue,
                      a."value".boolValue)
    })) AS "LogAttributes"
FROM (
    SELECT unnest(s.logRecords) AS r FROM (
        SELECT unnest(l.scopeLogs) AS s FROM (
            SELECT unnest(resourceLogs) AS l FROM read_json(
                $files, format = 'newline_delimited', maximum_object_size = 268435456,
                columns = {
                    resourceLogs: 'STRUCT(scopeLogs STRUCT(logRecords $record[])[])[]'
                }
            )
        )
    )
)
""".replace("$record", _RECORD)


def client_events(table: Table) -> Table:
    """Return the events of a table of telemetry, each once, whatever its columns are called.

    `event` is the name without its prefix. Flags are 1 where an event is of their kind, else 0,
    so that their sum is missing where nothing at all was told of a unit, and else a count.

    Raises:
        UsageError: the table does not look like telemetry of the client.
    """
    columns = {_plain(name): name for name in reversed(table.columns)}
    read = _reader(table, columns)
    at, name = _first(columns, _TIMES), _event_name(table, columns, read)
    if at is None or name is None:
        lacking = "a time" if at is None else "the name of an event"
        raise UsageError(
            f"The table does not look like Claude Code's telemetry: no column is {lacking} "
            f"(it has {', '.join(table.columns[:12]) or 'none'}).",
            hint="Known are OTLP in JSON lines, a map of attributes (LogAttributes), and a "
            "column for each attribute (event.name, prompt.id, cost_usd).",
        )
    held = {
        **{column: read(attribute).cast("string") for column, attribute in _TEXTS.items()},
        **{column: read(attribute).cast("float64") for column, attribute in _NUMBERS.items()},
    }
    told = {
        "succeeded": read("success").cast("string").lower(),
        "decided": read("decision").cast("string").lower(),
    }
    time = table[at] if table[at].type().is_timestamp() else table[at].cast("timestamp('UTC')")
    events = table.select(time=time.cast("timestamp"), event=name, **told, **held)
    if not read("event.sequence").type().is_null():
        events = events.distinct()  # what was sent twice is one event
    result, refused = events.event == "tool_result", _refused(events)
    failed = result & (events.succeeded == "false")
    tokens = [events[name] for name in _NUMBERS if name.endswith("_tokens")]
    return events.mutate(
        total_tokens=reduce(add, tokens),
        duration_seconds=events.duration_ms / 1000.0,
        requests=_flag(events.event == "api_request"),
        request_errors=_flag(events.event == "api_error"),
        prompts=_flag(events.event == "user_prompt"),
        tool_calls=_flag(result | refused),
        tool_errors=_flag(failed | refused),
    ).drop("succeeded", "decided")


def _refused(events: Table) -> Expression:
    """Return whether an event is a call of a tool that was not allowed, which has no result."""
    return (events.event == "tool_decision") & (events.decided == "reject")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())


def _first(columns: Mapping[str, str], wanted: Sequence[str]) -> str | None:
    return next((columns[name] for name in wanted if name in columns), None)


def _reader(table: Table, columns: Mapping[str, str]) -> Callable[[str], Expression]:
    """Return what reads an attribute: from the map of them, else from a column of its own."""
    import ibis

    kept = _first(columns, _MAPS)
    if kept is not None and table[kept].type().is_map():
        return lambda attribute: table[kept].get(attribute).cast("string").nullif("")
    if kept is not None and table[kept].type().is_json():
        return lambda attribute: table[kept][attribute].unwrap_as("string").nullif("")
    own = {_NEST.sub("", name): column for name, column in columns.items()}

    def read(attribute: str) -> Expression:
        names = (_plain(attribute), _LINES_NAMES.get(attribute, ""))
        column = next((own[name] for name in names if name in own), None)
        return ibis.null() if column is None else table[column]

    return read


def _event_name(
    table: Table, columns: Mapping[str, str], read: Callable[[str], Expression]
) -> Expression | None:
    import ibis

    found = [table[columns[name]] for name in _NAMES if name in columns]
    said = [item for item in (read("event.name"), *found) if not item.type().is_null()]
    if not said:
        return None
    name = ibis.coalesce(*(item.cast("string").nullif("") for item in said))
    for prefix, without in _PREFIXES.items():
        name = name.replace(prefix, without)
    return name


def _flag(condition: Expression) -> Expression:
    import ibis

    return ibis.ifelse(condition, 1, 0)
