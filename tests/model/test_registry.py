"""experiments.json: round trips, the older template, and files that are damaged."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.errors import CorruptStoreError
from meta_experiment.model.plan_document import plan_from_document
from meta_experiment.model.registry import (
    decode_one,
    decode_registry,
    encode_registry,
    strange_entries,
)
from meta_experiment.protocol.places import is_id
from meta_experiment.types import (
    Action,
    Amendment,
    Decision,
    EndedArm,
    Experiment,
    FileReplacement,
    FileVersion,
    Outcome,
    OutcomeImpact,
    ReasonCode,
    Status,
    UseSaving,
)

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
TEMPLATE = {
    "experiments": [
        {
            "id": "exp-2025-10-20-001",
            "name": "Enhanced PR review with parallel agents",
            "created": "2025-10-20T10:30:00Z",
            "status": "running",
            "hypothesis": "Parallel agents save 15min per PR",
            "changes": {
                "type": "command_modification",
                "files": {
                    "commands/review_pr.md": {
                        "backup": "commands/review_pr.md.backup",
                        "variant": "commands/review_pr.md.experiment",
                    }
                },
                "description": "Invoke security and cleanup agents in parallel",
            },
            "metrics": {
                "primary": "time_to_complete_review",
                "secondary": ["issues_caught", "false_positives", "user_satisfaction"],
            },
            "targets": {
                "improvement_threshold": 15,
                "max_regression": 10,
                "confidence_threshold": 0.8,
            },
            "sample_size_required": 10,
            "max_duration_days": 14,
            "auto_rollback": True,
            "auto_promote": True,
            "results": {
                "trials_completed": 3,
                "control_group": [45, 51.5],
                "treatment_group": [{"value": 27, "issues_caught": 3}],
                "status": "collecting_data",
            },
        }
    ]
}


def experiment(**changes):
    plan = plan_from_document(
        {
            "name": "n",
            "hypothesis": "h",
            "files": ["a.md"],
            "metrics": {"primary": "duration_seconds", "guardrails": ["output_tokens:20%"]},
        }
    )
    values = {
        "experiment_id": "exp-2026-01-31-n",
        "plan": plan,
        "plan_sha256": "a" * 64,
        "status": Status.PROMOTED,
        "created": 1769850000.0,
        "versions": {
            "a.md": {
                "control": FileVersion("0" * 64, 0o644),
                "treatment": FileVersion("1" * 64, 0o755),
            }
        },
        "started": 1769850001.5,
        "ended": 1769860000.0,
        "amendments": (Amendment(1769850002.0, "auto", False, True, "tired", 3),),
        "outcomes": (
            Outcome(
                action=Action.PROMOTE,
                at=1769860000.0,
                decision=Decision.PROMOTE,
                reason_code=ReasonCode.TREATMENT_BETTER,
                reason="better",
                winner="treatment",
                improvement=0.394,
                e_value=812.5,
                trials=40,
                commit="f" * 40,
            ),
        ),
    }
    return Experiment(**(values | changes))


def test_an_experiment_reads_back_equal():
    """The registry keeps every field."""
    given = [experiment(), experiment(experiment_id="exp-2", outcomes=(), ended=None)]
    assert decode_registry(encode_registry(given)) == given


def test_what_an_arm_does_not_have_reads_back_equal():
    """No file is none, in an arm and in what an action found and left."""
    version = FileVersion("0" * 64, 0o755)
    versions = {"a.md": {"control": version, "treatment": None}}
    files = {"a.md": FileReplacement(None, version), "b.md": FileReplacement(version, None)}
    outcome = replace(experiment().outcomes[0], files=files)
    kept = experiment(versions=versions, outcomes=(outcome,))
    data = encode_registry([kept])
    assert decode_registry(data) == [kept]
    schema = json.loads((SCHEMAS / "experiments.v1.schema.json").read_text())
    jsonschema.validate(json.loads(data), schema)


def test_arms_that_have_ended_read_back_equal():
    """Ended by proof or by hand; where none has, the registry does not speak of it."""
    proven = EndedArm("b", 1769850003.0, ReasonCode.SAFETY_HARM, "does harm")
    by_hand = EndedArm("c", 1769850004.0, None, "by hand")
    kept = experiment(ended_arms=(proven, by_hand))
    data = encode_registry([kept])
    assert decode_registry(data) == [kept]
    schema = json.loads((SCHEMAS / "experiments.v1.schema.json").read_text())
    jsonschema.validate(json.loads(data), schema)
    assert b"ended_arms" not in encode_registry([experiment()])


def test_what_a_promotion_saves_reads_back_equal():
    """An end may be unbounded, a rate unknown; without it the registry is as it was."""
    saving = UseSaving("s", 60.0, 12.5, None, 20.0)
    (usual,) = experiment().outcomes
    told = OutcomeImpact(None, 0.9, {"duration_seconds": saving})
    kept = experiment(outcomes=(replace(usual, impact=told),))
    data = encode_registry([kept])
    assert decode_registry(data) == [kept]
    schema = json.loads((SCHEMAS / "experiments.v1.schema.json").read_text())
    jsonschema.validate(json.loads(data), schema)
    assert b"impact" not in encode_registry([experiment()])
    with pytest.raises(CorruptStoreError, match="saved"):
        decode_registry(data.replace(b'"saved": 12.5', b'"saved": "much"'))


def test_one_experiment_is_read_alone_as_it_is_with_the_others():
    odd = '}\n    },\n    {\n      "id": "exp-2",\n'
    known = [experiment(experiment_id=f"exp-{n}", plan_sha256=f"{n}{odd}") for n in range(3)]
    data = encode_registry(known)
    assert [decode_one(data, item.experiment_id) for item in known] == known
    assert decode_one(data, "exp-3") is None
    assert decode_one(data.replace(b'"exp-1"', b'"exp 1"'), "exp 1") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda data: json.dumps(json.loads(data)).encode(),
        lambda data: json.dumps(json.loads(data), indent=1).encode(),
        lambda data: data.replace(b'"schema_version": 1', b'"schema_version": 2'),
        lambda data: data.replace(b'"id": "exp-1",', b'"id": "exp-1",\n      "id": "exp-2",'),
        lambda data: data.replace(b"\n    }", b"\n   }"),
        lambda _: b"",
    ],
)
def test_no_experiment_is_read_alone_from_a_registry_in_another_form(change):
    data = encode_registry([experiment(experiment_id="exp-1")])
    assert decode_one(data, "exp-1") is not None
    assert decode_one(change(data), "exp-1") is None


def test_the_registry_obeys_its_published_schema():
    """What is written is what schemas/experiments.v1 describes."""
    schema = json.loads((SCHEMAS / "experiments.v1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(encode_registry([experiment()])), schema)
    inline = decode_registry(json.dumps(TEMPLATE).encode())
    jsonschema.validate(json.loads(encode_registry(inline)), schema)


def test_the_older_template_is_read_with_its_trials():
    """Plan, targets and inline groups of the template become an experiment."""
    (read,) = decode_registry(json.dumps(TEMPLATE).encode())
    assert read.experiment_id == "exp-2025-10-20-001"
    assert read.status is Status.RUNNING
    assert read.plan.primary.direction == "lower"
    assert (read.plan.improvement_threshold, read.plan.auto) == (0.15, True)
    assert [(item.variant, dict(item.metrics)) for item in read.inline_trials] == [
        ("control", {"time_to_complete_review": 45.0}),
        ("treatment", {"time_to_complete_review": 27.0, "issues_caught": 3.0}),
        ("control", {"time_to_complete_review": 51.5}),
    ]


def test_an_experiment_of_the_older_template_survives_the_current_form():
    """Writing it in the current form keeps its trials."""
    (read,) = decode_registry(json.dumps(TEMPLATE).encode())
    (again,) = decode_registry(encode_registry([read]))
    assert [(item.variant, item.metrics) for item in again.inline_trials] == [
        (item.variant, item.metrics) for item in read.inline_trials
    ]
    assert again.plan == read.plan


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not valid JSON"),
        (b'{"experiments": [', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "mapping"),
        (b'{"schema_version": 99, "experiments": []}', "newer meta-experiment"),
        (b'{"schema_version": "1", "experiments": []}', "schema version '1'"),
        (b'{"schema_version": 1, "experiments": [{}]}', "experiments[0]"),
        (b'{"schema_version": 1, "experiments": {}}', "a list"),
        (b'{"experiments": [{"id": "x", "name": "n"}]}', "created"),
        (b"\xff\xfe", "not valid JSON"),
    ],
)
def test_a_damaged_registry_says_what_is_wrong_with_it(data, words):
    """Cut short, empty, of the future, or with a field missing: an error, never a guess."""
    with pytest.raises(CorruptStoreError) as caught:
        decode_registry(data)
    assert words in caught.value.message


def test_a_registry_that_holds_an_id_twice_is_refused():
    """After a bad merge nobody can say which entry counts."""
    with pytest.raises(CorruptStoreError, match="twice"):
        decode_registry(encode_registry([experiment(), experiment()]))


@pytest.mark.parametrize(
    "name",
    ["exp x;touch PWN #", "$(id)", "-exp", ".exp", "a/b", "éxp", "exp\n", "x" * 101, "..", ""],
)
def test_an_entry_whose_id_is_none_harms_no_other_and_stays_as_it_is(name):
    """It would be shell text in lines and hints; nobody but a person may correct it."""
    document = json.loads(encode_registry([experiment()]))
    strange = {**document["experiments"][0], "id": name, "more": [1.5, None]}
    document["experiments"].insert(0, strange)
    data = json.dumps(document).encode()
    (read,) = decode_registry(data)
    assert read == experiment()
    assert strange_entries(data) == {0: strange}
    again = encode_registry([read], strange_entries(data).values())
    assert decode_registry(again) == [read]
    assert list(strange_entries(again).values()) == [strange]


def test_ids_are_those_that_create_makes_and_the_template_has():
    for name in ("exp-2026-01-31-review-2", "exp-2025-10-20-001", "Exp_1.b", "x" * 100):
        assert is_id(name)


@given(st.data())
def test_no_change_of_one_value_makes_the_reader_fail_otherwise(data):
    """Whatever stands in a field, the registry reads or is refused as damaged."""
    document = json.loads(encode_registry([experiment()]))
    section = document
    while True:
        key = data.draw(
            st.sampled_from(
                sorted(section) if isinstance(section, dict) else range(len(section))
            )
        )
        inner = section[key]
        if isinstance(inner, dict | list) and inner and data.draw(st.booleans()):
            section = inner
            continue
        section[key] = data.draw(
            st.none()
            | st.booleans()
            | st.integers()
            | st.text(max_size=5)
            | st.just([])
            | st.just({})
        )
        break
    with contextlib.suppress(CorruptStoreError):
        decode_registry(json.dumps(document).encode())
