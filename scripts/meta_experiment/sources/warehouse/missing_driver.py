"""What is to be installed for an engine that cannot be loaded."""

from __future__ import annotations

from importlib.util import find_spec

from meta_experiment.errors import DependencyError
from meta_experiment.files.installed import install_hint

_OWN = {"spark": "pyspark"}  # of whose package Ibis needs no more than that it is there
BY_IBIS = ("bigquery", "snowflake", "clickhouse", "databricks")


def missing_driver(scheme: str, name: str, error: ImportError) -> DependencyError:
    """Return the refusal: `scheme` is the engine's, `name` its address without a secret."""
    if find_spec("ibis") is None or scheme not in (*_OWN, *BY_IBIS):
        package, hint = error.name or scheme, install_hint("warehouse")
    elif scheme in _OWN:
        package, hint = _OWN[scheme], f"pip install {_OWN[scheme]}"
    else:
        package = error.name or f"Ibis's driver for {scheme}"
        hint = f"pip install 'ibis-framework[{scheme}]'"
    return DependencyError(f"{name} needs {package}, which is not installed.", hint=hint)
