"""Every verb's JSON has a schema, which is that of its result, and obeys it."""

import json
from functools import cache

import jsonschema
import pytest
from tests.compatibility.recording import RECORDINGS
from tests.schemas.generate import SCHEMA_OF, file_of, schema, written

from meta_experiment.cli import main
from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import VERBS
from meta_experiment.model.result_document import to_document
from meta_experiment.types.cases import CommitSource
from meta_experiment.types.results import RESULTS
from meta_experiment.types.results.collection import CollectionQuery, MappingDraft
from meta_experiment.types.results.demo import DemoResult
from meta_experiment.types.results.health import Finding, Health
from meta_experiment.types.results.plugin_copy import PluginCopy
from meta_experiment.types.results.replay import Replay, ReplayEnd, ReplayFigures, ReplayTurn
from meta_experiment.types.results.run_merge import RunMerge
from meta_experiment.types.results.team_store import (
    ExchangedExperiment,
    MachineWord,
    StoreAdmission,
    StoreExchange,
    StoreMachine,
    StoreUse,
    StoreView,
    WaitingExperiment,
)

CALLED = [words for words, _ in commands(main.group)]
FIGURES = ReplayFigures(0.1, 900.0, 12.5, 3.0, 0.0, 1.0)
WORD = MachineWord("m", "laptop", "ab cd")
UNRECORDED = {  # what the recorded life shows as text alone, or refused
    "demo": [DemoResult("done", None)],
    "store admit": [StoreAdmission("review", (WORD,), counts=True, here=False)],
    "store check": [Health.of("python", "/root", [Finding("owner", ok=True, detail="it")])],
    "store ship": [
        StoreExchange(
            "review",
            (
                ExchangedExperiment("exp-1", 1, 2, 0, (), None),
                ExchangedExperiment("exp-2", 0, 0, 3, ("machine m: no",), "another plan"),
            ),
            {"m": "the owner has not admitted it"},
            {"m": "laptop"},
            ("exp-3",),
            ("the plan of exp-1",),
        )
    ],
    "store show": [
        StoreView(
            *(
                "db, database team",
                "review",
                "ab cd",
                "m",
                False,
                (),
                (),
                None,
                None,
                {},
                (),
                "no",
            ),
        ),
        StoreView(
            *("db, database team", "review", "ab cd", "m", True),
            (StoreMachine("m", "laptop", "ab cd", True, None, 1.0),),
            (WaitingExperiment("exp-1", 20),),
            *(2.0, "no route", {"exp-1": ["machine m: no"]}, ("it",), None),
        ),
    ],
    "store use": [
        StoreUse(
            "db", "URL", "review", "ab cd", "m", "cd ef", *(False, False), secret_dropped=True
        )
    ],
    "collect": [
        CollectionQuery("bigquery", {"sums": "SELECT 1"}),
        MappingDraft("tables:\n", ("events",)),
    ],
    "plugin": [PluginCopy("/home/me/plugin", "0.1.0", 800, replaced=False)],
    "runs merge": [
        RunMerge(
            *("exp-1", "c1", 1, "treatment", "main", "a" * 40, "b" * 40, "meta/c1"),
            conflicts=("both.md",),
            files={"new.md": 2},
            left_out=("lib",),
            failed=("tests",),
            dry_run=False,
        )
    ],
    "runs replay": [
        Replay(
            *(
                "s1",
                "exp-1:treatment",
                "haiku",
                "sonnet",
                "a" * 40,
                by,
                True,
                ReplayEnd.DONE,
                "",
            ),
            turns=(
                ReplayTurn(1, "go", False, FIGURES, FIGURES, "ok", "ok", "", "a", "b", True),
                ReplayTurn(2, "on", True, None, None, "", "", "", "", "", False),
            ),
            recorded=FIGURES,
            replayed=ReplayFigures(),
            patch="",
            unanswered=0,
            pictures=0,
            estimated=False,
            notes=("One replay is no evidence.",),
        )
        for by in (None, *CommitSource)
    ],
}


@cache
def answers():
    """Return every JSON document of the recorded life of some experiments, with its verb."""
    found = []
    for step in (RECORDINGS / "life.json.txt").read_text("utf-8").split("\n$ meta-experiment "):
        line, *said = step.splitlines()
        text = "\n".join(item for item in said if not item.startswith(("!", "#", ">", "[exit")))
        if text.strip().startswith("{"):
            verb = next((item for item in CALLED if f"{line} ".startswith(f"{item} ")), "")
            found.append((verb, json.loads(text)))
    return found


def closed(schema):
    """Return a schema that takes no field which it does not list."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {"additionalProperties": False} if schema.get("type") == "object" else {}
    return shut | {name: closed(item) for name, item in schema.items()}


@cache
def validator(name):
    schema = json.loads(file_of(name).read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(closed(schema))


def test_every_verb_has_a_schema():
    assert sorted(SCHEMA_OF) == sorted(CALLED)
    assert len(SCHEMA_OF) == sum(len(verbs) for _, verbs in RESULTS.values())


@pytest.mark.parametrize("name", RESULTS)
def test_a_schema_is_that_of_its_result(name):
    """After a change on purpose: python -m tests.schemas.generate."""
    assert file_of(name).read_text("utf-8") == written(name)


@pytest.mark.parametrize("verb", [*CALLED, "error"])
def test_what_was_recorded_obeys_its_schema(verb):
    """Nothing is missing, and nothing is there that the schema does not know."""
    if verb == "error":
        documents = [document for _, document in answers() if "error" in document]
    else:
        documents = [
            document for name, document in answers() if name == verb and "error" not in document
        ]
    documents += [to_document(result) for result in UNRECORDED.get(verb, ())]
    assert documents
    for document in documents:
        validator(SCHEMA_OF.get(verb, "error")).validate(document)


@pytest.mark.parametrize("name", [*RESULTS, "error"])
def test_a_schema_says_what_every_object_holds(name):
    """An object lists its fields, or says what its values are."""

    def require_described(schema):
        if isinstance(schema, list):
            for item in schema:
                require_described(item)
        elif isinstance(schema, dict):
            if schema.get("type") == "object":
                assert schema.get("properties") or schema.get("additionalProperties")
            for item in schema.values():
                require_described(item)

    require_described(json.loads(file_of(name).read_bytes()))


@pytest.fixture
def _toy(monkeypatch):
    """One file, its line in the table of results, and the verb's name."""
    here = "tests.schemas.toy_verb"
    monkeypatch.setitem(RESULTS, "toy", (f"{here}:Toy", ("toy",)))
    monkeypatch.setattr(main, "VERBS", (*VERBS, "toy"))
    monkeypatch.setitem(main.ELSEWHERE, "toy", f"{here}:command")


@pytest.mark.usefixtures("_toy")
def test_an_answer_has_its_schema_by_a_line_in_the_table(capsys):
    assert main.main(["toy", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    made = jsonschema.Draft202012Validator(closed(schema("toy")))
    made.validate(said)
    assert set(said) == {"parts", "status", "counts", "begun"}
    for name in said:
        with pytest.raises(jsonschema.ValidationError):
            made.validate({**said, name: object()})
    with pytest.raises(jsonschema.ValidationError):
        made.validate({**said, "colour": "red"})
