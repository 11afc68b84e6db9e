"""Cases out of the past of a project, from its transcripts to a file that is read back."""

from __future__ import annotations

import json
import os
import stat

import pytest
from tests.sources.test_session_uses import kept, status
from tests.support.git import GIT_ENVIRONMENT, git
from tests.transcripts.script import START, Script

from meta_experiment.cli import frame
from meta_experiment.cli.main import main
from meta_experiment.runs.cases.forms import read_cases
from meta_experiment.types.cases import CommitSource

DAY = 86_400
SECRET = "sk-ant-" + 6 * "a1B2"


class Project:
    """A repository of two commits, an hour apart, with the client's transcripts of it."""

    def __init__(self, folder):
        self.root = folder / "project"
        self.client = folder / "home" / ".claude"
        self.out = folder / "cases.jsonl"
        self.sessions = 0
        self.root.mkdir()
        git(self.root, "init", "-q", "-b", "main")
        (self.root / ".gitignore").write_text("*.log.jsonl\n")
        self.commits = [self.commit(minute) for minute in (-90, -30)]

    def commit(self, minute):
        for who in ("AUTHOR", "COMMITTER"):
            os.environ[f"GIT_{who}_DATE"] = f"{int(START) + 60 * minute} +0000"
        (self.root / "file.txt").write_text(f"{minute}")
        git(self.root, "add", ".")
        git(self.root, "commit", "-q", "-m", "x")
        return git(self.root, "rev-parse", "HEAD").strip()

    def session(self, script, *, branch="main", root=None):
        self.sessions += 1
        name = f"session-{self.sessions}"
        for line in script.lines:
            line |= {"sessionId": name, "gitBranch": branch, "cwd": str(root or self.root)}
        return kept(self.client, name, script, DAY + self.sessions, str(root or self.root))

    def use(self, minute, arguments="", **more):
        return self.session(Script().command("p1", 60 * minute, arguments=arguments), **more)

    def mine(self, *words, name="review"):
        return main(["cases", "mine", name, "--root", str(self.root), *words])

    def told(self, capsys, *words, code=0):
        assert self.mine("--json", *words) == code
        return json.loads(capsys.readouterr().out)


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_DATE", "")  # put back at the end
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("CLAUDE_CONFIG_DIR", "META_EXPERIMENT_ROOT", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def test_a_use_becomes_a_case_at_the_commit_of_its_time(project, capsys):
    """It is read back by what reads all cases, and nobody else can read it."""
    project.use(-60, "src/ä.py")
    project.use(5)
    told = project.told(capsys, "--out", str(project.out))
    newest, oldest = read_cases(project.out)
    assert (newest.prompt, newest.commit) == ("/review", project.commits[1])
    assert (oldest.prompt, oldest.commit) == ("/review src/ä.py", project.commits[0])
    assert oldest.tags == ("command",)
    assert oldest.origin.commit_by is CommitSource.REFLOG
    assert (oldest.origin.session, oldest.origin.clean, oldest.origin.first) == (
        "session-1", None, True,
    )  # fmt: skip
    assert oldest.case_id.startswith("review-20261121-131658-")
    assert stat.S_IMODE(project.out.stat().st_mode) == 0o600
    assert (told["uses"], told["replayable"], told["left_out"]) == (2, 2, {})
    assert told["commits_by"] == {"reflog": 2}
    assert told["unclear"] == 2
    assert told["file"] == str(project.out)
    assert [item["id"] for item in told["cases"]] == [newest.case_id, oldest.case_id]
    assert "src/" not in json.dumps(told)  # what was typed is in the file alone


def unsure(project):
    """One use for each reason against it, and one that has none."""
    project.use(1)
    project.use(2, root=project.root.parent / "other")
    project.use(-500)
    script = Script().user("p1", 180, [{"type": "image"}, {"type": "text", "text": "/review"}])
    project.session(script)
    project.session(Script().prompt("p0", 200).answer(201).command("p1", 240))
    project.session(status(Script().command("p1", 300), " M a.py", project.commits[1][:9]))
    project.use(6, branch="never-merged")


def test_the_count_is_said_with_a_reason_for_each_that_is_left_out(project, capsys):
    unsure(project)
    told = project.told(capsys, "--everywhere", "--dry-run")
    reasons = ["elsewhere", "no_commit", "pictures", "later", "dirty", "guessed"]
    assert told["left_out"] == dict.fromkeys(reasons, 1)
    assert (told["uses"], told["replayable"], len(told["cases"])) == (7, 1, 1)
    assert project.mine("--everywhere", "--dry-run") == 0
    text = capsys.readouterr().out
    assert text.startswith("review: of 7 past uses 1 can be run again")
    assert "1 left out: files were changed and not committed" in text


def test_what_is_unsure_is_taken_on_request_and_says_so(project, capsys):
    """But for what has no commit, or more than words."""
    unsure(project)
    told = project.told(capsys, "--everywhere", "--all", "--dry-run")
    assert set(told["left_out"]) == {"elsewhere", "no_commit", "pictures"}
    assert told["commits_by"] == {"recorded": 1, "reflog": 2, "main": 1}
    origins = [item["origin"] for item in told["cases"]]
    assert [item["clean"] for item in origins] == [None, False, None, None]
    assert [item["first"] for item in origins] == [True, True, False, True]


def talk(project, *, secret=""):
    """A use within a conversation, whose lines have ids."""
    script = Script().prompt("p0", 200, f"Hello {secret}").answer(201)
    script.add(type="cost-state", totalCostUSD=9)
    script.command("p1", 240, arguments="later")
    before = None
    for number, line in enumerate(script.lines):
        line |= {"uuid": f"u{number}", "parentUuid": before}
        before = f"u{number}"
    return project.session(script)


def test_what_was_said_before_is_kept_with_a_case_on_request(project, capsys):
    """In a folder beside the file, for one's own eyes, without costs and secrets."""
    talk(project, secret=SECRET)
    project.use(1)
    assert project.told(capsys, "--dry-run")["left_out"] == {"later": 1}
    words = ["--conversation", "--out", str(project.out)]
    told = project.told(capsys, *words)
    assert (told["conversations"], told["cut"], told["left_out"]) == (1, 1, {})
    alone, later = sorted(read_cases(project.out), key=lambda case: bool(case.history))
    assert alone.history is None
    assert (later.prompt, later.origin.first) == ("/review later", False)
    place = project.out.with_suffix(".history")
    assert later.history == str(place / f"{later.case_id}.jsonl")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (place, *place.iterdir())] == [
        0o700, 0o600,
    ]  # fmt: skip
    kept = (place / f"{later.case_id}.jsonl").read_text()
    assert [json.loads(row)["uuid"] for row in kept.splitlines()] == ["u0", "u1"]
    assert "[secret removed]" in kept
    assert SECRET not in kept
    assert "is there already" in project.told(capsys, *words, code=1)["error"]["message"]


