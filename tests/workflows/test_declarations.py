"""What workflows declare, in every form, and what is odd about it, with its place."""

import json
from pathlib import Path

import jsonschema
import pytest
from tests.workflows.samples import (
    BODY,
    FORMS,
    NAMES,
    RICH,
    SHARED,
    file_of,
    real_files,
    transformed,
)

from meta_experiment.types.workflows import (
    ContinualRamp,
    DeclaredExperiment,
    DeclaredTest,
    EffectPolicy,
    HistoryIdentity,
    MetricBound,
    NotifyTargets,
    OddityLevel,
    StateStorage,
)
from meta_experiment.workflows.declarations import read_declarations
from meta_experiment.workflows.document import read_document
from meta_experiment.workflows.lock_file import read_compiled

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "schemas" / "workflow-experiments.v1.schema.json").read_text()
)


def read(text):
    data = text if isinstance(text, bytes) else text.encode()
    return read_declarations(read_document(data))


def declared(lines, head=""):
    return read(f"---\n{head}experiments:\n{lines}---\n")


def oddities(lines, head=""):
    return [
        (item.line, item.column, item.level.value, item.message)
        for item in declared(lines, head).oddities
    ]


def test_every_field_and_both_reserved_keys_are_read():
    found = read(RICH + BODY)
    assert found.oddities == ()
    assert (found.storage, found.identity) == (StateStorage.CACHE, HistoryIdentity.WORKFLOW)
    assert found.evals == ("focused",)
    assert found.experiment("tone") == DeclaredExperiment(
        name="tone",
        variants=("dry", "warm"),
        line=11,
        column=3,
        description="Whether a warm tone is read — and answered",
        hypothesis="H0: no change. H1: warm brings ≥15% more",
        metric="eval:focused",
        secondary_metrics=("duration_ms", "effective_tokens"),
        guardrail_metrics=(
            MetricBound("run_success_rate", ">=", 0.95, ">=0.95"),
            MetricBound("empty_output_rate", "<=", 0.05, "0.05"),
        ),
        min_samples=30,
        weight=(60, 40),
        issue=12,
        start_date="2026-05-01",
        end_date="2026-06-30",
        analysis_type=DeclaredTest.MANN_WHITNEY,
        decision=EffectPolicy(0.1, None, 0.9),
        tags=("cost", "tone"),
        notify=NotifyTargets(issue=34),
    )
    bare = found.experiment("caveman")
    assert (bare.variants, bare.bare, bare.min_samples) == (("yes", "no"), True, 20)
    assert found.experiment("storage") is None


@pytest.mark.parametrize("form", FORMS)
def test_every_form_and_every_end_of_line_say_the_same(form):
    for name, data in transformed(file_of(form).encode()).items():
        found = read(data)
        assert found.experiment("tone").variants == NAMES, name
        weight = (2, 1, 1) if "weight" in FORMS[form] else None
        assert found.experiment("tone").weight == weight, name
        levels = [item.level for item in found.oddities]
        assert levels == ([OddityLevel.WARNING] if "BOM" in name else []), name


def test_an_alias_and_a_merge_say_what_their_anchor_does():
    found = declared(
        "  a: &both\n    variants: &names [x, y]\n    min_samples: 7\n"
        "  b: *both\n  c: {<<: *both, min_samples: 9}\n  d: *names\n"
    )
    assert [(item.variants, item.min_samples) for item in found.experiments] == [
        (("x", "y"), 7), (("x", "y"), 7), (("x", "y"), 9), (("x", "y"), 20),
    ]  # fmt: skip


def test_scalars_are_those_of_yaml_1_2():
    found = declared(
        "  a: [yes, no]\n  b: [on, off]\n  c: [1:30, 2026-05-01]\n  d: [~x, .5x]\n"
    )
    assert [item.variants for item in found.experiments] == [
        ("yes", "no"), ("on", "off"), ("1:30", "2026-05-01"), ("~x", ".5x"),
    ]  # fmt: skip
    assert found.oddities == ()


def test_a_tag_makes_a_text_of_what_looks_like_a_number():
    found = declared("  a: [!!str 5, x]\n  b: [!!str null, &n !!str 0o7]\n")
    assert [item.variants for item in found.experiments] == [("5", "x"), ("null", "0o7")]
    assert found.oddities == ()


