"""What a run is told: no name in it gives a command, ends a line, or is more than text."""

import json
import re

import pytest

from meta_experiment.workflows.picking import announcements
from meta_experiment.workflows.picking.variant_draws import arms_of

EVIL = (
    "::set-output name=x::y", "a\n::error::b", "##[set-env name=x;]y", "x ##[error]y",
    "a|b",
    "<img src=x onerror=y>", "@octocat", "`x`", "[x](http://y)", "%0A::warning::x",
    "\x1b[31mred",
    "\u2028::error::x", "a,experiment.b=c", "a\r::error::b", "${{ secrets.X }}", "$(id)",
)  # fmt: skip


def commands(text):
    """Return the lines that a runner would take as commands."""
    lines = re.split(r"[\r\n\u2028\u2029\x85]", text)
    return [item for item in lines if item.strip().startswith("::") or "##[" in item]


@pytest.mark.parametrize("name", EVIL)
def test_no_line_of_the_log_is_a_command(name):
    prefix = announcements.title_prefix({"e": name})
    event = announcements.event_line("e", name, name, "2026-06-16T09:00:00Z")
    for text in (prefix, event, announcements.on_one_line(f"e: {name}")):
        assert commands(text) == []
        assert text.isprintable()
    assert prefix.startswith("[e=")
    assert json.loads(event)["variant"] == name


@pytest.mark.parametrize("name", EVIL)
def test_a_summary_holds_names_as_text_alone(name):
    of = arms_of("e", {"variants": [name, "other"], "hypothesis": name, "metric": "m"})
    text = announcements.summary(of, name, "least_used", {name: 1})
    assert not set(re.sub(r"&#\d+;", "", text)) & set("<>@`[]\x1b\x07")
    rows = [item for item in text.splitlines() if item.startswith("|")]
    assert {item.count("|") for item in rows} == {5}
    assert "http://" not in text


def test_the_title_and_the_event_are_those_that_were_asked_for():
    assert announcements.title_prefix({"engine_variant": "claude"}) == "[engine_variant=claude]"
    assert announcements.title_prefix({"b": "2", "a": "1"}) == "[a=1, b=2]"
    assert announcements.event_line(
        "engine_variant", "claude", "42", "2026-06-16T09:00:00Z"
    ) == (
        '{"event":"experiment.assigned","experiment":"engine_variant","variant":"claude",'
        '"run_id":"42","timestamp":"2026-06-16T09:00:00Z"}'
    )


@pytest.mark.parametrize(
    ("before", "variant", "expected"),
    [
        ("", "Y", "experiment.feat=Y"),
        ("a=b", "x,y=z %", "a=b,experiment.feat=x%2Cy%3Dz%20%25"),
        ("experiment.feat=old,a=b", "ü", "a=b,experiment.feat=%C3%BC"),
        ("experiment.feature=kept", "Y", "experiment.feature=kept,experiment.feat=Y"),
    ],
)
def test_resource_attributes_are_encoded_and_stand_once(before, variant, expected):
    assert announcements.resource_attributes(before, {"feat": variant}) == expected


def test_values_of_several_lines_stay_within_their_delimiters():
    text = announcements.runner_file({"a": "x\nEOF\nb<<EOF", "b": "y"})
    found = re.fullmatch(r"a<<(\w+)\n(.*)\n\1\nb<<(\w+)\ny\n\3\n", text, re.DOTALL)
    assert found[2] == "x\nEOF\nb<<EOF"
    assert found[1] != found[3]
