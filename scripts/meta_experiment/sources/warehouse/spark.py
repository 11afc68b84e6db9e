"""Spark as an engine: on this machine (`spark://local`) or on the cluster of a master."""

from __future__ import annotations

import os
import shutil
from typing import Any

from meta_experiment.sources.warehouse.missing_driver import missing_java


def zoned(backend: Any, table: Any) -> Any:  # noqa: ANN401 - a backend and a table of Ibis
    """Return a table whose moments say that they have a zone, as Ibis takes them for local."""
    columns = _columns(backend, table)
    moments = [it.name for it in columns if it.dataType.typeName() == "timestamp"]
    return table.mutate(**{name: table[name].cast("timestamp('UTC')") for name in moments})


def times_as_text(backend: Any, table: Any) -> Any:  # noqa: ANN401 - as above; of Spark
    """Return the schema that a file of text was found to have, but with times as text."""
    from pyspark.sql.types import StringType, StructField, StructType

    return StructType(
        [
            StructField(it.name, StringType()) if _is_moment(it) else it
            for it in _columns(backend, table)
        ]
    )


def _columns(backend: Any, table: Any) -> Any:  # noqa: ANN401
    return backend._session.sql(str(backend.compile(table))).schema  # noqa: SLF001


def _is_moment(column: Any) -> bool:  # noqa: ANN401
    return column.dataType.typeName() in ("timestamp", "timestamp_ntz", "date")


def spark_backend(master: str) -> Any:  # noqa: ANN401 - a backend of Ibis
    """Connect to a master, or to as many threads of this machine as it has processors."""
    import ibis
    from pyspark.sql import SparkSession

    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise missing_java()
    here = master in ("", "local")
    builder = SparkSession.builder.master("local[*]" if here else f"spark://{master}")
    if here:  # one machine loses its time with the two hundred parts of a cluster
        builder = builder.config("spark.sql.shuffle.partitions", "8")
    session = (
        builder.appName("meta-experiment")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    return ibis.pyspark.connect(session)
