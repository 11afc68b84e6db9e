"""What is shown fits the terminal, and nothing is cut or broken where it is piped."""

import pytest

from meta_experiment.render import style
from meta_experiment.render.fit import seen


@pytest.fixture
def shown(project):
    """An experiment with trials, whose commands print as on a terminal of a width."""
    experiment = project.create("--guardrail", "output_tokens")
    project.observe(experiment, 12)

    def show(width, *words):
        with pytest.MonkeyPatch.context() as patch:
            terminal = style.Style(width=width)
            patch.setattr(style.Style, "for_stream", classmethod(lambda *_: terminal))
            return project(*words).out

    show.experiment = experiment
    return show


def said(text):
    """Return the words of a screen, without the picture, which is as wide as it may be."""
    lines = [line for line in text.splitlines() if "← worse" not in line]
    return [word for word in " ".join(lines).split() if not set(word) <= set("◂◀├─┼●│┆┊┤▸▶")]


@pytest.mark.parametrize("width", [80, 60])
def test_every_board_fits_and_says_the_same(shown, width):
    it = shown.experiment
    for words in (
        ["status"],
        ["status", it],
        ["analyze", it],
        ["report", it],
        ["explain", it],
        ["trials", it, "--limit", "5"],
        ["trials", it, "--limit", "5", "--all"],
        ["monitor"],
        ["check"],
        ["plan", "--sample-size", "20", "--per-day", "2"],
    ):
        narrow, wide = shown(width, *words), shown(0, *words)
        long = [line for line in narrow.splitlines() if seen(line) > width]
        whole = [line for line in long if line.lstrip().startswith("meta-experiment")]
        assert [line for line in long if line not in whole and " " in line.strip()] == [], words
        if "trials" not in words[0]:  # whose cells are broken beside each other
            assert said(narrow) == said(wide), words
