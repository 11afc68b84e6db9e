"""Lines of the index, of the roots and of session files: what is written is what is read."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.sealing import CHECKOUT, own_key, own_seal

from meta_experiment.live.handovers import hand_over, pending
from meta_experiment.model.plan_checks import _MOST_TREATMENTS
from meta_experiment.protocol import index, places
from meta_experiment.protocol.index import Entry, format_entry, parse_entry, sealed_lines
from meta_experiment.protocol.seal import Seal
from meta_experiment.protocol.sessions import OpenTrial, PromptRef, Session, list_sessions


def entry(**changes):
    given = {
        "id": "exp-1", "state": "running", "kind": "skill", "name": "plug:review",
        "path": "skills/review/SKILL.md", "form": "inplace", "unit": "session",
        "method": "weighted", "traffic": 0.5, "arms": ["control", "a", "b"],
        "weights": [1.0, 2.0, 0.5], "seed": "ff", "sequence": "0120", "user": "u",
        "since": 1234.5, "serve": "a", "parts": 3, "arguments": ["pr", "mode"], "allow": True,
        "sha": "abc", "plugin": "0.1.0", "report": ["issues_caught"],
    }  # fmt: skip
    return Entry(**{**given, **changes})


def test_an_entry_comes_back_whole():
    read = parse_entry(format_entry(entry()))
    for field in Entry.__slots__:
        assert getattr(read, field) == getattr(entry(), field), field


def test_arms_that_have_ended_stand_at_the_end_of_a_line():
    """A line without any is the line of a program that knew of none."""
    ended = format_entry(entry(ended=["a", "b"]))
    assert ended == format_entry(entry()).rstrip("\n") + "\ta,b\n"
    assert parse_entry(ended).ended == ["a", "b"]
    assert parse_entry(format_entry(entry())).ended == []


@pytest.mark.parametrize(
    "changes",
    [
        {"opens": 1.5},
        {"closes": 2e9},
        {"opens": 1.0, "closes": 2.0, "ended": ["a"]},
        {"slots": (0, 500), "layer": "a1b2"},
        {"slots": (200, 1000), "layer": "a1b2", "closes": 3.0, "method": "ramp", "known": 7},
    ],
)
def test_who_takes_part_and_when_comes_back_whole(changes):
    read = parse_entry(format_entry(entry(**changes)))
    for field in Entry.__slots__:
        assert getattr(read, field) == getattr(entry(**changes), field), field
    assert not read.takes_all


def test_the_name_of_an_argument_may_hold_a_comma():
    names = ["pr,", "mode", ","]
    assert parse_entry(format_entry(entry(arguments=names))).arguments == names


@pytest.mark.parametrize(
    "changes", [{"name": "a\tb"}, {"path": "a\nb"}, {"arms": ["a,b"]}, {"arguments": [""]}]
)
def test_what_a_line_cannot_hold_is_refused(changes):
    with pytest.raises(ValueError, match="holds"):
        format_entry(entry(**changes))


@pytest.mark.parametrize(
    "changes",
    [{"path": "../x.md"}, {"path": "/etc/passwd"}, {"arms": ["../c", "t", "u"]}, {"id": ".x"},
     {"id": "exp x;touch PWN #"},
     {"serve": "../../x"}, {"weights": [1.0]}, {"state": "else"}],
)  # fmt: skip
def test_a_line_that_leads_out_of_the_root_is_no_entry(changes):
    assert parse_entry(format_entry(entry(**changes))) is None


def test_damaged_lines_are_passed_over(tmp_path):
    path = Path(places.active_index(str(tmp_path)))
    path.parent.mkdir(parents=True)
    good, other = entry(), entry(id="exp-2")
    text = sealed_lines([good, other], own_seal(tmp_path)).encode()
    path.write_bytes(b"\xff\x00\n" + text[:40] + b"\n\n" + text)
    assert [found.id for found in index.entries(str(tmp_path))] == ["exp-1", "exp-2"]
    assert index.find_entry(str(tmp_path), "exp-2").id == "exp-2"
    assert index.find_entry(str(tmp_path), "exp") is None
    assert index.entries(str(tmp_path / "none")) == []


@pytest.mark.parametrize(
    "by", ["another machine", "another checkout", "nobody", "this machine, and changed"]
)
def test_a_line_that_this_machine_did_not_write_is_passed_over(tmp_path, by):
    """git replaces an ignored file without asking by what a commit brings along."""
    path = Path(places.active_index(str(tmp_path)))
    path.parent.mkdir(parents=True)
    line, seal = format_entry(entry()), own_seal(tmp_path)
    path.write_text(
        {
            "another machine": sealed_lines([entry()], Seal(b"1" * 64, CHECKOUT)),
            "another checkout": sealed_lines([entry()], Seal(own_key(), "c" * 32)),
            "nobody": line + line.rstrip("\n") + "\t" + "0" * 32 + "\n",
            "this machine, and changed": sealed_lines([entry()], seal).replace(
                "exp-1", "exp-3"
            ),
        }[by]
    )
    assert index.entries(str(tmp_path)) == []
    assert [index.find_entry(str(tmp_path), name) for name in ("exp-1", "exp-3")] == [None] * 2


def test_without_a_key_nothing_is_believed(tmp_path, monkeypatch):
    path = Path(places.active_index(str(tmp_path)))
    path.parent.mkdir(parents=True)
    path.write_text(sealed_lines([entry()], Seal(b"x", CHECKOUT)))
    assert index.entries(str(tmp_path)) == []
    monkeypatch.delenv("HOME")
    assert index.entries(str(tmp_path)) == []


def test_the_sequence_is_one_letter_for_each_position():
    text = index.sequence_text([0, 35, 1])
    assert text == "0z1"
    assert [index.sequence_arm(text, place) for place in (-1, 0, 1, 2, 3)] == [
        None, 0, 35, 1, None,
    ]  # fmt: skip


def test_the_sequence_has_a_letter_for_every_arm_of_the_largest_plan(tmp_path):
    arms = list(range(_MOST_TREATMENTS + 1))
    given = entry(
        arms=[f"v{arm}" for arm in arms], weights=[1.0] * len(arms),
        sequence=index.sequence_text(arms), serve="",
    )  # fmt: skip
    path = Path(places.active_index(str(tmp_path)))
    path.parent.mkdir(parents=True)
    path.write_text(sealed_lines([given], own_seal(tmp_path)), encoding="utf-8")
    read = index.find_entry(str(tmp_path), given.id)
    assert [index.sequence_arm(read.sequence, place) for place in arms] == arms


def test_roots_with_odd_paths(tmp_path):
    data = places.data_folder({"HOME": str(tmp_path)})
    Path(data).mkdir(parents=True)
    path = "/a b/é\u2028\x85\x0b\x1c"  # marks at which only some programs end a line
    root = places.Root("ab", places.USER, path)
    Path(places.roots_file(data)).write_text("broken\n" + places.format_root(root))
    (read,) = places.roots(data)
    assert (read.token, read.scope, read.path) == ("ab", "user", path)
    with pytest.raises(ValueError, match="tab"):
        places.format_root(places.Root("ab", "project", "/a\tb"))
    assert places.data_folder({"HOME": "/h", "XDG_DATA_HOME": "rel"}).startswith("/h/")
    assert places.data_folder({}) == ""
    assert places.roots("") == []


def trial(prompt="p\t1", at=5):
    return OpenTrial(
        experiment_id="exp-1", trial_id="t1", variant="a", unit="u\\n\n", prompt_id=prompt,
        transcript_path="/x/\ty.jsonl", epoch_ms=at, sha="s", plugin="", argument_length=at,
    )  # fmt: skip


def test_session_files_come_back_whole(tmp_path):
    own_seal(tmp_path)
    root = str(tmp_path)
    later, first = trial("p2", 9), trial()
    assert Session(root, "s").write_trial(later)
    assert Session(root, "s").write_trial(first)
    assert not Session(root, "s").write_trial(trial())
    read = Session(root, "s").open_trials()
    assert [found.prompt_id for found in read] == ["p\t1", "p2"]
    for field in OpenTrial.__slots__:
        assert getattr(read[0], field) == getattr(first, field), field
    Session(root, "s").append_prompt("p\t1")
    assert Session(root, "s").read_prompts() == ["p\t1"]
    Session(root, "s").write_turn(PromptRef("p", "/t\n", "/dir"))
    assert Session(root, "s").read_turn().transcript == "/t\n"
    hand_over(Session(root, "s"), "git:re-view", PromptRef("p", "/t"), "a\nb\ud800\0")
    (handover,) = pending(Session(root, "s"), "git:re-view")
    assert handover.arguments == "a\nb\ud800\0"
    assert pending(Session(root, "s"), "git:re") == []
    assert not Session(root, "s").remove(Session(root, "s").names())
    for found in read:
        Session(root, "s").remove_trial(found)
    names = Session(root, "s").names()
    hand_over(Session(root, "s"), "later", PromptRef("p", "/t"), "")
    assert not Session(root, "s").remove(names), "what came since stays"
    assert Session(root, "s").remove(Session(root, "s").names())
    assert list_sessions(root) == []


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (lambda kept: kept.write("name", b"it"), lambda kept: kept.read("name") == b"it"),
        (lambda kept: kept.write_trial(trial()), lambda kept: len(kept.open_trials()) == 1),
        (lambda kept: kept.append("name", "it"), lambda kept: kept.lines("name") == [["it"]]),
    ],
    ids=["a file", "a trial", "a line"],
)
def test_what_is_written_while_the_folder_is_removed_is_not_lost(
    tmp_path, monkeypatch, write, read
):
    """Another process that finds the session over may do so before any step of a write."""
    own_seal(tmp_path)
    folder = tmp_path / "beside" / "root" / "s"
    kept = Session(str(tmp_path), "s", str(folder))
    steps = []

    def remove():
        subprocess.run(["rm", "-rf", folder.parent], check=True)

    def disturbed(act):
        def acting(*words, **named):
            steps.append(act.__name__)
            if len(steps) == at:
                remove()
            return act(*words, **named)

        return acting

    for at in range(1, 30):
        remove()
        steps.clear()
        with monkeypatch.context() as within:
            for act in (os.open, os.rename, os.link, os.mkdir):
                within.setattr(os, act.__name__, disturbed(act))
            write(kept)
        assert read(kept), steps[:at]
        if len(steps) < at:
            break
    assert 2 < at < 29


def test_session_folders_are_private_and_stay_below_the_root(tmp_path):
    own_seal(tmp_path)
    Session(str(tmp_path), "s").write_turn(PromptRef("p", ""))
    folder = Path(Session(str(tmp_path), "s").folder)
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "turn").stat().st_mode & 0o077 == 0
    for session in ("", "..", "a/b", "a\0", "x" * 200):
        with pytest.raises(ValueError, match="folder"):
            Session(str(tmp_path), session).write_turn(PromptRef("p", ""))
