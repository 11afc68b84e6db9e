"""The index of all experiments tells what the evidence says, what was done and what is due."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.conftest import COMMAND
from tests.cli.test_report import PLAIN, Reader

from meta_experiment.errors import CorruptStoreError
from meta_experiment.files.roots import Layout
from meta_experiment.render.html import project_page as module
from meta_experiment.render.html.page import POLICY
from meta_experiment.render.html.project_page import project_page
from meta_experiment.render.project_list import MOST
from meta_experiment.services.reporting.project import project_report
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.project_report import PromptGenerations

FILTERS = {"label", "input", "select", "option", "output", "script"}
PUT = ("promote", "rollback")


def generation(project, name, speed, *done):
    """Try a change of the prompt, and do something about it."""
    source = project.path().read_bytes()
    (project.root / "v2.md").write_bytes(source + f"Also {name}.\n".encode())
    made = project.create("--name", name)
    project.observe(made, 14, speed)
    for verb, *flags in done:
        project(verb, made, *flags, *(["--yes"] if verb in PUT else []))
    return made


@pytest.fixture
def generations(project, kept_projects):
    """Four generations of a prompt: a win, one taken back, a loss, a win; and what runs."""
    made = kept_projects.once("generations", project.root, lambda: generations_in(project))
    return dict(made)


def generations_in(project):
    return {
        "first": generation(project, "shorter", 0.6, ("promote",)),
        "back": generation(
            project, "silent", 0.6, ("promote",), ("rollback", "--reason", "missed it")
        ),
        "loss": generation(project, "asks", 1.5, ("rollback",)),
        "last": generation(project, "parallel", 0.6, ("promote",), ("archive",)),
        "due": generation(project, "tables", 0.6),
    }


def written(project, *flags):
    folder = project.root.parent / "reports"
    folder.mkdir(exist_ok=True)
    project("report", "--all", "--html", str(folder), *flags)
    return (folder / "index.html").read_text("utf-8")


@pytest.mark.long
def test_a_row_says_what_the_evidence_says_what_was_done_and_what_is_due(project, generations):
    document = project("report", "--all", "--json").json
    told = {it["experiment_id"]: it for it in document["experiments"]}
    assert [
        (told[made]["decision"], told[made]["state"], told[made]["urgency"])
        for made in generations.values()
    ] == [
        ("PROMOTE", "promoted", "lesson"),
        ("PROMOTE", "taken_back", "lesson"),
        ("REJECT", "rolled_back", "lesson"),
        ("PROMOTE", "promoted", "lesson"),
        ("PROMOTE", "running", "due"),
    ]
    assert document["experiments"][0]["experiment_id"] == generations["due"]
    assert (document["decided"], document["promoted"]) == (4, 2)
    page = Reader(written(project))
    rows = {it["data-state"]: it["text"] for it in page.having("tr", "data-state")}
    (back,) = [it for it in page.having("tr", "data-state") if "silent" in it["text"]]
    assert back["data-state"] == "rolled_back"
    assert "Rolled back" in back["text"]
    assert "promoted 20" in back["text"]
    assert f"meta-experiment promote {generations['due']}" in rows["running"]
    assert "meta-experiment" not in rows["promoted"]


@pytest.mark.long
def test_what_was_taken_back_is_no_win_in_any_form(project, generations):
    page = Reader(written(project))
    (row,) = [it["text"] for it in page.having("tr", "data-state") if "silent" in it["text"]]
    good = [it["text"] for it in page.having("span", "class") if it["class"] == "pill good"]
    assert good.count("▲ Promoted") == 4  # two rows, two steps
    assert good.count("▲ Promote") == 3  # two of them, and what is due
    assert "▼ Rolled back" in row
    said = project("report", "--all").out
    (line,) = [it for it in said.splitlines() if it.strip().startswith(generations["back"])]
    assert "Rolled back" in line
    assert "promoted 20" in line


def test_the_generations_of_a_prompt_read_from_the_first_to_the_last(project, generations):
    document = project("report", "--all", "--json").json
    assert document["generations"] == [
        {"path": COMMAND, "experiments": list(generations.values())}
    ]
    page = Reader(written(project))
    steps = [it["text"] for it in page.having("div", "class") if it["class"] == "step"]
    words = ["Promoted", "Rolled back", "Rolled back", "Promoted", "Running"]
    assert [word in step for word, step in zip(words, steps, strict=True)] == [True] * 5


def test_what_was_decided_is_told_where_its_trials_are_not(project, generations):
    """As of a colleague, who has the registry alone."""
    shutil.rmtree(project.root / ".claude/meta/trials")
    shutil.rmtree(project.root / ".claude/meta/local", ignore_errors=True)
    told = {
        it["experiment_id"]: it
        for it in project("report", "--all", "--json").json["experiments"]
    }
    assert [
        (told[generations[name]]["decision"], round(told[generations[name]]["improvement"], 1))
        for name in ("first", "back", "loss", "last")
    ] == [("PROMOTE", 0.4), ("PROMOTE", 0.4), ("REJECT", -0.5), ("PROMOTE", 0.4)]
    assert told[generations["due"]]["decision"] == "EXTEND"


def test_in_the_terminal_the_most_urgent_comes_first_and_the_list_is_bounded(
    project, monkeypatch, generations
):
    said = project("report", "--all").out
    assert "1 action is due" in said
    assert f"meta-experiment promote {generations['due']}" in said
    listed = [line.split()[0] for line in said.splitlines() if line.startswith("  exp-")]
    assert listed[1] == generations["due"]  # after what is due, the table
    assert len(listed) == 6
    monkeypatch.setattr("meta_experiment.render.project_list.MOST", 2)
    said = project("report", "--all").out
    assert "… and 3 more" in said
    assert MOST == 30


def test_one_small_script_runs_on_the_index_and_nothing_else(project, generations):
    """It is allowed by its digest; without it the page is whole, and only the search is not."""
    text = written(project)
    read = Reader(text)
    assert {tag.removeprefix("/") for tag, _ in read.elements} <= PLAIN | FILTERS
    (script,) = re.findall("<script>(.*?)</script>", text)
    assert len(script) <= 512
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{POLICY}; script-src 'sha256-{digest}'".replace("'", "&#x27;")
    assert f'content="{policy}"' in text
    assert "unsafe-inline'; base" in POLICY  # of styles
    (search,) = read.having("label", "hidden")
    assert search["text"] == "Search"
    made = generations["first"]
    report = project.root.parent / "one.html"
    project("report", made, "--html", str(report))
    assert "<script" not in report.read_text("utf-8")
    assert "script-src" not in report.read_text("utf-8")


def test_each_choice_of_a_filter_picks_rows_by_a_rule_of_style(project, generations):
    project("stop", generations["due"], "--reason", "enough")
    project.create("--name", "a draft", start=False)
    text = written(project)
    read = Reader(text)
    choices = [it["id"] for it in read.having("option", "id")]
    assert {"state-rolled_back", "state-stopped", "verdict-none", "verdict-promote"} <= set(
        choices
    )
    for choice in choices:
        key, _, value = choice.partition("-")
        assert f'#{choice}:checked) tr[data-state]:not([data-{key}="{value}"])' in text
        assert [it for it in read.having("tr", "data-state") if it[f"data-{key}"] == value]


def test_a_hostile_name_is_text_among_all_as_well(project):
    project.create("--name", "</script><script>alert(1)</script>\u202e'\"<b>")
    text = written(project)
    assert text.count("<script>") == 1
    assert "\u202e" not in text
    assert Reader(text).stack == []


def test_the_script_is_the_one_that_stands_in_its_file():
    """So that a change of it is seen, and its size."""
    path = Path(module.__file__).with_name("index.js")
    assert path.stat().st_size <= 512


def test_pages_lie_beside_the_index_and_are_made_anew_where_something_changed(
    project, monkeypatch, generations
):
    folder = project.root.parent / "reports"
    said = project("report", "--all", "--html", str(folder)).out  # the folder is made
    assert "5 pages beside it" in said
    first = {made: folder / f"{made}.html" for made in generations.values()}
    index = Reader((folder / "index.html").read_text("utf-8"))
    links = {found["href"] for tag, found in index.elements if tag == "a"}
    assert links == {"#report", *(path.name for path in first.values())}
    before = {made: path.read_bytes() for made, path in first.items()}
    (as_of,) = set(re.findall(r"as of ([^<.]*) UTC", (folder / "index.html").read_text()))
    assert as_of in before[generations["due"]].decode()
    monkeypatch.setattr("meta_experiment.services.reporting.project_pages.report", refuse)
    project("report", "--all", "--html", str(folder), "--no-pages")
    assert "has no page" in project("report", "--all", "--html", str(folder)).out
    monkeypatch.undo()
    # what has ended is as it was; what runs is told anew
    assert "1 page beside it" in project("report", "--all", "--html", str(folder)).out
    ended = set(generations.values()) - {generations["due"]}
    assert {made: first[made].read_bytes() for made in ended} == {
        made: before[made] for made in ended
    }
    project("archive", generations["loss"])
    assert "2 pages beside it" in project("report", "--all", "--html", str(folder)).out
    assert first[generations["loss"]].read_bytes() != before[generations["loss"]]


def refuse(workspace, name, **_):
    """Stand in for the report: only what runs is asked for."""
    del workspace
    raise CorruptStoreError(f"{name} cannot be read.")


def test_many_pages_are_made_on_request_alone(project, monkeypatch, generations):
    monkeypatch.setattr("meta_experiment.cli.verbs.report._FEW", 4)
    folder = project.root.parent / "reports"
    said = project("report", "--all", "--html", str(folder)).out
    assert "5 pages beside it would be new: meta-experiment report --all --html" in said
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    project("report", "--all", "--html", str(folder), "--pages")
    assert len(list(folder.iterdir())) == 6
    assert (folder / f"{generations['first']}.html").is_file()


def test_a_strange_page_is_neither_replaced_nor_linked(project, generations):
    folder = project.root.parent / "reports"
    folder.mkdir()
    strange = folder / f"{generations['first']}.html"
    strange.write_text("mine")
    said = project("report", "--all", "--html", str(folder), "--pages").out
    assert "4 pages beside it" in said
    assert f"{generations['first']} has no page" in said
    assert strange.read_text() == "mine"
    assert f'href="{strange.name}"' not in (folder / "index.html").read_text("utf-8")


def test_only_the_last_part_of_a_folder_is_made(project):
    root = project.root.parent
    error = project("report", "--all", "--html", str(root / "a/b"), "--json", code=1).error
    assert (error["kind"], error["hint"]) == ("not_found", f"mkdir -p {root / 'a'}")
    (root / "c").write_text("a file")
    error = project("report", "--all", "--html", str(root / "c"), "--json", code=1).error
    assert error["kind"] == "refused"
    assert "beside their index" in project("report", "--all", "--pages", code=2).err
    assert "0 experiments" in project("report", "--all", "--html", str(root / "new")).out
    assert (root / "new" / "index.html").is_file()


@pytest.mark.long
@pytest.mark.usefixtures("generations")
def test_the_index_of_a_thousand_is_bounded_and_reads_no_trial(project):
    """What the board has folded is not opened again; 1,000 rows stay below a megabyte."""
    document = project_report_of(project)
    many = [
        replace(item, experiment_id=f"exp-2026-01-31-{'long-' * 6}{number}")
        for number, item in enumerate(document.experiments * 200)
    ]
    names = tuple(it.experiment_id for it in many)
    line = PromptGenerations(COMMAND, names)
    whole = replace(document, experiments=tuple(many), generations=(line,))
    page = project_page(whole, names)
    assert page.count("<tr ") == 1_000
    assert len(page.encode()) < 1_000_000
    folder = project.root.parent / "reports"
    opened = subprocess.run(
        [
            sys.executable,
            "-c",
            WATCHED,
            "report",
            "--root",
            project.root,
            "--all",
            "--html",
            folder,
            "--no-pages",
        ],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stderr.splitlines()
    assert opened
    assert [path for path in opened if "trials" in path or "summaries" in path] == []


WATCHED = """
import sys
from meta_experiment.cli.main import main
def heard(event, arguments):
    if event == "open" and ".claude" in str(arguments[0]):
        print(arguments[0], file=sys.stderr)
sys.addaudithook(heard)
main(sys.argv[1:])
"""


def project_report_of(project):
    where = Layout(project.root)
    return project_report(where, time.time, lambda: Workspace.open(where, time.time))


def test_an_experiment_called_as_the_index_takes_not_its_place(project):
    """Such an id comes from elsewhere alone; a link to its page would lead to the index."""
    made = generation(project, "shorter", 0.6, ("promote",))
    registry = project.root / ".claude/meta/experiments.json"
    registry.write_text(registry.read_text("utf-8").replace(made, "Index"))
    page = written(project, "--pages")
    assert 'href="Index.html"' not in page
    assert [it.name for it in (project.root.parent / "reports").iterdir()] == ["index.html"]
