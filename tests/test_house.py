"""What keeps the house easy to see: small modules, and one name for one thing."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import meta_experiment

HOUSE = Path(meta_experiment.__file__).parent
MODULES = sorted(HOUSE.rglob("*.py"))
LONGEST = 450  # lines


@cache
def names():
    """Return what the library names, by kind of node: names with their modules."""
    found = {ast.ClassDef: [], ast.arg: [], ast.Module: []}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ClassDef):
                found[ast.ClassDef].append((node.name, path.relative_to(HOUSE)))
            elif isinstance(node, ast.arg):
                found[ast.arg].append((node.arg, path.relative_to(HOUSE)))
            elif isinstance(node, ast.Module):
                found[ast.Module].append((ast.get_docstring(node), path.relative_to(HOUSE)))
    return found


def test_the_library_is_found():
    assert len(MODULES) > 200


def test_no_module_is_long():
    long = [path for path in MODULES if len(path.read_bytes().splitlines()) > LONGEST]
    assert long == []


def test_no_class_is_named_twice():
    times = Counter(name.lstrip("_") for name, _ in names()[ast.ClassDef])
    assert [name for name, often in times.items() if often > 1] == []


def test_every_parameter_says_what_it_is():
    """`given` is true of each of them."""
    assert [where for name, where in names()[ast.arg] if name == "given"] == []


def test_every_module_says_what_it_is_for():
    said = {path: said for said, path in names()[ast.Module]}
    assert [path for path in MODULES if not said[path.relative_to(HOUSE)]] == []


def test_classes_are_named_by_nouns():
    """A bare participle says what was done to a thing, not which thing it is."""
    errors = {"Interrupted"}  # an exception may say what happened
    bare = re.compile(r"[A-Z][a-z]+ed")
    found = {name for name, _ in names()[ast.ClassDef] if bare.fullmatch(name)}
    assert found - errors == set()


# a name that several rooms have, and the one thing that it is about in all of them
SHARED = {
    "action": "what promote, rollback and stop do",
    "alerts": "what is worth a person's look",
    "analysis": "evidence and verdict",
    "archive": "experiments that were put away",
    "auto": "acting by itself",
    "baseline": "the past of a prompt file",
    "board": "all experiments at a glance",
    "case_mining": "cases out of past uses",
    "case_sets": "what a set of cases is",
    "case_split": "some cases for tuning, the others held out",
    "cases": "the tasks of offline runs",
    "comparators": "arms that are compared alone",
    "collection": "sums that were computed where the data lie",
    "completion": "words that a shell completes",
    "creation": "a new experiment",
    "demo": "one whole experiment, shown",
    "doctor": "whether a prompt would be served",
    "exchange": "what machines of a team have of one another",
    "events": "what is said of a trial, as lines of a log",
    "explain": "why there is no decision yet",
    "forecast": "what a plan can show",
    "frontmatter": "the head of a prompt file",
    "health": "whether all is well",
    "history": "the audit of an experiment",
    "holdout": "what a promotion is worth afterwards",
    "import_result": "what an import brought",
    "importing": "results measured elsewhere",
    "learning": "what an experiment taught",
    "learnings": "what all of them taught, in a file",
    "lock": "a file that one holder has",
    "manual": "what words mean, explained",
    "noise": "how different equal arms look",
    "notification": "what people are told, once",
    "plan": "what is fixed before data",
    "plugin": "what the client loads",
    "plugin_copy": "the plugin, written into a folder",
    "rating": "quality added to a trial",
    "recording": "writing trials down",
    "recovery": "clearing up after a crash",
    "registry": "experiments.json",
    "replay": "a recorded session, typed again",
    "run_matrix": "a workflow whose jobs make runs",
    "run_parts": "runs as files for other machines",
    "run": "the same cases for every variant",
    "run_difference": "what two variants made of one case",
    "run_export": "runs in a file of another tool's form",
    "report": "what an experiment came to",
    "run_judging": "runs judged once more",
    "run_list": "experiments that were run on cases",
    "run_merge": "the work of one run, taken over",
    "run_noise": "what equal texts differ by",
    "run_profile": "models by what all their runs came to",
    "run_rating": "a person's verdict on a run",
    "run_summary": "what came of an experiment's runs",
    "run_views": "single runs, as they are told",
    "sequential": "evidence that holds at every look",
    "source_result": "analyses in the form of feature-flag experiments",
    "status_change": "a step in an experiment's life",
    "store": "all that is kept of experiments, by one backend",
    "sums": "arms known by their sums",
    "team_store": "the store of a team, as its verbs tell of it",
    "telemetry_export": "what is on record, told onwards",
    "trial_page": "some trials, shown",
    "trials": "the trials of an experiment",
    "workflow_audit": "experiments of workflows, and how their runs ended",
    "workflow_import": "runs of an agentic workflow, imported",
    "workflow_generation": "the next generation of a workflow's experiment",
    "workflow_list": "agentic workflows that declare experiments",
    "workflow_pick": "the variants of a run",
    "workflow_report": "a digest of workflows' experiments",
    "workflow_view": "one of them, shown",
}


def test_a_name_of_modules_means_one_thing():
    rooms = {}
    for path in MODULES:
        rooms.setdefault(path.stem, []).append(path)
    several = {name for name, paths in rooms.items() if len(paths) > 1}
    assert several - {"__init__"} == set(SHARED)
