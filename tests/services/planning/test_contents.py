"""Texts of arms that are there to be compared alone are made, whole, and checked as others."""

import pytest

from meta_experiment.errors import UsageError
from meta_experiment.files.roots import Layout
from meta_experiment.services.acting import promotion
from meta_experiment.services.acting.lifecycle import start
from meta_experiment.services.planning import creating, request
from meta_experiment.services.workspace import Workspace

PROMPT, OTHER = ".claude/commands/review.md", "prompts/flow.yaml"
CONTROL = "---\ndescription: Review\n---\nReview $ARGUMENTS.\n"
LONGER = "---\ndescription: Look\n---\nReview $ARGUMENTS with great care, file by file.\n"


@pytest.fixture
def space(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for path, text in ((PROMPT, CONTROL), (OTHER, "text: Flow.\n"), ("new.md", LONGER)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return Workspace.open(Layout(tmp_path), lambda: 1_760_000_000.0)


def made(space, *files, comparators=("placebo", "aa"), **plan):
    wanted = {"unit": "case", "metrics": {"primary": "cost_usd"}, **plan}
    files = files or (f"{PROMPT}=new.md",)
    asked = request.from_flags(wanted, files, space.root, space.root, comparators=comparators)
    return creating.create(space, asked, manual=True).experiment


def test_a_placebo_is_as_long_as_the_treatment_and_the_control_comes_again(space):
    found = made(space)
    names = [item.name for item in found.plan.variants]
    assert names == ["control", "treatment", "placebo", "aa"]
    assert [item.name for item in found.plan.treatments] == ["treatment"]
    texts = {name: space.store.variant(found, name)[PROMPT].data.decode() for name in names}
    assert texts["aa"] == texts["control"] == CONTROL
    assert texts["placebo"].startswith(CONTROL)
    bodies = {name: text.rpartition("---\n")[2] for name, text in texts.items()}
    assert len(bodies["placebo"]) == len(bodies["treatment"])


def test_nobody_promotes_one(space):
    name = made(space).experiment_id
    start(space, name, manual=True)
    for variant in ("placebo", "aa"):
        options = promotion.ActionOptions(variant=variant, override="it is the best")
        with pytest.raises(Exception, match=f"no treatment '{variant}'"):
            promotion.promote(space, name, options, dry_run=True)


def test_a_placebo_of_ones_own_is_taken(space):
    (space.root / "own.md").write_text("Words, words, words.\n")
    found = made(space, f"{PROMPT}=new.md", f"placebo:{PROMPT}=own.md")
    assert space.store.variant(found, "placebo")[PROMPT].data == b"Words, words, words.\n"


@pytest.mark.parametrize(
    ("files", "plan", "why"),
    [
        ((f"{PROMPT}=short.md",), {}, "no longer than the control"),
        ((f"{OTHER}=new.yaml",), {}, "is no prose"),
        ((f"{PROMPT}=new.md", f"v2:{PROMPT}=own.md"), {}, "as long as one treatment"),
        ((f"{PROMPT}=new.md",), {"unit": "session"}, "compared alone"),
    ],
)
def test_what_has_no_placebo_is_refused(space, files, plan, why):
    (space.root / "short.md").write_text("Review.\n")
    (space.root / "own.md").write_text("Words, words, words.\n" * 9)
    (space.root / "new.yaml").write_text("text: Flow, and more of it.\n")
    with pytest.raises(UsageError, match=why):
        made(space, *files, comparators=("placebo",), **plan)
    assert not space.store.experiments()


def test_a_plan_file_names_them_and_no_other_word_is_one(space):
    def planned(word):
        plan = {
            "files": {PROMPT: "new.md"},
            "unit": "case",
            "variants": ["control", "treatment", {"name": "same", "comparator": word}],
        }
        return creating.create(space, request.from_plan(plan, space.root), manual=True)

    with pytest.raises(UsageError, match="'again' is none of placebo, aa"):
        planned("again")
    assert [item.name for item in planned("aa").experiment.plan.comparators] == ["same"]
