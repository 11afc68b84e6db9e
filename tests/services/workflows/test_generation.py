"""The next generation of a workflow: by evidence, archived and written together or neither."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.everyday import some
from tests.faults import FATAL, REFUSING, Crash, FaultyFileSystem
from tests.services.workflows.outcomes import imported
from tests.support.git import git
from tests.workflows.samples import BODY

from meta_experiment.errors import (
    DriftError,
    MetaExperimentError,
    NotFoundError,
    RefusedError,
    UnsafePathError,
    UsageError,
)
from meta_experiment.files.roots import Layout
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.health.recovery import finish_interrupted
from meta_experiment.services.workflows import generation, generation_landing
from meta_experiment.services.workflows.generation import GenerationRequest, plan_generation
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Decision, EndedArm, ReasonCode
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.variant_ranking import ranking

AT = 1_790_000_000.25
PATH = ".github/workflows/daily-report.md"
HEAD = (
    "---\r\non: daily\r\nexperiments:\r\n  tone:\r\n"
    "    variants: [dry, warm, cool]  # tones\r\n"
    "    weight: [50, 30, 20]\r\n    min_samples: 3\r\n---\r\n"
)
SOURCE = (HEAD + BODY).encode()


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "project"
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / PATH).write_bytes(SOURCE)
    (folder / PATH).chmod(0o640)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def opened(root, files=None):
    return Workspace.open(Layout(root), lambda: AT, files=files)


def darwin(root, *, apply=False, files=None, experiment="tone", **wishes):
    request = GenerationRequest("daily-report", experiment, **wishes)
    return plan_generation(opened(root, files), request, root, apply=apply)


def archives(root):
    return sorted((root / ".github" / "experiments").rglob("*.json"))


def ledger(**counts):
    """Return a ledger with so many runs of each variant."""
    lines, number = [], 0
    for variant, many in counts.items():
        for _ in range(many):
            number += 1
            stamp = f"2026-03-01T00:00:{number:02d}.000Z"
            run = {"run_id": str(number), "timestamp": stamp, "assignments": {"tone": variant}}
            lines.append(json.dumps(run) + "\n")
    return "".join(lines)


def names(plan):
    return [item.name for item in plan.ranking]


def test_without_evidence_the_order_is_that_of_the_workflow_and_nothing_wins(root):
    plan = darwin(root)
    assert names(plan) == ["dry", "warm", "cool"]
    assert (plan.winner, plan.chosen_by, plan.decision) == (None, None, None)
    assert plan.next_variants == plan.current_variants == ("dry", "warm", "cool")
    assert "no outcomes of its runs were imported" in plan.reason
    assert plan.diff == ""
    with pytest.raises(RefusedError, match="Nothing has won tone") as found:
        darwin(root, apply=True)
    assert "--winner" in found.value.hint
    assert (root / PATH).read_bytes() == SOURCE
    assert archives(root) == []


@pytest.mark.parametrize(
    ("counts", "order"),
    [
        ({"dry": 3, "warm": 9, "cool": 5}, ["warm", "cool", "dry"]),
        ({"dry": 3, "warm": 9, "cool": 2}, ["dry", "warm", "cool"]),
        ({"dry": 4, "warm": 4, "cool": 4}, ["dry", "warm", "cool"]),
        ({"gone": 9}, ["dry", "warm", "cool"]),
    ],
)
def test_counts_break_ties_and_never_under_the_minimum(root, counts, order):
    (root / "state.jsonl").write_text(ledger(**counts))
    plan = darwin(root, state="state.jsonl")
    assert names(plan) == order
    assert plan.winner is None
    assert {item.name: item.runs for item in plan.ranking} == {
        name: counts.get(name, 0) for name in ("dry", "warm", "cool")
    }


def test_a_branch_that_only_the_remote_has_is_counted(root):
    """A machine that never fetched it into a branch of its own ranks by it all the same."""
    (root / "state.jsonl").write_text(ledger(dry=3, warm=9, cool=5))
    git(root, "add", "state.jsonl")
    git(root, "commit", "--quiet", "-m", "state")
    git(root, "update-ref", "refs/remotes/origin/experiments/dailyreport", "HEAD")
    git(root, "rm", "--quiet", "state.jsonl")
    plan = darwin(root)
    assert names(plan) == ["warm", "cool", "dry"]
    assert not any("No branch" in note for note in plan.notes)


def test_a_missing_branch_is_told_and_a_damaged_one_is_no_missing_one(root):
    plan = darwin(root)
    assert any("git fetch origin" in note for note in plan.notes)
    (root / "state.jsonl").write_text("no state\n")
    git(root, "add", "state.jsonl")
    git(root, "commit", "--quiet", "-m", "state")
    git(root, "branch", "experiments/dailyreport")
    with pytest.raises(MetaExperimentError, match="is no state"):
        darwin(root)


def test_a_generation_is_archived_and_written(root):
    (root / "state.jsonl").write_text(ledger(dry=3, warm=9, cool=5))
    plan = darwin(root, apply=True, winner="warm", variants=("hot",), state="state.jsonl")
    expected = SOURCE.replace(b"[dry, warm, cool]", b"[warm, hot]").replace(
        b"[50, 30, 20]", b"[30, 30]"
    )
    assert (root / PATH).read_bytes() == expected
    assert (root / PATH).stat().st_mode & 0o777 == 0o640
    (kept,) = archives(root)
    assert plan.archive == kept.relative_to(root).as_posix()
    document = json.loads(kept.read_text())
    assert document["winner"] == "warm"
    assert document["chosen_by"] == "override"
    assert [item["runs"] for item in document["ranking"]] == [9, 5, 3]
    assert document["current_variants"] == ["dry", "warm", "cool"]
    assert document["next_variants"] == ["warm", "hot"]
    assert len(document["state"]["runs"]) == 17
    assert document["archived_at"].startswith("2026-09-2")
    assert plan.compile == "gh aw compile daily-report"
    assert git(root, "status", "--short", ".github").split() != []


def test_the_same_second_takes_two_archives(root):
    for winner in ("warm", "dry", "warm"):
        darwin(root, apply=True, winner=winner)
    assert len(archives(root)) == 3


def test_one_flag_is_one_variant_and_named_once(root):
    plan = darwin(root, winner="warm", variants=("a,b", "hot", "warm", "hot"))
    assert plan.next_variants == ("warm", "a,b", "hot")
    with pytest.raises(UsageError, match="at least two"):
        darwin(root, winner="warm", variants=("warm",))
    with pytest.raises(UsageError, match="empty"):
        darwin(root, winner="warm", variants=("  ",))


def test_an_unknown_winner_experiment_or_workflow_is_refused(root):
    with pytest.raises(NotFoundError, match="not a declared variant"):
        darwin(root, winner="unknown")
    with pytest.raises(NotFoundError, match="declares no experiment 'tune'") as found:
        darwin(root, experiment="tune")
    assert "tone" in found.value.hint
    (root / PATH).rename(root / ".github/workflows/weekly.md")
    with pytest.raises(NotFoundError, match="renamed or deleted"):
        darwin(root)


def test_a_compiled_workflow_without_its_source_is_refused(root):
    spec = 'env:\n  GH_AW_EXPERIMENT_SPEC: \'{"tone":["dry","warm"]}\'\n'
    (root / PATH).unlink()
    (root / ".github/workflows/daily-report.lock.yml").write_text(spec)
    with pytest.raises(RefusedError, match="only its source can be rewritten"):
        darwin(root, winner="warm")


def test_conditions_that_the_next_generation_does_not_meet_are_listed(root):
    plan = darwin(root, winner="warm", variants=("hot", "new"))
    assert [(item.line, item.why) for item in plan.conditions] == [
        (12, "no variant is called 'dry'")
    ]
    assert plan.alike == ("new",)


@pytest.mark.parametrize("folder", ["", "  ", "."])
def test_no_folder_is_the_usual_one_and_a_dot_the_root(root, folder):
    plan = darwin(root, apply=True, winner="warm", archive=folder)
    usual = "" if folder == "." else f"{generation.ARCHIVE}/"
    assert plan.archive.startswith(f"{usual}daily-report/tone/")
    assert (root / plan.archive).is_file()


@pytest.mark.parametrize("name", ["", "  ", "storage", "name"])
def test_what_names_no_experiment_is_refused(root, name):
    with pytest.raises(NotFoundError, match="declares no experiment"):
        darwin(root, experiment=name)


@pytest.mark.parametrize("folder", ["../outside", "/outside", ".git/x", ".claude/meta/x"])
def test_no_archive_leaves_the_root_or_falls_into_state(root, folder):
    with pytest.raises(UnsafePathError):
        darwin(root, apply=True, winner="warm", archive=folder)
    assert (root / PATH).read_bytes() == SOURCE


def test_no_archive_follows_a_link(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / ".github" / "experiments").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafePathError):
        darwin(root, apply=True, winner="warm")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (root / PATH).read_bytes() == SOURCE


def test_a_workflow_that_changes_meanwhile_is_left_alone(root, monkeypatch):
    changed = SOURCE.replace(b"daily", b"hourly", 1)

    def late(*arguments):
        (root / PATH).write_bytes(changed)
        return path_of(*arguments)

    path_of = generation_landing._archive_path
    monkeypatch.setattr(generation_landing, "_archive_path", late)
    with pytest.raises(DriftError, match="changed since") as found:
        darwin(root, apply=True, winner="warm")
    assert "run the same command again" in found.value.hint
    assert (root / PATH).read_bytes() == changed
    assert archives(root) == []


def test_nothing_is_written_where_the_answer_could_not_be(root, monkeypatch):
    def unwritable(*_):
        raise TypeError("no JSON")

    monkeypatch.setattr(generation_landing, "to_document", unwritable)
    with pytest.raises(TypeError):
        darwin(root, apply=True, winner="warm")
    assert (root / PATH).read_bytes() == SOURCE
    assert archives(root) == []


def together(root):
    """Say whether archive and workflow are of one generation, and of which."""
    written = (root / PATH).read_bytes()
    after = SOURCE.replace(b"[dry, warm, cool]", b"[warm, dry, cool]")
    assert written in (SOURCE, after.replace(b"[50, 30, 20]", b"[30, 50, 20]"))
    return written != SOURCE, len(archives(root))


@pytest.mark.long
@pytest.mark.parametrize("mode", some([*FATAL, *REFUSING], 2))
def test_a_fault_anywhere_leaves_both_or_neither(tmp_path, mode):
    """At every operation of the disk; after a death, once the next command cleared up."""
    number, states = 0, set()
    while True:
        number += 1
        root = tmp_path / f"{number}"
        (root / ".github" / "workflows").mkdir(parents=True)
        (root / PATH).write_bytes(SOURCE)
        disk = FaultyFileSystem(number, mode)
        with suppress(Crash, MetaExperimentError, OSError):
            darwin(root, apply=True, winner="warm", files=disk)
        if not disk.fired:
            break
        finish_interrupted(opened(root))
        changed, kept = together(root)
        assert changed == bool(kept), (number, disk.operations[-1])
        states.add(changed)
        assert not list((root / ".claude/meta/journal").glob("*.json"))
    assert number > 8
    assert False in states


def test_the_order_is_that_of_evidence_where_outcomes_are_known(root):
    imported(root, AT, {"dry": 100.0, "warm": 40.0, "cool": 99.0})
    (root / "state.jsonl").write_text(ledger(dry=40, warm=3, cool=50))
    plan = darwin(root, state="state.jsonl")
    assert (plan.decision, plan.winner, plan.chosen_by) == ("PROMOTE", "warm", "decision")
    assert names(plan)[0] == "warm"
    warm = plan.ranking[0]
    assert warm.effect > 0.4
    assert warm.e_value > 20
    assert warm.units == 30
    assert plan.next_variants[0] == "warm"
    done = darwin(root, apply=True, state="state.jsonl")
    document = json.loads((root / done.archive).read_text())
    assert document["analysis"]["decision"] == "PROMOTE"
    assert b"[warm, " in (root / PATH).read_bytes()


def test_a_decision_of_the_generation_before_decides_nothing_more(root):
    """Else the same promotion would be applied each day, by whoever applies each day."""
    imported(root, AT, {"dry": 100.0, "warm": 40.0, "cool": 99.0})
    assert darwin(root, apply=True).winner == "warm"
    plan = darwin(root)
    assert (plan.current_variants[0], plan.winner) == ("warm", None)
    assert "compares with dry, which is not the control any more" in plan.reason
    with pytest.raises(RefusedError, match="not the control any more"):
        darwin(root, apply=True)
    assert len(archives(root)) == 1


def test_an_arm_that_ended_comes_last_however_strong_its_evidence(root):
    """As one whose errors rose, while it was quick."""
    imported(root, AT, {"dry": 100.0, "warm": 40.0, "cool": 99.0})
    workspace = opened(root)
    (experiment,) = workspace.store.experiments()
    analysis = examine(workspace, experiment).analysis
    ended = EndedArm("warm", AT, ReasonCode.ERRORS_RISE, "its errors rose")
    held = replace(analysis, decision=Decision.EXTEND, winner=None, ended=(ended,))
    declared = DeclaredExperiment("tone", ("dry", "warm", "cool"), 1, 1)
    found = ranking(declared, {}, held, {name: name for name in declared.variants})
    assert found[-1].name == "warm"
    assert found[-1].e_value > 20


def test_a_winner_that_is_named_over_the_decision_is_told_to_be(root):
    imported(root, AT, {"dry": 100.0, "warm": 40.0, "cool": 99.0})
    assert darwin(root, winner="warm").chosen_by == "decision"
    assert darwin(root, winner="cool").chosen_by == "override"


def test_variants_that_do_harm_come_last_and_the_control_is_kept(root):
    imported(root, AT, {"dry": 40.0, "warm": 100.0, "cool": 110.0})
    plan = darwin(root)
    assert (plan.decision, plan.winner) == ("REJECT", "dry")
    assert [item.is_harmful for item in plan.ranking] == [False, True, True]


def test_a_rewrite_that_changes_nothing_writes_nothing(root):
    imported(root, AT, {"dry": 100.0, "warm": 40.0, "cool": 99.0})
    with pytest.raises(RefusedError, match="nothing to change"):
        darwin(root, apply=True, winner="dry", variants=("warm", "cool"))
    assert archives(root) == []
    assert (root / PATH).read_bytes() == SOURCE


def test_a_name_with_blanks_around_it_is_refused(root):
    with pytest.raises(UsageError, match="begins or ends with a blank"):
        darwin(root, winner="warm", variants=(" hot ",))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ('{"run_id":"1","timest\n', "set aside: state.jsonl, line 1: no JSON"),
        (ledger(loud=3), "tone no longer declares loud"),
        (
            ledger(dry=2).replace("tone", "hue"),
            "2 runs of its state have no variant of",
        ),
        (
            ledger(dry=1) + ledger(warm=1),
            "1 run of tone had another variant in",
        ),
    ],
)
def test_what_of_a_state_tells_nothing_is_told(root, state, told):
    (root / "state.jsonl").write_text(state)
    assert any(told in note for note in darwin(root, state="state.jsonl").notes)
