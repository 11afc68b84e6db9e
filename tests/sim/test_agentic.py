"""Experiments of workflows err as rarely as their rule promises, through draw and import."""

from __future__ import annotations

import pytest
from tests.everyday import some
from tests.sim.agentic import AgenticWorld, alike, experiment, imports, second_uses_less

from meta_experiment.types import Decision


@pytest.mark.parametrize(("arms", "experiments"), some([(2, 4), (3, 8), (4, 8)], 1))
def test_of_alike_variants_hardly_any_is_promoted(arms, experiments):
    """Two of eight would come of an error of 5% once in seventeen times."""
    world = AgenticWorld(arms, "effective_tokens", alike, per_arm=22, every=6)
    ends = [experiment(world, seed) for seed in range(experiments)]
    assert len(ends) == experiments
    assert sum(item.decision is Decision.PROMOTE for item in ends) <= 1
    assert sum(item.decision is Decision.REJECT for item in ends) <= 1


def test_imports_go_on_until_one_promotes_the_better_variant():
    world = AgenticWorld(2, "effective_tokens", second_uses_less)
    told = list(imports(world, 1))
    assert [item.runs for item in told] == [24 + 6 * number for number in range(len(told))]
    assert {item.decision for item in told[:-1]} <= {Decision.EXTEND}
    assert (told[-1].decision, told[-1].winner) == (Decision.PROMOTE, "warm")
