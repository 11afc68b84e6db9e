"""Trials and experiments as tables for other programs: whole, exact, and nothing runs."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest
from tests.cli.conftest import project
from tests.plugin.desk import ROOT
from tests.support.tools import tools_python

from meta_experiment.cli import table_files
from meta_experiment.cli.main import main
from meta_experiment.render import tidy_text

__all__ = ["project"]
HOSTILE = ["=1+1", "-2", "@x", '"a", b', "a\nb", "\x1b[31mred", "\u202eabc", "'; DROP --"]


@pytest.fixture
def recorded(project):
    """Thirty trials, more than a page, some of hostile units and one without a value."""
    made = project.create()
    project.observe(made, 11)
    odd = [
        {"experiment": made, "variant": "control", "unit": unit, "assignment": "external",
         "metrics": {"duration_seconds": number + 0.1, "output_tokens": 10 * number}}
        for number, unit in enumerate(HOSTILE)
    ]  # fmt: skip
    for line in odd:
        line.pop("assignment")
    project.stdin("record", "--stdin", lines=odd)
    return made


def documents(project, made):
    """Return all trials as `--json` has them."""
    return project("trials", made, "--limit", "1000", "--json").json["trials"]


def flat(trial):
    """Return the cells of a trial that are known."""
    plain = {
        name: value
        for name, value in trial.items()
        if name not in ("metrics", "covariates", "fingerprint", "draw") and value is not None
    }
    groups = ("metrics", "covariates", "fingerprint")
    return plain | {
        f"{group}.{name}": value
        for group in groups
        for name, value in trial.get(group, {}).items()
    }


def test_json_lines_hold_every_trial_exactly(project, recorded):
    place = project.root / "all.jsonl"
    said = project("trials", recorded, "--jsonl", place)
    assert f"30 rows were written to {place}." in said.out
    lines = place.read_text("utf-8").splitlines()
    expected = [flat(trial) for trial in documents(project, recorded)]
    assert [json.loads(line) for line in lines] == expected
    assert len(lines) == 30 == said_total(project, recorded)
    assert {line["unit"] for line in expected} >= set(HOSTILE)


def said_total(project, made):
    return project("trials", made, "--json").json["total"]


def test_csv_holds_the_same_and_a_spreadsheet_runs_nothing(project, recorded, capsys):
    code = main(["trials", "--root", str(project.root), recorded, "--csv", "-"])
    text = capsys.readouterr().out
    assert code == 0
    assert "\x1b" not in text
    assert "\u202e" not in text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    expected = [flat(trial) for trial in documents(project, recorded)]
    assert [row["trial_id"] for row in rows] == [line["trial_id"] for line in expected]
    for name in ("metrics.duration_seconds", "metrics.output_tokens", "order"):
        values = [row[name] for row in rows]
        known = [line.get(name) for line in expected]
        assert [float(value) if value else None for value in values] == known
    units = {row["unit"] for row in rows}
    assert {"'=1+1", "'-2", "'@x", '"a", b', "a\nb", "'; DROP --"} <= units
    assert not any(
        value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values()
    )


def test_one_variant_alone_and_the_list_of_experiments(project, recorded, capsys):
    main(
        [
            "trials",
            "--root",
            str(project.root),
            recorded,
            "--variant",
            "treatment",
            "--csv",
            "-",
        ]
    )
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["variant"] for row in rows} == {"treatment"}
    assert len(rows) == 11
    place = project.root / "list.csv"
    assert "1 row was written" in project("status", "--csv", place).out
    (row,) = csv.DictReader(place.read_text("utf-8").splitlines())
    board = project("status", "--json").json["experiments"][0]
    assert row["id"] == recorded == board["id"]
    assert row["files"] == ".claude/commands/review.md"
    assert int(row["progress.trials"]) == board["progress"]["trials"] == 30
    assert row["created"] == board["created"]
    assert row["decision"] == board["decision"]


def test_a_failure_on_the_way_leaves_the_file_that_was_there(project, recorded, monkeypatch):
    place = project.root / "out" / "all.csv"
    place.parent.mkdir()
    place.write_text("mine")
    whole = tidy_text.csv_lines

    def torn(table):
        for number, line in enumerate(whole(table)):
            if number == 5:
                raise OSError(28, "No space left on device")
            yield line

    monkeypatch.setattr(tidy_text, "csv_lines", torn)
    assert "No space left" in project("trials", recorded, "--csv", place, code=1).err
    assert place.read_text() == "mine"
    assert list(place.parent.iterdir()) == [place]
    nowhere = project.root / "nowhere" / "x.csv"
    assert "mkdir -p" in project("trials", recorded, "--csv", nowhere, code=1).err
    assert "is a folder" in project("trials", recorded, "--csv", place.parent, code=2).err


def test_what_is_no_file_is_written_into_and_stays(project, recorded):
    """A device or a pipe under its name is no file to be replaced, nor is a link."""
    pipe, link, real = (project.root / name for name in ("pipe", "link.csv", "real.csv"))
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True)
    project("trials", recorded, "--csv", pipe)
    text, _ = reader.communicate(timeout=60)
    assert pipe.is_fifo()
    project("trials", recorded, "--parquet", pipe, code=2)
    real.write_text("old", "utf-8")
    link.symlink_to(real)
    project("trials", recorded, "--csv", link)
    assert link.is_symlink()
    assert real.read_text("utf-8") == text
    assert len(text.splitlines()) > 30


def test_a_file_may_have_the_longest_name_that_there_is(project, recorded):
    place = project.root / f"{'n' * 251}.csv"
    project("trials", recorded, "--csv", place)
    assert len(place.read_text("utf-8").splitlines()) > 30


def test_the_standard_output_takes_one_table(project, recorded):
    project("trials", recorded, "--csv", "-", "--jsonl", "-", code=2)
    project("trials", recorded, "--parquet", "-", code=2)


def test_parquet_without_its_extra_says_what_to_install(project, recorded, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(table_files, "import_module", missing)
    place = project.root / "all.parquet"
    said = project("trials", recorded, "--parquet", place, code=1)
    assert "[export]'" in said.err
    assert not place.exists()


@pytest.mark.long
def test_parquet_has_the_kinds_and_every_cell(project, recorded):
    """Written and read by the real library, in the environment that has it."""
    python = tools_python()
    place = project.root / "it's all [1]*.parquet"
    entry = [python, "-E", ROOT / "scripts" / "meta-experiment.py", "trials", recorded]
    words = [*map(str, entry), "--root", str(project.root), "--parquet", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    script = (
        "import duckdb, json, sys\n"
        "found = duckdb.from_parquet(sys.argv[1])\n"
        "kinds = dict(zip(found.columns, map(str, found.types)))\n"
        "print(json.dumps([kinds, [list(map(str, row)) for row in found.fetchall()]]))"
    )
    read = subprocess.run([python, "-c", script, str(place)], capture_output=True, check=True)
    kinds, rows = json.loads(read.stdout)
    assert kinds["metrics.duration_seconds"] == "DOUBLE"
    assert kinds["closed_at"] == "TIMESTAMP WITH TIME ZONE"
    assert (kinds["order"], kinds["exposed"], kinds["unit"]) == ("BIGINT", "BOOLEAN", "VARCHAR")
    expected = [flat(trial) for trial in documents(project, recorded)]
    names = list(kinds)
    for name in ("trial_id", "unit", "metrics.duration_seconds"):
        at = names.index(name)
        assert [row[at] for row in rows] == [str(line.get(name)) for line in expected]
    both = {"model": "a", "Model": "b"}  # which are one column to duckdb
    line = {"experiment": recorded, "variant": "control", "fingerprint": both}
    project.stdin("record", "--stdin", lines=[{**line, "metrics": {"duration_seconds": 1}}])
    before = place.read_bytes()
    torn = subprocess.run([*words, "--json"], capture_output=True, text=True, check=False)
    error = json.loads(torn.stderr or torn.stdout)["error"]
    assert (torn.returncode, error["kind"]) == (1, "storage")
    assert "--csv" in error["hint"]
    assert place.read_bytes() == before
    assert not list(project.root.glob(".table-*"))


def test_what_a_look_loads_is_not_what_a_table_needs():
    """`trials` and `status` start without what only a table takes."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import meta_experiment.cli.verbs.trials, meta_experiment.cli.verbs.status\n"
        "print([it for it in ('csv', 'duckdb', 'meta_experiment.render.tidy_text', "
        "'meta_experiment.services.board.tidy') if it in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, ROOT / "scripts"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