@pytest.mark.parametrize(
    "item", ["1", "0o7", "0x1f", "1.5", "1e3", "true", "null", "~", ".inf"]
)
def test_variants_that_are_no_texts_are_dropped_and_named(item):
    found = declared(f"  a: [x, {item}, y]\n")
    assert found.experiments[0].variants == ("x", "y")
    assert [(one.line, one.column, one.level) for one in found.oddities] == [
        (3, 10, OddityLevel.ERROR)
    ]


ODD = {
    "  1st: [a, b]\n": (3, 3, "error", "'1st' cannot name an experiment"),
    "  a-b: [a, b]\n": (3, 3, "error", "'a-b' cannot name an experiment"),
    "  a: [x]\n": (3, 6, "error", "a: has one variant, and is dropped"),
    "  a: {metric: m}\n": (3, 3, "error", "a: has no variants"),
    "  a: 5\n": (3, 6, "error", "a: expected a list of variants"),
    "  a: [x, x]\n": (3, 10, "error", "the variant 'x' is named twice"),
    "  a: [x, '']\n": (3, 10, "error", "a variant is empty"),
    "  storage: disk\n": (3, 12, "error", "'disk' is none of repo, cache"),
    "  identity: 5\n": (3, 13, "error", "5 is none of frontmatter, full, workflow"),
    "  a:\n    variants: [x, y]\n    owner: '@team'\n": (
        5, 5, "error", "a: there is no field 'owner'",
    ),
    "  a:\n    variants: [x, y]\n    metrics: m\n": (5, 5, "error", "Did you mean 'metric'?"),
    "  a:\n    variants: [x, y]\n    issue: #aw_x\n": (
        5, 11, "error", "a.issue: expected a whole number of at least 1, found nothing",
    ),
    "  a:\n    variants: [x, y]\n    issue: 0\n": (5, 12, "error", "found 0"),
    "  a:\n    variants: [x, y]\n    weight: [1, 2, 3]\n": (
        5, 13, "error", "has 3 weights for 2 variants",
    ),
    "  a:\n    variants: [x, y]\n    weight: [0.7, 1]\n": (5, 14, "error", "0.7 is cut to 0"),
    "  a:\n    variants: [x, y]\n    weight: [0, 0]\n": (5, 13, "warning", "every run gets"),
    "  a:\n    variants: [x, y]\n    weight: [-1, 1]\n": (5, 14, "error", "0, found -1"),
    "  a:\n    variants: [x, y]\n    start_date: 2026-13-01\n": (5, 17, "error", "YYYY-MM-DD"),
    "  a:\n    variants: [x, y]\n    start_date: 2026-02-29\n": (5, 17, "error", "YYYY-MM-DD"),
    "  a:\n    variants: [x, y]\n    analysis_type: ttest\n": (
        5, 20, "error", "Did you mean 't_test'?",
    ),
    "  a:\n    variants: [x, y]\n    decision: {confidence: 95}\n": (
        5, 28, "error", "a number between 0 and 1, found 95",
    ),
    "  a:\n    variants: [x, y]\n    notify: {team: 1}\n": (5, 14, "error", "no field 'team'"),
    "  a:\n    variants: [x, y, z]\n    continual: {seed: s, ramp: [5]}\n": (
        5, 16, "error", "exactly two variants",
    ),
    "  a:\n    variants: [x, y]\n    continual: {seed: s, ramp: [5, 5]}\n": (
        5, 32, "error", "each larger than the one before",
    ),
    "  a:\n    variants: [x, y]\n    continual: {seed: '', ramp: [5]}\n": (
        5, 23, "error", "a text of 1 to 128 characters",
    ),
    "  a:\n    variants: [x, y]\n    metric: eval:nowhere\n": (
        5, 13, "error", "no eval nowhere is declared",
    ),
    "  a:\n    variants: [x, y]\n    metric: grader:retires\n": (5, 13, "error", "'retries'"),
    "  a:\n    variants: [x, y]\n    hypothesis: 5\n": (5, 17, "error", "expected a text"),
    "  a:\n    variants: [x, y]\n    tags: t\n": (5, 11, "error", "expected a list of texts"),
}  # fmt: skip


@pytest.mark.parametrize("lines", ODD)
def test_each_oddity_is_named_with_its_place(lines):
    line, column, level, words = ODD[lines]
    assert [item[:3] for item in oddities(lines)] == [(line, column, level)]
    assert words in oddities(lines)[0][3]