def test_a_conversation_that_cannot_be_taken_up_is_left_out(project, capsys, monkeypatch):
    """As one without ids, of an old client, or one that is too long."""
    project.session(Script().prompt("p0", 200).answer(201).command("p1", 240))
    assert project.told(capsys, "--conversation", "--dry-run")["left_out"] == {"later": 1}
    talk(project)
    monkeypatch.setattr("meta_experiment.services.running.case_mining.LARGEST", 100)
    told = project.told(capsys, "--conversation", "--dry-run")
    assert told["left_out"] == {"later": 1, "long": 1}


def test_a_conversation_is_not_written_where_git_would_commit_it(project, capsys):
    """Also where it ignores the file of the cases."""
    talk(project)
    words = ["--conversation", "--out", "project/a.log.jsonl"]
    message = project.told(capsys, *words, code=1)["error"]["message"]
    assert "a.log.history, and" in message
    (project.root / ".gitignore").write_text("*.log.*\n")
    assert project.told(capsys, *words)["conversations"] == 1


def test_a_file_that_git_does_not_track_is_dirt_where_the_prompt_names_it(project, capsys):
    """A draft beside the work does not change what is asked for."""
    told = "?? drafts/"
    for minute, arguments in ((5, "src/a.py"), (6, "drafts/new.md")):
        script = status(
            Script().command("p1", 60 * minute, arguments=arguments),
            told,
            project.commits[1][:9],
        )
        project.session(script)
    found = project.told(capsys, "--dry-run")
    assert (found["replayable"], found["left_out"]) == (1, {"dirty": 1})
    assert [item["origin"]["clean"] for item in found["cases"]] == [True]
    assert project.mine("--dry-run") == 0
    assert "--all takes 1 more case" in capsys.readouterr().out


def test_what_a_session_had_edited_by_then_is_dirty(project, capsys):
    """Also for an agent, to which nothing of the conversation comes."""
    call = ("t2", "Agent", {"subagent_type": "review", "prompt": "Look."})
    script = Script().prompt("p1", 0).answer(2, tools=[("t1", "Edit", {"file_path": "a"})])
    project.session(script.answer(9, tools=[call]))
    assert project.told(capsys, "--dry-run")["left_out"] == {"dirty": 1}


def test_a_limit_takes_the_newest_and_days_leave_out_the_old(project, capsys, monkeypatch):
    for minute in (1, 2, 3):
        project.use(minute)
    told = project.told(capsys, "--limit", "2", "--dry-run")
    assert told["left_out"] == {"limit": 1}
    assert [item["origin"]["time"][11:16] for item in told["cases"]] == ["14:19", "14:18"]
    monkeypatch.setattr("meta_experiment.cli.open.time.time", lambda: START + 125 + DAY)
    assert project.told(capsys, "--days", "1", "--dry-run")["uses"] == 1


