"""A hypothesis is read for its parts."""

import pytest

from meta_experiment.decide.telling.hypotheses import EXAMPLE, lacks_of, promised, vagueness
from meta_experiment.model.metrics import describe
from meta_experiment.types import Direction
from meta_experiment.types.vocabulary import Lack, Vagueness

ACTIVE = describe("active_seconds")
TOKENS = describe("output_tokens")
CLARITY = describe("clarity", direction=Direction.HIGHER)


@pytest.mark.parametrize(
    ("text", "metric", "lacks"),
    [
        (EXAMPLE, ACTIVE, ""),
        ("Three agents at once review faster", ACTIVE, "reason size"),
        ("The new text of review lowers active_seconds.", ACTIVE, "change reason size"),
        ("faster reviews", ACTIVE, "change reason size"),
        ("I think shorter is better", TOKENS, "change reason size"),
        ("It will be better", ACTIVE, "change metric_word reason size"),
        ("It reviews faster by running agents in parallel", ACTIVE, "size"),
        ("Dropping the examples saves 15% of tokens, since the model repeats them", TOKENS, ""),
        ("Dropping the examples saves 15% of tokens, since the model repeats them", ACTIVE,
         "metric_word"),
        ("A checklist makes clarity rise by half because nothing is forgotten", CLARITY, ""),
        ("A checklist changes clarity by 5% because it is read", CLARITY, "direction"),
        ("Remove the preamble and split the steps: 20% fewer tokens because less is said",
         TOKENS, "one_change"),
        ("A bundle: remove the preamble and split steps, 20% fewer tokens as it says less",
         TOKENS, ""),
        ("Drei Agenten zugleich brauchen nur halb so viel Zeit", ACTIVE, ""),
        ("Schneller", ACTIVE, "metric_word direction reason size"),
        ("", ACTIVE, "hypothesis"),
        ("  … 20%!", ACTIVE, "hypothesis"),
    ],
)  # fmt: skip
def test_what_a_hypothesis_does_not_say_is_named(text, metric, lacks):
    assert " ".join(lacks_of(text, metric, ["review"])) == lacks


def test_without_a_metric_any_number_that_people_speak_of_will_do():
    assert Lack.METRIC_WORD not in lacks_of("A list makes it cheaper because it is short")
    assert Lack.METRIC_WORD in lacks_of("A list makes it nicer because it is modern")


def test_all_that_is_missing_is_one_sentence_with_an_example():
    (said,) = vagueness((Lack.CHANGE, Lack.REASON, Vagueness.SIZE), ACTIVE)
    assert said == (
        "The hypothesis does not say what is changed, why it should help and by about how "
        f"much. For example: {EXAMPLE}."
    )
    assert list(vagueness((), ACTIVE)) == []
    assert "active_seconds" in next(vagueness((Lack.METRIC_WORD,), ACTIVE))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("at least 20% faster", 0.2),
        ("2.5 per cent", 0.025),
        ("three agents", None),
        ("0%", None),
    ],
)
def test_a_promised_size_is_read_in_per_cent(text, size):
    assert promised(text) == size