def guardrail(entry):
    lines = f"  a:\n    variants: [x, y]\n    guardrail_metrics:\n      - {entry}\n"
    found = declared(lines)
    return found.experiments[0].guardrail_metrics, [
        (item.line, item.column, item.level.value, item.message) for item in found.oddities
    ]


@pytest.mark.parametrize(
    ("entry", "at", "level", "words"),
    [
        ("{name: m}", "{", "error", "expected a threshold"),
        ("{threshold: '>=1'}", "{", "error", "the name of a metric"),
        ("{name: m, threshold: 0.9}", "0.9", "error", "or a direction beside the number"),
        ("{name: m, threshold: '>= 0.9'}", "'", "error", "such as '>=0.9'"),
        ("{name: m, threshold: '≥0.9'}", "'", "error", "such as '>=0.9'"),
        (
            "{name: m, direction: '=', threshold: '>=1'}",
            "'='",
            "error",
            "min (lower is better)",
        ),
        ("{name: m, direction: min, threshold: '>=1'}", "min", "warning", "min is not used"),
        ("{name: m, threshold: '>=1', owner: x}", "owner", "error", "no field 'owner'"),
        ("{name: success_rate, direction: min, threshold: 1}", "min", "warning", "higher is"),
        ("{name: empty_rate, direction: max, threshold: 0.1}", "max", "warning", "lower is"),
        ("{name: error_rate, threshold: '>=0.1'}", "'", "warning", "lower is better"),
    ],
)
def test_guardrails_that_cannot_hold_or_mean_the_opposite_are_named(entry, at, level, words):
    _, found = guardrail(entry)
    assert [item[:3] for item in found] == [(6, 9 + entry.index(at), level)]
    assert words in found[0][3]


@pytest.mark.parametrize(
    ("name", "threshold", "comparison", "bound"),
    [
        ("m", "'<-0.5'", "<", -0.5),
        ("m", "3, direction: max", ">=", 3.0),
        ("error_free_rate", "'>=1'", ">=", 1.0),
        ("token_efficiency", "'>=1'", ">=", 1.0),
        ("issue_created_rate", "'==0'", "==", 0.0),
    ],
)
def test_guardrails_that_say_what_they_mean_are_silent(name, threshold, comparison, bound):
    found, odd = guardrail(f"{{name: {name}, threshold: {threshold}}}")
    assert [(item.name, item.comparison, item.bound) for item in found] == [
        (name, comparison, bound)
    ]
    assert odd == []


def test_a_ramp_is_read():
    found = declared(
        "  a:\n    variants: [x, y]\n    continual: {seed: s, ramp: [5, 25, 100]}\n"
    )
    assert found.experiments[0].continual == ContinualRamp("s", (5, 25, 100))


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"---\nexperiments:\n  a: [x, y\n---\n", 4, "is no YAML"),
        (b"---\na: 1\na: 2\n---\n", 3, "the name 'a' is given twice"),
        (b"---\nexperiments: *all\n---\n", 2, "has no anchor"),
        (b"---\nname: \xff\n---\n", 2, "not text in UTF-8"),
        (b"---\nname: a\n", 1, "no second line of ---"),
        (b"---\nname: \x07\n---\n", 2, "not allowed"),
        (b"---\na: " + b"[" * 99 + b"]" * 99 + b"\n---\n", 2, "nested deeper"),
        (b"---\nexperiments: [a, b]\n---\n", 2, "expected a map"),
        (b"---\nn: " + b"9" * 5000 + b"\n---\n", 2, "digits"),
    ],
)
def test_what_is_no_frontmatter_is_said_and_nothing_is_read(data, line, words):
    found = read(data)
    assert found.experiments == ()
    assert [(item.line, item.level) for item in found.oddities] == [(line, OddityLevel.ERROR)]
    assert words in found.oddities[0].message


def test_a_file_without_frontmatter_declares_nothing_whatever_its_examples_show():
    found = read(BODY)
    assert (found.experiments, found.oddities) == ((), ())


