"""Sums that an engine computed say what the trials themselves say, to the ninth digit."""

import json
import os
import shutil
import subprocess
from datetime import timedelta

import pytest
from tests.everyday import some
from tests.support import local_rows
from tests.support.tools import ROOT, engines_python
from tests.support.warehouse_rows import (
    ARMS,
    FIRST_DAY,
    METRICS,
    insert,
    made_up,
    mapping_document,
    mapping_of,
    plan_of,
    write_csv,
)
from tests.support.warehouse_trials import differences, embedded, pushed_down, summed, trials_of

from meta_experiment.model.collected_document import state_from_document
from meta_experiment.model.mapping_document import mapping_from_document
from meta_experiment.model.plan_document import plan_to_document
from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.sought import sought

AS_OF = (FIRST_DAY + timedelta(days=40)).timestamp()
PAST = {"past": {"table": "calls", "at": "at", "value": "cost", "aggregate": "sum",
                 "window": {"hours": 20}}}  # fmt: skip
MEANS = {**METRICS, "success": {"table": "calls", "at": "at", "value": "ok"}}
BY_SUMS = plan_of("cost_usd", ["success", "cost_usd.per.success"], covariates=["past"])
BY_MEANS = plan_of("duration_seconds", ["success", "duration_seconds.p50"])
ONCE = {"stopping": {"rule": "fixed", "sample_size": 60}}
PLANS = {
    "a sum": (BY_SUMS, "cost_usd", {}),
    "a rate": (BY_SUMS, "success", {}),
    "a ratio": (BY_SUMS, "cost_usd.per.success", {}),
    "a covariate": (BY_SUMS, "cost_usd", {"covariates": ["past"]}),
    "one look": (BY_SUMS, "cost_usd", ONCE),
    "one look at a rate": (BY_SUMS, "success", ONCE),
    "beliefs": (BY_SUMS, "success", {"stopping": {"rule": "bayesian"}}),
    "a mean of logarithms": (BY_MEANS, "duration_seconds", {}),
    "a mean of outcomes": (BY_MEANS, "success", {}),
    "a quantile": (BY_MEANS, "duration_seconds.p50", {}),
}
ROWS = made_up(600, effect=0.7)


def collected(mapping, plan, engine=None):
    """Return the sums that an engine computed."""
    with opened(engine) as connected:
        wanted = sought(plan, mapping)
        return collect(connected, mapping, list(ARMS.values()), wanted, Period(AS_OF))[0]


def mapping_for(plan, tables, folder="."):
    metrics = METRICS if plan is BY_SUMS else MEANS
    return mapping_of(tables, folder, metrics=metrics, covariates=PAST)


@pytest.fixture(scope="module")
def embedded_sums(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    tables = write_csv(ROWS, folder)
    return {
        id(plan): collected(mapping_for(plan, tables, folder), plan)
        for plan in (BY_SUMS, BY_MEANS)
    }


@pytest.mark.parametrize("name", some(PLANS, 4))
def test_sums_say_what_trials_say(embedded_sums, name):
    assert_says_what_trials_say(name, embedded_sums)


@pytest.mark.long
def test_postgresql_says_the_same(postgres_server):
    database = postgres_server.database()
    tables = insert(ROWS, postgres_server, database)
    url = postgres_server.url(database)
    sums = {
        id(plan): collected(mapping_for(plan, tables), plan, url)
        for plan in (BY_SUMS, BY_MEANS)
    }
    for name in PLANS:
        assert_says_what_trials_say(name, sums)


@pytest.mark.long(70)
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not here")
def test_spark_says_the_same(tmp_path):
    tables = write_csv(ROWS, tmp_path)
    requests = [
        {
            "plan": plan_to_document(plan),
            "as_of": AS_OF,
            "mapping": mapping_document(
                tables, metrics=METRICS if plan is BY_SUMS else MEANS, covariates=PAST
            ),
        }
        for plan in (BY_SUMS, BY_MEANS)
    ]
    plan = plan_of()
    local = mapping_document(local_rows.write_rows(tmp_path), **local_rows.changes_of())
    requests.append({"plan": plan_to_document(plan), "as_of": AS_OF, "mapping": local})
    (tmp_path / "request.json").write_text(json.dumps(requests))
    words = [engines_python(), "-m", "tests.support.spark_sums", str(tmp_path)]
    path = {**os.environ, "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT}"}
    done = subprocess.run(
        words, cwd=ROOT, env=path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [
        state_from_document(item).sums
        for item in json.loads((tmp_path / "sums.json").read_text())
    ]
    own = collected(mapping_from_document(local, str(tmp_path)), plan)
    assert [(day.variant, day.day, day.units) for day in found[2].days] == [
        (day.variant, day.day, day.units) for day in own.days
    ]
    for day in found[2].days:
        moments = day.metrics["cost_usd"].joint.moments()
        assert moments.mean == pytest.approx(1.0, rel=1e-9)
        assert moments.variance == pytest.approx(0.0, abs=1e-9)
    sums = dict(zip((id(BY_SUMS), id(BY_MEANS)), found[:2], strict=True))
    for name in PLANS:
        assert_says_what_trials_say(name, sums)


def assert_says_what_trials_say(name, sums):
    whole, primary, settings = PLANS[name]
    plan = plan_of(primary, **settings)
    past = 20 if "covariates" in settings else None
    trials = trials_of(ROWS, summed if whole is BY_SUMS else None, past=past)
    one = embedded(plan, trials, AS_OF)
    other = pushed_down(plan, sums[id(whole)], AS_OF)
    assert one["primary"]["comparisons"][0]["effect"]["relative"] is not None
    assert differences(one, other) == []
