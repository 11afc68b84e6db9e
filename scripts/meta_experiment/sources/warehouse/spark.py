"""Spark as an engine: on this machine (`spark://local`) or on the cluster of a master."""

from __future__ import annotations

from typing import Any


def spark_backend(master: str) -> Any:  # noqa: ANN401 - a backend of Ibis
    """Connect to a master, or to as many threads of this machine as it has processors."""
    import ibis
    from pyspark.sql import SparkSession

    place = "local[*]" if master in ("", "local") else f"spark://{master}"
    session = (
        SparkSession.builder.master(place)
        .appName("meta-experiment")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    return ibis.pyspark.connect(session)
