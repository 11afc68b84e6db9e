"""The check of what a person could know finds what nobody told them."""

import pytest
from tests.support.named_first import NamedFirst

VERBS = {"plan", "create", "runs list"}


@pytest.fixture
def told():
    known = NamedFirst(VERBS)
    known.hear(
        [], "Next  say it: meta-experiment plan --hypothesis TEXT; all: meta-experiment -h"
    )
    known.hear(
        ["plan", "--hypothesis", "x"], "Say more (--file PATH).\nmeta-experiment runs list"
    )
    return known


@pytest.mark.parametrize(
    ("words", "unnamed"),
    [
        ("plan --hypothesis x --file y", []),
        ("-h", []),
        ("runs list", []),
        ("create", ["create"]),
        ("plan --primary-metric x", ["--primary-metric"]),
        ("plan -h", ["-h"]),
        ("--file y", ["--file"]),
    ],
)
def test_what_nobody_named_is_told(told, words, unnamed):
    assert told.unnamed(words.split()) == unnamed


def test_the_same_flags_are_those_of_the_call_that_says_so(told):
    told.hear(["plan", "--file", "y"], "Next  meta-experiment create with the same flags")
    assert told.unnamed(["create", "--file", "y"]) == []
    assert told.unnamed(["create", "--hypothesis", "x"]) == ["--hypothesis"]


def test_help_names_all_that_it_lists(told):
    told.hear(["-h"], "Plan:\n  create  Make it.\n\n  More: meta-experiment VERB --help")
    assert told.unnamed(["create", "--help"]) == []
    told.hear(["create", "--help"], "Options:\n  --name TEXT  What to call it.")
    assert told.unnamed(["create", "--name", "x"]) == []
