"""Answers and patches of two variants are compared, and cut between characters."""

import pytest

from meta_experiment.errors import NotFoundError, UsageError
from meta_experiment.services.running.run_difference import difference, shortened


def test_answers_and_patches_are_compared(made_up):
    runs = made_up()
    runs.end("a", 1, "control", output="one\ntwo\n", patch=b"+x\n")
    runs.end("a", 2, "control", output="one\ntwo\n", patch=b"+x\n+y\n")
    runs.end("a", 2, "treatment", output="one\n2\n", patch=b"+x\n+\xff\n")
    found = difference(runs.space, runs.name, "a")
    assert (found.repeat, found.variants, found.cut) == (2, ("control", "treatment"), False)
    assert found.output.splitlines() == [
        "--- control", "+++ treatment", "@@ -1,2 +1,2 @@", " one", "-two", "+2",
    ]  # fmt: skip
    assert found.patches.splitlines()[-3:] == [" +x", "-+y", "++\ufffd"]
    turned = difference(runs.space, runs.name, "a", 2, ("treatment", "control"))
    assert turned.output.splitlines()[-1] == "+two"


def test_what_is_alike_has_no_difference_and_what_was_not_kept_is_unknown(made_up):
    runs = made_up()
    for variant in ("control", "treatment"):
        runs.end("a", 1, variant, output="same")
    found = difference(runs.space, runs.name, "a")
    assert (found.output, found.patches, found.cut) == ("", None, False)


def test_runs_that_are_not_there_are_refused(made_up):
    runs = made_up()
    runs.end("a", 1, "control")
    runs.end("a", 1, "treatment", received=False, counts=False)
    for case, repeat in (("a", None), ("b", 1)):
        with pytest.raises(NotFoundError, match="no two ended runs"):
            difference(runs.space, runs.name, case, repeat)
    with pytest.raises(NotFoundError, match="no variant 'x'") as refused:
        difference(runs.space, runs.name, "a", 1, ("control", "x"))
    assert "control, treatment" in str(refused.value.hint)
    with pytest.raises(UsageError, match="compared to itself"):
        difference(runs.space, runs.name, "a", 1, ("control", "control"))


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("ab\ncd\n", 6, "ab\ncd\n"),
        ("ab\ncd\n", 5, "ab\n"),
        ("ab\ncd\n", 3, "ab\n"),
        ("abcd", 3, "abc"),
        ("abe\u0301f", 3, "ab"),  # the accent stays with its letter
        ("abe\u0301f", 4, "abe\u0301"),
        ("a\U0001f469\u200d\U0001f680b", 3, "a"),  # so does a joined sign
        ("größe", 4, "größ"),
        ("\u0301\u0301", 1, ""),
    ],
)
def test_a_text_is_cut_between_characters(text, most, kept):
    assert shortened(text, most) == kept


def test_what_is_cut_says_so(made_up):
    runs = made_up()
    runs.end("a", 1, "control", output="x\n" * 50, patch=b"")
    runs.end("a", 1, "treatment", output="y\n" * 6_000, patch=b"")
    found = difference(runs.space, runs.name, "a", most=100)
    assert len(found.output) <= 100
    assert found.output.endswith("-x\n")
    assert found.cut
    assert difference(runs.space, runs.name, "a").cut  # of too many lines