def test_aliases_cannot_blow_a_file_up():
    lines = ["---", "a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    text = "\n".join([*lines, "experiments:", "  a: *a11", "---", ""])
    assert read(text).experiments == ()


COMPILED = """\
jobs:
  activation:
    steps:
      - name: Pick experiment variants
        id: pick-experiment
        env:
          GH_AW_EXPERIMENT_SPEC: '{spec}'
          GH_AW_EXPERIMENT_STATE_FILE: /tmp/gh-aw/experiments/state.jsonl
          GH_AW_HARNESS_VERSION: 0abc:1def
        env2:
          NOT_GH_AW_EXPERIMENT_SPEC: 'x'
"""


def compiled(spec, more=""):
    line = json.dumps(spec, ensure_ascii=False).replace("'", "''")
    return (COMPILED.replace("{spec}", line) + more).encode()


def test_a_compiled_workflow_says_the_same_as_its_source():
    source = read(RICH + BODY)
    spec = {
        "tone": {
            "variants": ["dry", "warm"],
            "description": "It's ü",
            "guardrail_metrics": [{"name": "run_success_rate", "threshold": ">=0.95"}],
            "weight": [60, 40],
            "min_samples": 30,
            "metric": "eval:focused",
        },
        "caveman": ["yes", "no"],
    }
    found = read_compiled(compiled(spec))
    tone = found.experiment("tone")
    assert tone.description == "It's ü"
    assert (tone.variants, tone.weight, tone.min_samples) == (("dry", "warm"), (60, 40), 30)
    assert tone.guardrail_metrics == source.experiment("tone").guardrail_metrics[:1]
    assert (tone.line, tone.column) == (7, 34)
    assert found.experiment("caveman").variants == ("yes", "no")
    assert (found.oddities, found.harness_version) == ((), "0abc:1def")
    assert found.storage is StateStorage.REPO
    cached = read_compiled(
        compiled(spec, "          key: experiments-report-${{ github.run_id }}\n")
    )
    assert cached.storage is StateStorage.CACHE


def test_a_compiled_workflow_that_is_damaged_is_said_to_be():
    damaged = compiled({"a": ["x", "y"]}).replace(b"]}'", b"'")
    found = read_compiled(damaged)
    assert found.experiments == ()
    assert "is not valid JSON" in found.oddities[0].message
    assert found.oddities[0].line == 7
    assert read_compiled(b"jobs: {}\n").experiments == ()
    odd = read_compiled(compiled({"a": {"variants": ["x", "y"], "weight": [0.7, 0.3]}}))
    assert [item.line for item in odd.oddities] == [7, 7]
    assert odd.experiments[0].weight == (0.7, 0.3)


def plain(node):
    if node.is_mapping:
        return {key.value: plain(value) for key, value in node.pairs()}
    return [plain(item) for item in node.value] if node.is_list else node.value


ONLY_HERE = ("has 3 weights", "exactly two", "each larger", "is declared", "2026-13", "YYYY")


@pytest.mark.parametrize("lines", [*ODD, *FORMS.values()])
def test_the_schema_refuses_what_is_an_error_here(lines):
    """But for what a schema cannot say: what one field asks of another."""
    document = read_document(f"---\nexperiments:\n{lines}---\n".encode())
    found = read_declarations(document)
    errors = [item for item in found.oddities if item.level is OddityLevel.ERROR]
    beyond = [item for item in errors if any(words in item.message for words in ONLY_HERE)]
    valid = jsonschema.Draft202012Validator(SCHEMA).is_valid(plain(document.experiments))
    assert valid is not bool(errors) or errors == beyond


def test_the_schema_names_every_field_that_is_read():
    properties = SCHEMA["$defs"]["experiment"]["properties"]
    from meta_experiment.workflows.field_values import FieldReader

    assert set(properties) == {"variants", *FieldReader.EXPERIMENT}
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(
        plain(read_document((RICH + BODY).encode()).experiments)
    )


@pytest.mark.skipif(not real_files(), reason="no collection of workflow files is here")
def test_every_real_workflow_is_read_whatever_its_ends_of_lines():
    assert len(real_files()) >= 29
    for path, whole in real_files():
        tutorial = path.name.startswith("githubnext.23")
        for name, data in transformed(whole).items():
            found = read(data)
            assert bool(found.experiments) is not tutorial, (path, name)
            levels = [item.level for item in found.oddities]
            assert levels == ([OddityLevel.WARNING] if "BOM" in name else []), (path, name)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no collection of workflow files is here")
def test_the_schema_says_what_that_of_gh_aw_does():
    """Of every real block: both take it."""
    theirs = json.loads((SHARED / "experiments.schema.json").read_text())
    for _, whole in real_files():
        node = read_document(whole).experiments
        if node is not None:
            jsonschema.validate(plain(node), theirs)
            jsonschema.validate(plain(node), SCHEMA)
