"""How many promotions may be owed to chance: the bound, and which stand together."""

import pytest

from meta_experiment.decide.reporting.discoveries import TriedExperiment, false_discoveries


def tried(name, evidence=None, **more):
    return TriedExperiment(name, 0.05, promoted=True, evidence=evidence, **more)


def others(number):
    return [TriedExperiment(f"o{it}", 0.05) for it in range(number)]


def test_without_a_promotion_there_is_nothing_to_tell():
    assert false_discoveries(others(3)) is None


def test_what_is_expected_adds_up_over_all_that_were_tried():
    found = false_discoveries([tried("a", 25), TriedExperiment("b", 0.01), *others(10)])
    assert (found.tried, found.promotions) == (12, 1)
    assert found.expected == pytest.approx(0.56)


def test_which_stand_depends_on_how_many_were_tried():
    """12/(2·121) = .0496, 13/(2·121) = .054 and 13/500 = .026; alone 2/(2·21) = .048."""
    strong = [tried("a", 121), tried("b", 500)]
    assert false_discoveries([*strong, *others(10)]).standing == ("a", "b")
    assert false_discoveries([*strong, *others(11)]).standing == ("b",)
    weak = [tried("a", 21), tried("b", 21)]
    assert false_discoveries(weak).standing == ("a", "b")
    found = false_discoveries([*weak, *others(2)])
    assert (found.standing, found.needed) == ((), pytest.approx(80))


def test_a_holdout_adds_to_the_evidence_or_takes_from_it():
    assert false_discoveries([tried("a", 30, later=(5.0,)), *others(3)]).standing == ("a",)
    assert false_discoveries([tried("a", 100, later=(0.1,)), *others(3)]).standing == ()


def test_what_has_no_evidence_on_record_is_counted_and_does_not_stand():
    found = false_discoveries([tried("a"), tried("b", 0.0, overridden=True), tried("c", -3)])
    assert (found.promotions, found.unknown, found.overridden) == (3, 1, 1)
    assert found.standing == ()


def test_evidence_as_large_as_a_file_can_hold_stands():
    assert false_discoveries([tried("a", 1e308, later=(1e308,))]).standing == ("a",)
