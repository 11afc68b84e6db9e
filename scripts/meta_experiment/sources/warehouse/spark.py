"""Spark as an engine: on this machine (`spark://local`) or on the cluster of a master."""

from __future__ import annotations

from typing import Any


def spark_backend(master: str) -> Any:  # noqa: ANN401 - a backend of Ibis
    """Connect to a master, or to as many threads of this machine as it has processors."""
    import ibis
    from pyspark.sql import SparkSession

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
