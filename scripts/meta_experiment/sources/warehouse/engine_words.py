"""What Ibis words in a way that an engine does not take, and what it has no words for there."""

from __future__ import annotations

import re

from meta_experiment.errors import UsageError

# A moment without a zone is a DATETIME in BigQuery, to which other functions apply.
_OF_BIGQUERY = (
    (re.compile(r"\bTIMESTAMP_(ADD|SUB)\("), r"DATETIME_\1("),
    (re.compile(r"\bUNIX_SECONDS\((`\w+`\.`\w+`)\)"), r"UNIX_SECONDS(CAST(\1 AS TIMESTAMP))"),
)
REWORDED = {"bigquery": _OF_BIGQUERY}
SETTINGS = {  # of a connection: moments in UTC, and nothing where a row has no partner
    "clickhouse": (
        "SET session_timezone = 'UTC', join_use_nulls = 1, "
        "aggregate_functions_null_for_empty = 1"
    ),
    "databricks": "SET TIME ZONE 'UTC'",
}


def reworded(query: str, dialect: str) -> str:
    """Return a query in the words of an engine."""
    for found, meant in REWORDED.get(dialect, ()):
        query = found.sub(meant, query)
    return query


_LACKING = (  # what Ibis says, what it comes from, what to do instead
    (
        "subsecond interval",
        "times that count since 1970 (form)",
        "Read a view in which they are moments, as fromUnixTimestamp64Milli(at) AS at.",
    ),
    (
        "JSON",
        "what lies within a column (path)",
        "Read a view in which it is a column, as JSONExtractString(body, 'key') AS key.",
    ),
)


def without_words(error: Exception, dialect: str) -> UsageError:
    """Return the refusal of a mapping that an engine has no words for."""
    said = str(error)
    for mark, what, instead in _LACKING:
        if mark in said:
            return UsageError(f"{dialect} cannot be asked for {what}: {said}.", hint=instead)
    return UsageError(
        f"{dialect} cannot be asked for what this mapping says: {said}.",
        hint="Read a view that has the value, or collect by another engine.",
    )
