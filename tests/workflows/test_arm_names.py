"""What a plan calls a variant hangs on the variants alone, never on their order."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.workflows.arm_names import arm_names, as_declared


@pytest.mark.parametrize(
    ("variants", "names"),
    [
        (["dry", "Warm_2", "v1.5"], ["dry", "Warm_2", "v1.5"]),
        (["a|b", "<b>on</b>"], ["a-b-0eab8a0a", "b-on-b-a39dc172"]),
        (
            ["@team", "1 step", "短い"],
            ["team-7d42e211", "variant-1-step-3ce6013c", "variant-5e2657ee"],
        ),
    ],
)
def test_a_variant_keeps_its_name_or_what_is_readable_of_it(variants, names):
    assert list(arm_names(variants).values()) == names


@pytest.mark.parametrize(
    "variants",
    [["~~~", "!!!", "base"], ["短い", "長い", "普通"], ["a|b", "a-b", "a b"], ["A", "a", "á"]],
)
def test_another_order_names_each_as_before(variants):
    first = arm_names(variants)
    assert len(set(first.values())) == len(variants)
    assert all(arm_names(order) == first for order in permutations(variants))


@given(st.lists(st.text(max_size=70), unique=True, max_size=6))
def test_whatever_variants_are_called_their_names_are_apart_and_plain(variants):
    called = arm_names(variants)
    assert len(set(called.values())) == len(variants)
    assert all(
        name.isascii() and name[0].isalpha() and len(name) <= 64 for name in called.values()
    )


def test_a_sentence_names_variants_as_declared_and_keeps_its_own_words():
    names = arm_names(["dry", "better!", "on|off"])
    said = f"{names['better!']} is 4% better than dry on {names['on|off']}"
    assert as_declared(said, names) == "better! is 4% better than dry on on|off"
