"""An installation without extras: every verb that needs one says which, and how it comes in."""

import json
import sys

import pytest
from tests.teams.teammates import team_of

from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import group, main
from meta_experiment.files.installed import install_hint

PACKAGES = frozenset(
    {
        *("cryptography", "dask", "distributed", "duckdb", "ibis", "opentelemetry"),
        *("psycopg", "psycopg_pool"),
    }
)
URL = "postgresql://ann@db.example.org/team"
USE = ("store", "use", "--project", "review")
OF_TEAM = {  # what an experiment of a team, whose store is in use, is asked for
    "store use": (*USE, URL),
    "store use by a command": (*USE, "--url-command", f"echo {URL}"),
    "store use with a password": (*USE, URL.replace("ann@", "ann:secret@"), "--create"),
    "store show": ("store", "show"),
    "store ship": ("store", "ship"),
    "store check": ("store", "check"),
    "store admit": ("store", "admit", "0123"),
    "doctor": ("doctor",),
    "auto": ("auto",),
    "promote": ("promote", "shared", "--yes"),
    "rollback": ("rollback", "shared", "--yes"),
}
HAPPENS_ALL_THE_SAME = {"store show"}  # tells what is known here


class Without:
    """A finder of modules that finds none of the packages that extras bring."""

    def __init__(self, finder):
        self._finder = finder

    def find_spec(self, name, *more):
        hidden = name.partition(".")[0] in PACKAGES
        return None if hidden else self._finder.find_spec(name, *more)

    def __getattr__(self, name):
        return getattr(self._finder, name)


@pytest.fixture
def without_extras(monkeypatch):
    """Begin to hide them, once a test has made what it needs them for."""

    def begin():
        for name in [it for it in sys.modules if it.partition(".")[0] in PACKAGES]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [*map(Without, sys.meta_path)])

    return begin


@pytest.fixture(scope="module")
def of_team(tmp_path_factory):
    return team_of(tmp_path_factory.mktemp("team"), "ann")


@pytest.mark.parametrize(
    ("case", "form"), [("store use", ()), *((case, ("--json",)) for case in OF_TEAM)]
)
def test_a_team_is_told_what_to_install(
    of_team, case, form, without_extras, monkeypatch, capfd
):
    """Also under --json; and no traceback."""
    _, (ann,) = of_team
    for name, value in ann.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("META_EXPERIMENT_STORE", raising=False)
    without_extras()
    code = main([*OF_TEAM[case], "--root", str(ann.root), *form])
    said = capfd.readouterr()
    assert code == (0 if case in HAPPENS_ALL_THE_SAME else 1)
    assert "Traceback" not in said.err
    told = json.dumps(json.loads(said.out)) if form else said.out + said.err
    assert install_hint("team") in " ".join(told.split())


def test_every_verb_of_the_store_is_tried():
    every = {words for words, _ in commands(group) if words.startswith("store ")}
    assert every <= OF_TEAM.keys()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("export", ("trials", "ID", "--parquet", "all.parquet")),
        ("telemetry", ("telemetry", "export", "--otlp")),
        ("warehouse", ("collect", "ID", "--mapping", "claude-code")),
        ("warehouse", ("collect", "ID", "--draft", "--table", "rows.csv")),
    ],
)
def test_any_other_extra_is_named(project, extra, words, without_extras, capsys):
    made = project.create()
    without_extras()
    asked = [made if word == "ID" else word for word in words]
    assert main([*asked, "--root", str(project.root)]) == 1
    assert install_hint(extra) in capsys.readouterr().err
