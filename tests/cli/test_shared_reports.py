"""Nothing of a report that is passed on tells whose it is, unless somebody asks for it."""

import json

import pytest
from tests.cli.conftest import COMMAND, project
from tests.support.git import git

from meta_experiment.decide.reporting.unit_list import MOST_UNITS

__all__ = ["project"]
PERSON = "jane-roe-4711"
PLACES = (
    f"/home/{PERSON}",
    f"'/home/{PERSON}/secret folder/a.csv'",
    f"C:\\Users\\{PERSON}\\notes.txt",
    f"~{PERSON}/x.csv",
    f"file:///home/{PERSON}/x.csv",
)
UNIT = "unit-key-4712"
FORMS = {"text", "json", "html", "markdown", "light", "dark", "index", "index.json", "own page"}


def forms(project, made, *flags):
    """Return every form of the reports of a project, by its name."""
    beside = project.root.parent
    page, index = beside / "page.html", beside / "index"
    project("report", made, "--html", page, "--svg", beside / "metrics.svg", *flags)
    project("report", "--all", "--html", index, "--pages")
    return {
        "text": project("report", made, *flags).out,
        "json": project("report", made, *flags, "--json").out,
        "html": page.read_text("utf-8"),
        "markdown": project("report", made, "--markdown", "-", *flags).out,
        "light": (beside / "metrics.light.svg").read_text("utf-8"),
        "dark": (beside / "metrics.dark.svg").read_text("utf-8"),
        "own page": (index / f"{made}.html").read_text("utf-8"),
        "index": (index / "index.html").read_text("utf-8"),
        "index.json": project("report", "--all", "--json").out,
    }


@pytest.fixture
def marked(project, monkeypatch):
    """An experiment in which a person, their folders and a unit stand wherever they can."""
    monkeypatch.setenv("USER", PERSON)
    monkeypatch.setenv("LOGNAME", PERSON)
    git(project.root, "config", "user.name", PERSON)
    git(project.root, "config", "user.email", f"{PERSON}@example.org")
    git(project.root, "commit", "--quiet", "--allow-empty", "-m", f"by {PERSON}")
    said = f"seen by me in {' and '.join(PLACES)}"
    made = project.create("--guardrail", "cost_usd:20%", "--max-duration-days", "20")
    project("amend", made, "--set", "max_duration_days=40", "--why", said)
    lines = [
        {
            "experiment": made,
            "variant": variant,
            "unit": f"{UNIT}-{variant}-{number}",
            "trial_id": f"trial-{UNIT}-{variant}-{number}",
            "metrics": {"duration_seconds": 100 * factor + 7 * (number % 9), "cost_usd": 0.1},
        }
        for number in range(18)
        for variant, factor in (("control", 1.0), ("treatment", 0.6))
    ]
    project.stdin("record", "--stdin", lines=lines)
    project("pause", made)
    project("resume", made)
    project("promote", made, "--override", said, "--yes")
    project("rollback", made, "--reason", said, "--yes")
    project("learn", made, "--why", said, "--next", said)
    return made


@pytest.mark.long
def test_no_form_tells_a_person_a_place_or_a_unit(project, marked):
    found = forms(project, marked)
    assert set(found) == FORMS
    for form, text in found.items():
        assert "review" in text or form in ("light", "dark")
        for mark in (PERSON, "secret folder", UNIT, str(project.root.parent)):
            plain = text.replace("\\\\", "\\")
            at = plain.find(mark)
            assert at < 0, f"{form}: …{plain[max(0, at - 200) : at + 100]}…"


def test_an_import_tells_the_file_and_not_its_folder(project, tmp_path):
    folder = tmp_path / PERSON / "results of mine"
    folder.mkdir(parents=True)
    rows = "".join(
        f"{arm},{UNIT}-{arm}-{number},{number % 7 + 3.5}\n"
        for number in range(12)
        for arm in ("control", "treatment")
    )
    file = folder / "results.csv"
    file.write_text(f"variant,unit,duration_seconds\n{rows}", "utf-8")
    made = project("import", file, "--json").json["experiment_id"]
    for form, text in forms(project, made).items():
        for mark in (PERSON, "results of mine", UNIT):
            assert mark not in text, form


@pytest.mark.long
def test_units_are_told_where_they_are_asked_for(project, marked):
    found = forms(project, marked, "--units")
    units = json.loads(found["json"])["units"]
    assert (units["metric"], units["total"], len(units["rows"])) == ("duration_seconds", 36, 36)
    first = units["rows"][0]
    assert first["unit"] == f"{UNIT}-control-0"
    assert (first["variant"], first["value"]) == ("control", 100.0)
    assert first["closed"].endswith("Z")
    for row in units["rows"]:
        assert row["unit"] in found["html"]
    assert "36 units by their keys" in found["html"]
    assert "--json and --html" in found["text"]
    for mark in (PERSON, "secret folder"):
        assert not [form for form, text in found.items() if mark in text]
    assert json.loads(forms(project, marked)["json"])["units"] is None
    error = project("report", "--all", "--units", "--json", code=2).error
    assert "--units" in error["message"]


def test_of_many_units_those_with_the_least_and_the_largest_values_are_told(project):
    made = project.create()
    lines = [
        {
            "experiment": made,
            "variant": ("control", "treatment")[number % 2],
            "unit": f"u{number}",
            "metrics": {"duration_seconds": 1.0 + (number * 7) % 900},
        }
        for number in range(900)
    ]
    lines.append(
        {"experiment": made, "variant": "control", "unit": "none", "metrics": {"turns": 3}}
    )
    project.stdin("record", "--stdin", lines=lines)
    units = project("report", made, "--units", "--json").json["units"]
    values = [row["value"] for row in units["rows"]]
    assert (units["total"], len(values)) == (901, MOST_UNITS)
    assert values == [*range(1, 251), *range(651, 901)]
    keys = {row["unit"]: row["value"] for row in units["rows"]}
    told = {line["unit"]: line["metrics"].get("duration_seconds") for line in lines}
    assert keys.items() <= told.items()
    assert COMMAND in project("report", made, "--json").out