def test_an_id_stays_the_same_whatever_else_is_found(project, capsys):
    project.use(1)
    (before,) = project.told(capsys, "--dry-run")["cases"]
    project.use(2)
    assert before in project.told(capsys, "--dry-run")["cases"]
    (project.client / "projects").rename(project.client / "gone")
    project.use(1)  # a copy in another session
    assert project.told(capsys, "--dry-run")["cases"][0]["id"] == before["id"]


def test_secrets_are_cut_and_counted(project, capsys):
    project.use(1, f"with {SECRET}")
    project.use(2, "without")
    assert project.told(capsys, "--out", str(project.out))["cut"] == 1
    assert SECRET not in project.out.read_text()
    assert read_cases(project.out)[1].prompt == "/review with [secret removed]"


def test_texts_that_no_file_of_cases_holds_are_made_plain(project, capsys):
    path = project.use(1, "half HALF and zero ZERO")
    odd = path.read_bytes().replace(b"HALF", rb"\ud800").replace(b"ZERO", rb"\u0000")
    path.write_bytes(odd)
    project.told(capsys, "--out", str(project.out))
    assert read_cases(project.out)[0].prompt == "/review half ? and zero"


REFUSED = {
    "one that is there": ("there.jsonl", "is there already", 1),
    "one that git would commit": ("project/cases.jsonl", "git would commit", 1),
    "one without its folder": ("nowhere/cases.jsonl", "There is no folder", 1),
    "one of another form": ("cases.json", "expected a name in .jsonl", 2),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_is_refused(project, capsys, tmp_path, what):
    """Before anything is read."""
    name, why, code = REFUSED[what]
    (tmp_path / "there.jsonl").write_text("mine")
    assert why in project.told(capsys, "--out", name, code=code)["error"]["message"]
    assert (tmp_path / "there.jsonl").read_text() == "mine"
    assert not (tmp_path / name).exists() or name == "there.jsonl"


@pytest.mark.parametrize("words", ["project/cases.jsonl --tracked", "project/a.log.jsonl"])
def test_a_file_is_written_where_git_ignores_it_or_on_request(project, capsys, words):
    project.use(1)
    assert project.told(capsys, "--out", *words.split())["file"]


def test_nothing_is_written_without_a_case_or_a_place(project, capsys):
    project.use(1, branch="never-merged")
    told = project.told(capsys, "--out", str(project.out), code=1)
    assert (told["replayable"], told["file"], told["left_out"]) == (0, "", {"guessed": 1})
    assert not project.out.exists()
    assert "no --out" in project.told(capsys, code=2)["error"]["message"]
    assert main(["cases", "mine", "review", "--dry-run", "--root", str(project.client)]) == 1
    assert "is no working tree of git" in capsys.readouterr().err
    assert project.mine("--dry-run", name="nobody") == 1
    assert "No use of 'nobody'" in capsys.readouterr().err


@pytest.mark.parametrize(("said", "is_written"), [("n\n", False), ("y\n", True)])
def test_a_person_sees_them_and_is_asked(project, capsys, monkeypatch, said, is_written):
    project.use(1, "a.py")
    monkeypatch.setattr(frame, "_interactive", lambda: True)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: said.strip())
    assert project.mine("--out", str(project.out)) == (0 if is_written else 1)
    assert "/review a.py" in capsys.readouterr().err
    assert project.out.exists() is is_written


def test_a_prompt_file_is_found_by_its_path(project, capsys):
    path = project.root / ".claude/commands/review.md"
    path.parent.mkdir(parents=True)
    path.write_text("Review.")
    project.use(1)
    assert main(["cases", "mine", str(path), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "review"


def test_a_set_of_cases_is_told(project, capsys):
    """How many, what can be judged, and which commits this repository does not have."""
    lines = [
        {"id": "a", "prompt": "x", "criteria": [{"type": "contains", "target": "y"}]},
        {"id": "b", "prompt": "x", "commit": "nowhere", "needs": ["db"]},
        {
            "id": "c", "prompt": "x", "commit": project.commits[0], "needs": ["db"],
            "criteria": [{"type": "judge", "target": "y"}, {"type": "regex", "target": "y"}],
        },
        {"id": "d", "prompt": "x", "criteria": [{"type": "manual", "target": "y"}]},
    ]  # fmt: skip
    project.out.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ["cases", "check", str(project.out), "--root", str(project.root)]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "path": str(project.out),
        "cases": 4, "judged": 2, "by_hand": 2, "unjudged": 1, "pinned": 2, "mined": 0,
        "criteria": {"contains": 1, "regex": 1, "manual": 1, "judge": 1},
        "missing": ["nowhere"],
        "waves": [["a", "b", "d"], ["c"]],
    }  # fmt: skip
    assert main(words) == 0
    assert "not in this repository: nowhere" in capsys.readouterr().out
