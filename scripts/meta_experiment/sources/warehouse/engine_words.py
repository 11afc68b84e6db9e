"""What Ibis words in a way that an engine does not take, put as that engine has it."""

from __future__ import annotations

import re

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
