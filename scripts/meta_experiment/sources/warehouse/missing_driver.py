"""What is to be installed for an engine that cannot be loaded."""

from __future__ import annotations

from importlib.util import find_spec

from meta_experiment.errors import DependencyError
from meta_experiment.files.installed import install_hint

BY_IBIS = ("bigquery", "snowflake", "clickhouse", "databricks")
_DRIVERS = {  # of which Ibis needs no more than that they are there
    "spark": "pyspark>=4.1",
    **{scheme: f"ibis-framework[{scheme}]" for scheme in BY_IBIS},
}


def missing_driver(scheme: str, name: str, error: ImportError) -> DependencyError:
    """Return the refusal: `scheme` is the engine's, `name` its address without a secret."""
    drivers = (_DRIVERS[scheme],) if scheme in _DRIVERS else ()
    without_ibis = find_spec("ibis") is None
    lacking = error.name or getattr(error.__cause__, "name", None)  # as Ibis wraps it
    package = lacking or (f"Ibis's driver for {scheme}" if drivers else scheme)
    if scheme == "spark" and not without_ibis:
        package = "pyspark"
    extra = "warehouse" if without_ibis or not drivers else ""
    return DependencyError(
        f"{name} needs {package}, which is not installed.", hint=install_hint(extra, *drivers)
    )


def missing_java() -> DependencyError:
    """Return the refusal of Spark where nothing runs it."""
    return DependencyError(
        "Spark needs Java, and neither JAVA_HOME nor the PATH leads to one.",
        hint="Install Java 17 or newer: apt-get install openjdk-17-jre-headless",
    )
