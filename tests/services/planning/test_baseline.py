"""The past of a prompt file, from transcripts of sessions before any experiment."""

import json
import os
import statistics

import pytest
from tests.decide.making import plan
from tests.transcripts.script import START, Script

from meta_experiment.cli.main import main
from meta_experiment.errors import NotFoundError
from meta_experiment.files.roots import Layout
from meta_experiment.model.registry import encode_registry
from meta_experiment.render.baseline import baseline as page
from meta_experiment.render.style import Style
from meta_experiment.render.writers import write
from meta_experiment.services.planning.baseline import baseline
from meta_experiment.services.planning.past import past_in_sessions
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.sessions import past_sessions, session_files
from meta_experiment.types import (
    Direction,
    Experiment,
    FileVersion,
    Metric,
    MetricKind,
    Scale,
    Status,
    Unit,
)

DAY = 86400
NOW = START + 10 * DAY
DURATION = Metric("duration_seconds", MetricKind.CONTINUOUS, Direction.LOWER, Scale.LOG, "s")


class Past:
    """A home with the client's transcripts of sessions in a project."""

    def __init__(self, folder):
        self.root = folder / "my_project"
        self.root.mkdir()
        self.client = folder / "home" / ".claude"
        self.sessions = 0

    def session(self, script, *, root=None, at=START + 100):
        """Keep a session as the client would; return its file."""
        root = root or self.root
        self.sessions += 1
        script.lines[0]["cwd"] = str(root)
        for line in script.lines:
            if line["type"] == "assistant":
                line["message"]["id"] += f"_{self.sessions}"  # no two sessions share an answer
        folded = "".join(mark if mark.isalnum() else "-" for mark in str(root))
        path = self.client / "projects" / folded / f"session-{self.sessions:03}.jsonl"
        script.write(path)
        os.utime(path, (at, at))
        return path

    def use(self, seconds, *, name="review", after=0, **more):
        """One session with one use, `after` seconds, that took so long."""
        script = Script().command("p1", after, name).answer(after + seconds)
        return self.session(script, at=START + after + seconds, **more)

    def read(self, name="review", **more):
        workspace = Workspace.open(Layout(self.root), lambda: NOW)
        return baseline(workspace, name, self.client, **more)

    def spread(self, metric="duration_seconds", **more):
        return next(item for item in self.read(**more).spreads if item.metric == metric)


