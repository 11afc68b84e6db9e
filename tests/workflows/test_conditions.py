"""Which conditions of a workflow's text still tell its variants apart."""

import pytest

from meta_experiment.workflows.conditions import unmentioned, unmet
from meta_experiment.workflows.document import document_of


def found(body, variants):
    document = document_of(f"---\nname: x\n---\n{body}\n")
    odd = [(item.line, item.column, item.why) for item in unmet(document, "e", variants)]
    return odd, unmentioned(document, "e", variants)


@pytest.mark.parametrize(
    "condition",
    [
        "{{#if experiments.e == 'gone' }}",
        '{{#if experiments.e == "gone"}}',
        '{{#if (eq experiments.e "gone")}}',
        "{{#else if experiments.e == 'gone'}}",
        "{{#if experiments.e != 'gone' }}",
        "{{#if 'gone' == experiments.e }}",
        "${{ needs.activation.outputs.e == 'gone' }}",
        "${{ experiments.e == 'gone' && github.actor || 'x' }}",
    ],
)
def test_every_comparison_is_found_with_its_place(condition):
    odd, alike = found(f"Text\nand {condition} more {{{{/if}}}}", ("a", "b"))
    assert odd == [(5, 5, "no variant is called 'gone'")]
    assert alike == ("a", "b")
    assert found(condition, ("gone", "b")) == ([], ())


def test_a_variant_that_no_condition_mentions_is_told_but_for_the_one_left_over():
    body = "{{#if experiments.e == 'a'}}A{{/if}}{{#if experiments.e == 'b'}}B{{/if}}"
    assert found(body, ("a", "b")) == ([], ())
    assert found(body, ("a", "b", "c")) == ([], ())
    assert found(body, ("a", "b", "c", "d")) == ([], ("d",))
    assert found("Nothing asks.", ("a", "b")) == ([], ("a", "b"))
    assert found("${{ experiments.e }}", ("a", "b")) == ([], ())
    assert found("{{#if experiments.other == 'x'}}", ("a", "b")) == ([], ("a", "b"))


def test_a_flag_tells_true_from_false():
    flag = "{{#if experiments.e }}x{{/if}}"
    assert found(flag, ("yes", "no")) == ([], ())
    assert found(flag, ("yes", "maybe")) == ([(4, 1, "every variant is true")], ("maybe",))
    assert found(flag, ("no", "false"))[0] == [(4, 1, "every variant is false")]
    assert found(flag, ("yes", "no", "very")) == ([], ("very",))
