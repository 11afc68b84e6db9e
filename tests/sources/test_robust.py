"""Whatever a file holds, reading it ends in trials or in one of our errors."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sources import shapes

from meta_experiment.errors import MetaExperimentError
from meta_experiment.sources.results.combine import LabelledSource, combine
from meta_experiment.sources.results.reading import read_source
from meta_experiment.sources.results.run_table import RowOptions

_NAMES = st.sampled_from(
    ["runs", "evals", "results", "cases", "arms", "with_skill", "without_skill", "eval_id",
     "pass_rate", "passed", "total", "result", "timing", "tokens", "configuration", "counts",
     "assignments", "query_results", "run_summary", "mean", "schemaVersion", "suite", "x"]
)  # fmt: skip
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
    st.sampled_from(["85%", "N/A", "with_skill", "\ud800", 10**400]),
)  # fmt: skip
_DOCUMENTS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=5)
    ),
    max_leaves=25,
)
_GOOD = (
    shapes.canonical(cases=2), shapes.nested(), shapes.prefixed(), shapes.by_arm(),
    shapes.nested_runs(), shapes.triggers([1, 0]), shapes.plugin_eval(),
)  # fmt: skip


def ends_well(folder, document):
    path = folder / "r.json"
    path.write_text(json.dumps(document), "utf-8")
    try:
        source = read_source(path, "r.json", RowOptions())
        found = combine([LabelledSource(source)], control=None, treatments=())
    except MetaExperimentError:
        return
    assert found.runs
    for item in found.runs:
        assert all(type(value) is float or type(value) is int for value in
                   item.run.metrics.values())  # fmt: skip
        rate = item.run.metrics.get("pass_rate", 0.0)
        assert 0.0 <= rate <= 1.0


@pytest.mark.long
@settings(max_examples=300)
@given(document=_DOCUMENTS)
def test_any_document_is_read_or_refused(document, tmp_path_factory):
    """No document makes reading fail in a way of its own."""
    ends_well(tmp_path_factory.getbasetemp(), document)


@pytest.mark.long
@given(data=st.data())
def test_a_damaged_result_is_read_or_refused(data, tmp_path_factory):
    """A known shape with one part replaced by anything is no crash and no wild number."""
    document = copy.deepcopy(data.draw(st.sampled_from(_GOOD)))
    part, key = document, data.draw(st.sampled_from(sorted(document)))
    for _ in range(data.draw(st.integers(0, 5))):
        inner = part[key]
        if isinstance(inner, dict) and inner:
            part, key = inner, data.draw(st.sampled_from(sorted(inner)))
        elif isinstance(inner, list) and inner:
            part, key = inner, data.draw(st.integers(0, len(inner) - 1))
    part[key] = data.draw(_DOCUMENTS)
    ends_well(tmp_path_factory.getbasetemp(), document)