@pytest.fixture
def past(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.delenv("META_EXPERIMENT_ROOT", raising=False)
    return Past(tmp_path)


def test_uses_are_counted_and_measured(past):
    """How often, how long, how costly, with the spread."""
    lengths = [10, 20, 30, 40, 70]
    for seconds in lengths:
        past.use(seconds)
    past.use(500, name="other")
    seen = past.read()
    assert (seen.uses, seen.sessions, seen.statuses) == (5, 5, {"ok": 5})
    assert seen.per_day == pytest.approx(0.5)
    assert seen.days == pytest.approx(10)
    duration = past.spread()
    assert (duration.n, duration.median, duration.mean) == (5, 30, 34)
    assert duration.sd == pytest.approx(statistics.stdev(lengths))
    assert past.spread("cost_usd").mean == pytest.approx(0.012)
    assert past.spread("output_tokens").mean == 50


def test_a_rate_from_less_than_half_a_day_says_so(past):
    past.use(10, after=10 * DAY - 3600)
    text = write("text", page(past.read()), Style())
    assert "a day's uses are counted as if these were of 12 h" in text
    assert ", 2 a day" in text
    past.use(10)
    assert "are counted as if" not in write("text", page(past.read()), Style())


@pytest.mark.parametrize(
    ("name", "uses"),
    [
        ("review", 2),
        ("/review", 2),
        (".claude/commands/review.md", 2),
        ("plug:review", 1),
        (".claude/skills/sk/SKILL.md", 1),
        (".claude/agents/helper.md", 1),
        ("git:fix", 1),
        (".claude/commands/git/fix.md", 1),
    ],
)
def test_a_prompt_file_is_found_by_name_or_path(past, name, uses):
    """Commands by their tag or as typed, skills and agents by the call of the tool."""
    past.use(5)
    past.use(6, name="plug:review")
    past.use(7, name="git:fix")
    calls = [("c1", "Skill", {"skill": "sk"}), ("c2", "Agent", {"subagent_type": "helper"})]
    past.session(Script().prompt("p1", 0).answer(1, "", calls).answer(9))
    past.session(Script().prompt("p1", 0, "/review this").answer(4))
    assert past.read(name).uses == uses


def test_a_use_reaches_to_the_next_as_a_trial_would(past):
    """Follow-ups count; a session is one unit, unless every use is one."""
    script = Script().command("p1", 0).answer(10).prompt("p2", 20).answer(30)
    script.command("p3", 100).answer(120)
    past.session(script)
    seen = past.read()
    assert (seen.uses, seen.sessions) == (2, 1)
    assert past.spread().mean == 25
    each = past.spread(unit=Unit.INVOCATION)
    assert (each.n, each.low, each.high) == (2, 21, 29)
    assert past.spread("followup_turns").mean == 0.5


def of_older_client(script, session):
    """Write a script as clients did that gave prompts no ids and kept agents beside."""
    for number, line in enumerate(script.lines):
        line.pop("promptId", None)
        line |= {"uuid": f"{session}-{id(script)}-{number}", "sessionId": session}
    return script


def with_agent(past, ending, *, told="look closely"):
    """One use of a session that started an agent, which lies beside it, after 1 s."""
    session = f"session-{past.sessions + 1:03}"
    call = ("c1", "Task", {"subagent_type": "helper", "prompt": told})
    main = Script().command("p1", 0).answer(1, "", [call])
    main.result("p1", ending, "c1", detail={"status": "completed", "agentId": session[-3:]})
    main.answer(ending + 1).command("p2", ending + 2).answer(ending + 3)
    path = past.session(of_older_client(main, session))
    agent = Script(number=50).prompt("", 2, told).answer(ending - 1)
    for line in of_older_client(agent, session).lines:
        line |= {"isSidechain": True, "agentId": session[-3:]}
    agent.write(path.with_name(f"agent-{session[-3:]}.jsonl"))
    return path


def test_agents_beside_a_session_are_its_work_and_no_sessions_of_their_own(past):
    """Older clients keep them as `agent-ID.jsonl` in the folder of the project."""
    with_agent(past, 100)
    with_agent(past, 200, told="/review this")
    seen = past.read()
    assert (seen.transcripts, seen.sessions, seen.uses) == (2, 2, 4)
    each = past.spread("turns", unit=Unit.INVOCATION)
    assert (each.n, each.low, each.high) == (4, 1, 3)
    assert past.spread("subagent_share").high == pytest.approx(1 / 6)
    assert past.read("helper").uses == 2


def test_agents_beside_a_session_leave_room_for_sessions(past, monkeypatch):
    """They are many, and do not count towards how many transcripts are read."""
    for _ in range(3):
        with_agent(past, 100)
    monkeypatch.setattr(session_files, "MOST_FILES", 3)
    seen = past.read()
    assert (seen.sessions, seen.transcripts_left_out) == (3, 0)


def test_an_agents_file_that_names_no_session_belongs_to_none(past):
    """Nor does one that is no transcript; the session beside it is read all the same."""
    path = past.use(10)
    path.with_name("agent-x.jsonl").write_bytes(b"\xff[]\n")
    path.with_name("agent-y.jsonl").write_bytes(b"")
    path.with_name("agent-z.jsonl").mkdir()
    Script().command("p1", 0).answer(5).write(path.with_name("agent-w.jsonl"))
    assert past.read().uses == 1
    assert past.spread("turns").mean == 1


@pytest.mark.parametrize("whole_first", [True, False])
def test_what_a_session_copied_from_another_is_one_use(past, whole_first):
    """A client that resumes into a new file copies the conversation, and says nothing of it."""
    script = Script().command("p1", 0).answer(10).prompt("p2", 20).answer(30)
    path = past.session(script, at=START + (100 if whole_first else 200))
    whole = Script(list(script.lines)).prompt("p3", 40).answer(50)
    whole.lines[-1]["message"]["id"] += "_later"
    whole.command("p4", 60).answer(65, key="msg_own")
    copy = whole.write(path.with_name("session-copy.jsonl"))
    os.utime(copy, (START + 150,) * 2)
    assert past.read().uses == 2
    each = past.spread(unit=Unit.INVOCATION)
    assert (each.n, each.mean) == (2, 27.5)


def test_uses_in_two_sessions_with_the_same_ids_of_prompts_are_two(past):
    """Clients that gave prompts no ids are told apart by their answers."""
    for seconds in (10, 20):
        past.session(of_older_client(Script().command("p1", 0).answer(seconds), "s"))
    assert past.read().uses == 2


def test_a_path_is_answered_with_that_very_prompt(past):
    """Not with the prompt of the same name of a plugin, nor a plugin's with the project's."""
    past.use(5)
    past.use(6, name="other:review")
    past.use(7, name="tools:review")
    plugin = past.root / ".claude-plugin/plugin.json"
    plugin.parent.mkdir()
    plugin.write_text('{"name": "tools"}')
    workspace = Workspace.open(Layout(past.root), lambda: NOW)

    def values(path):
        found = past_in_sessions(workspace, DURATION, [path], Unit.SESSION, past.client)
        return list(found.values)

    assert values(".claude/commands/review.md") == [5]
    assert values("commands/review.md") == values("skills/review/SKILL.md") == [7]
    assert past.read("commands/review.md").uses == 1
    assert past.read("tools:review").uses == 1


def test_a_name_is_that_of_a_plugin_only_where_nothing_has_it_itself(past):
    """`/team:review` is another prompt than `/review`."""
    past.use(10, name="team:review")
    assert past.read("review").uses == 1
    past.use(20)
    assert past.read("review").uses == 1
    assert past.spread(name="review").mean == 20


def test_an_agent_is_found_by_its_own_name(past):
    """The client calls it by the name within the file, not by that of the file."""
    file = past.root / ".claude/agents/r.md"
    file.parent.mkdir(parents=True)
    file.write_text("---\nname: reviewer\ndescription: x\n---\nReview.\n")
    call = ("c1", "Agent", {"subagent_type": "reviewer"})
    past.session(Script().prompt("p1", 0).answer(1, "", [call]).answer(9))
    assert past.read(".claude/agents/r.md").uses == 1


def test_the_path_of_a_project_is_folded_as_the_client_does(past):
    """It takes a path in units of UTF-16: an emoji becomes two dashes, an umlaut one."""
    root = past.root.with_name("p\N{PARTY POPPER}ä") / "work"
    path = past.use(10, root=root)
    folder = str(past.root.with_name("p")).replace("/", "-").replace("_", "-") + "----work"
    path.parent.rename(path.parent.with_name(folder))
    root.mkdir(parents=True)
    past.root = root
    assert past.read().uses == 1


def test_other_projects_and_older_days_count_only_when_asked_for(past):
    """A neighbour with a like name is told apart by where its sessions began."""
    past.use(10)
    past.use(20, root=past.root / "below")
    past.use(30, root=past.root.with_name("my-project"))
    past.use(40, root=past.root.with_name("my_project-2"))
    assert past.read().uses == 2
    assert past.read(everywhere=True).uses == 4
    with pytest.raises(NotFoundError, match="No use of 'review' is in the 0 transcripts"):
        past.read(days=5)


def test_an_old_use_in_a_session_that_still_goes_on_is_old(past):
    """What counts is when it was used, not when the file was last written."""
    past.session(Script().command("p1", 0).answer(5), at=NOW)
    past.use(6, after=8 * DAY)
    assert past.read(days=5).uses == 1


def run(root, path, started, ended=None):
    """Register an experiment on a prompt file, as it stands after that time."""
    made = plan(files=(path,))
    versions = {path: {item.name: FileVersion("0" * 64, 0o644) for item in made.variants}}
    status = Status.RUNNING if ended is None else Status.ROLLED_BACK
    experiment = Experiment(
        "exp-1", made, "0" * 64, status, started, versions, started=started, ended=ended
    )
    file = root / ".claude/meta/experiments.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encode_registry([experiment]))


@pytest.mark.parametrize("personal", [False, True])
def test_uses_under_an_experiment_are_left_out_and_counted(past, capsys, personal):
    """They had several texts; how often it is used they tell as well as any other."""
    for day in range(8):
        past.use(10 + day, after=day * DAY)
    before = past.read()
    where = past.client.parent if personal else past.root
    run(where, ".claude/commands/other.md", START)
    assert past.read() == before
    run(where, ".claude/commands/review.md", START + 1.5 * DAY, START + 3.5 * DAY)
    seen = past.read()
    assert (seen.uses, seen.uses_under_experiment) == (6, 2)
    assert past.spread().mean == pytest.approx((10 + 11 + 14 + 15 + 16 + 17) / 6)
    assert seen.units_per_day == before.units_per_day
    workspace = Workspace.open(Layout(past.root), lambda: NOW)
    files = [".claude/commands/review.md"]
    found = past_in_sessions(workspace, DURATION, files, Unit.SESSION, past.client)
    assert sorted(found.values) == [10, 11, 14, 15, 16, 17]
    assert main(["baseline", "review", "--root", str(past.root)]) == 0
    assert "left out: 2 more uses, made during an experiment on it" in capsys.readouterr().out
    run(where, ".claude/commands/review.md", START - 1)
    with pytest.raises(NotFoundError, match="All 8 uses of 'review' were made during"):
        past.read()


def test_a_metric_that_nobody_knows_is_refused(past, capsys):
    """And one that transcripts do not tell is said to have no values."""
    for seconds in range(12):
        past.use(10 + seconds)
    words = ["baseline", "review", "--root", str(past.root), "--metric"]
    assert main([*words, "duration_secnds"]) == 2
    said = capsys.readouterr().err
    assert "duration_seconds" in said
    assert ":lower" not in said
    assert main([*words, "tool_calls.Bash"]) == 0
    assert "no value of" not in capsys.readouterr().out
    assert main([*words, "rating"]) == 0
    assert "Transcripts hold no value of rating" in capsys.readouterr().out


def test_what_was_never_used_is_said_so(past):
    """A wrong name gets no empty table."""
    past.use(10)
    with pytest.raises(NotFoundError, match="No use of 'reviews' is in the 1 transcripts"):
        past.read("reviews")


def test_an_experiment_that_cannot_decide_is_told_before_it_begins(past):
    """Five sessions in ten days never give ten units an arm in two weeks."""
    for seconds in (10, 20, 30, 40, 70):
        past.use(seconds)
    seen = past.read()
    assert any("never decide" in warning for warning in seen.warnings)
    assert not seen.outlook.spread.assumed
    assert seen.halves is None


def test_two_halves_of_the_past_differ_by_chance(past):
    """The noise floor is that of the past itself, and seeded."""
    for number in range(40):
        past.use(10 + number % 7)
    halves = past.read(seed=3).halves
    assert halves.units == 20
    assert 0 < halves.typical < halves.large < 0.3
    assert past.read(seed=3).halves == halves


def test_only_the_newest_transcripts_are_read(past, monkeypatch):
    """The bounds hold, and what was left out is counted and does not dilute the rate."""
    for number in range(6):
        past.use(10 + number, after=number * DAY)
    monkeypatch.setattr(session_files, "MOST_FILES", 4)
    seen = past.read()
    habit = seen
    assert (habit.uses, habit.transcripts, habit.transcripts_left_out) == (4, 4, 2)
    assert past.spread().mean == 13.5
    # all of the last eight days was read, and the session that began just before it
    assert seen.units_per_day == pytest.approx(3 / 8, rel=0.01)
    monkeypatch.setattr(session_files, "MOST_BYTES", 1)
    assert past.read().transcripts == 1


def test_a_transcript_that_cannot_be_read_is_left_out(past, monkeypatch):
    """Advice does not fail on one bad file."""
    past.use(10)
    refused = past.use(15)
    real = past_sessions.read_transcript

    def read(path, **more):
        if path == str(refused):
            raise PermissionError(13, "Permission denied")
        return real(path, **more)

    monkeypatch.setattr(past_sessions, "read_transcript", read)
    path = past.use(20)
    path.write_bytes(b"\x00\xff" * 5000)
    (path.parent / "folder.jsonl").mkdir()
    (path.parent / "gone.jsonl").symlink_to("nowhere")
    assert past.read().uses == 1


def test_the_past_of_a_file_without_experiments_is_that_of_its_sessions(past):
    """What `create` says rests on it."""
    for seconds in (10, 20, 30, 40, 70, 80):
        past.use(seconds)
    workspace = Workspace.open(Layout(past.root), lambda: NOW)
    files = [".claude/commands/review.md"]
    found = past_in_sessions(workspace, DURATION, files, Unit.SESSION, past.client)
    assert sorted(found.values) == [10, 20, 30, 40, 70, 80]
    assert found.units_per_day == pytest.approx(0.6)
    nothing = past_in_sessions(workspace, DURATION, ["docs/x.md"], Unit.SESSION, past.client)
    assert nothing.values == ()


def test_create_speaks_from_the_past_of_the_prompt_file(past, capsys, monkeypatch):
    """Without experiments of its own a plan rests on the transcripts."""
    monkeypatch.chdir(past.root)
    command = past.root / ".claude/commands/review.md"
    command.parent.mkdir(parents=True)
    command.write_text("Review.\n")
    (past.root / "v2.md").write_text("Review better.\n")
    for seconds in (10, 20, 30, 40, 70, 80):
        past.use(seconds)
    words = ["create", "--root", str(past.root), "--json", "--file"]
    assert main([*words, ".claude/commands/review.md=v2.md"]) == 0
    assert "as past values have it" in json.loads(capsys.readouterr().out)["outlook"]


def test_the_verb_says_it_in_words_and_in_json(past, capsys):
    """A table, the noise, and whether it can ever decide; the same as a document."""
    for number in range(12):
        past.use(10 + number)
    words = ["baseline", "review", "--root", str(past.root)]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "review: 12 uses in 12 sessions" in told
    assert "Two random halves of this past (6 each)" in told
    assert "smallest improvement found" in told
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["uses"] == 12
    assert document["spreads"][0]["metric"] == "active_seconds"
    assert main(["baseline", "nothing", "--root", str(past.root)]) == 1
