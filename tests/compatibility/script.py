"""The life of some experiments, line by line: what the two recordings are recordings of.

A step is a command line, or something that happens between two of them. Every verb stands
here, most of them with a refusal beside the success.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

DAY = 86_400
REVIEW, SKILL = ".claude/commands/review.md", ".claude/skills/notes/SKILL.md"
AGENT, OTHER = ".claude/agents/critic.md", ".claude/commands/other.md"


def ledger_line(number: int, variant: str) -> str:
    """Write what the state of a workflow has of a run."""
    own = {"run_id": str(number), "timestamp": f"2026-01-01T0{number - 900}:00:00.000Z"}
    variants = {"tone": variant, "caveman": "no"}
    return json.dumps(own | {"assignments": variants}, separators=(",", ":")) + "\n"


SHOWN = "user,arm,at,cost\n" + "".join(  # who was shown what, and what it cost then
    f"u{place},{'AB'[place % 2]},2025-12-{10 + place // 8}T08:00:00,"
    f"{10 + place % 7 - place % 2 * 4}\n"
    for place in range(40)
)
GATHERED = json.dumps(
    {
        "tables": {"shown": {"path": "shown.csv"}},
        "exposure": {
            "table": "shown",
            "unit": "user",
            "variant": "arm",
            "variants": {"A": "control", "B": "treatment"},
            "at": "at",
        },
        "window": {"hours": 1},
        "metrics": {"cost_usd": {"value": "cost"}},
        "as_of": "2025-12-31",
    }
)

FILES = {  # with the mode of each; the drafts of their successors lie beside them
    REVIEW: (0o640, "\ufeff---\r\ndescription: Review\r\n---\r\nRéview $ARGUMENTS.\r\n"),
    SKILL: (0o600, "---\nname: notes\ndescription: Writes notes.\n---\n\nWrite $ARGUMENTS.\n"),
    AGENT: (0o755, "---\nname: critic\ndescription: Criticises.\n---\n\nCriticise it.\n"),
    OTHER: (0o644, "Do something else."),
    "CLAUDE.md": (0o644, "Be brief.\n"),
}
DRAFTS = {
    "v2.md": "---\r\ndescription: Review\r\n---\r\nReview $ARGUMENTS in parallel.\r\n",
    "skill2.md": FILES[SKILL][1] + "Use lists.\n",
    "agent2.md": FILES[AGENT][1] + "Be kind.\n",
    "other2.md": "Do something else, twice.\n",
    "other3.md": "Do something else, three times.\n",
    "claude2.md": "Be very brief.\n",
    "same.md": FILES[OTHER][1],
    ".github/workflows/daily-report.md": (
        "---\non: daily\nexperiments:\n  # the tone of the report\n  tone:\n"
        "    variants: [dry, warm]  # the control first\n    metric: run_success_rate\n"
        '    guardrail_metrics:\n      - {name: empty_output_rate, threshold: ">=0.5"}\n'
        "    weight: [70, 30]\n  caveman: [yes, no]\n---\n\n"
        "{{#if experiments.tone == 'warm' }}Be warm.{{/if}}\n"
    ),
    ".github/workflows/weekly-report.md": (
        "---\non: weekly\nexperiments:\n  tone: {variants: [dry, warm], end_date: 2026-01-31}\n"
        "---\nBe brief.\n"
    ),
    **{
        f"downloads/{number}/usage/{path}": text
        for number, variant, tokens in ((901, "dry", 900), (902, "warm", 700))
        for path, text in (
            ("experiment/assignments.json", f'{{"tone": "{variant}"}}'),
            ("experiment/state.jsonl", ledger_line(number, variant)),
            ("agent/execution.json", '{"outcome": "success", "duration_ms": 90000}'),
            ("agent_usage.json", f'{{"input_tokens": {tokens}, "output_tokens": 50}}'),
        )
    },
    "plan.yaml": (
        "name: From a plan\nhypothesis: It is clearer\n"
        f"files:\n  {OTHER}:\n    short: other2.md\n    long: other3.md\n"
        "variants: [control, short, {name: long, weight: 1}]\n"
        "metrics:\n  primary: {name: clarity, direction: higher, scale: raw}\n"
        "  guardrails: [{name: cost_usd, margin: 5, required: true}]\n"
        "  secondary: [tool_errors]\n"
        "stopping: {sample_size: 5, max_sample: 40, claim: threshold}\n"
        "unit: case\nassignment: {method: hash, traffic: 80}\nseed: 3\ntags: [plan, weekly]\n"
    ),
    "wrong.yaml": f"files:\n  {OTHER}:\n    treatment: other2.md\nstoping: 3\n",
    "cases.jsonl": (
        '{"id": "a", "prompt": "Say a.", "criteria": [{"type": "contains", "target": "a"}]}\n'
        '{"id": "b", "prompt": "Say b.", "needs": ["port 80"]}\n'
        '{"id": "c", "prompt": "Say c.", "needs": ["port 80"]}\n'
    ),
    "sums.json": (
        '{"metrics": {"signup": {"control": {"n": 487, "k": 41}, "treatment": {"n": 513, '
        '"k": 67}}, "latency": {"inverse": true, "control": {"n": 487, "sum": 58440, '
        '"sum_squares": 7052166}, "treatment": {"n": 513, "sum": 60534, '
        '"sum_squares": 7175781}}}}\n'
    ),
    "rows.csv": (
        "arm,case,secs,passed\ncontrol,a,10.5,1\ntreatment,a,8.25,1\ncontrol,b,11,0\n"
        "treatment,b,9.5,1\ncontrol,c,12,0\ntreatment,c,9,1\ncontrol,d,,1\n"
    ),
}


@dataclass(frozen=True)
class Wait:
    """Time goes by."""

    days: float


@dataclass(frozen=True)
class Edit:
    """Somebody writes a file by hand, or takes it away."""

    path: str
    text: str | None


@dataclass(frozen=True)
class Fed:
    """A command line that reads these lines from its standard input."""

    line: str
    stdin: str


@dataclass(frozen=True)
class Runs:
    """Somebody runs an experiment on cases: two variants, each so often on so many cases."""

    experiment: str
    cases: int
    repeats: int


Step = str | Wait | Edit | Fed | Runs


def trial(experiment: str, variant: str, key: object, **metrics: float) -> str:
    """Return a line for `record --stdin`."""
    document = {
        "experiment": experiment,
        "variant": variant,
        "trial_id": f"{experiment}-{key}-{variant}",
        "metrics": metrics,
        "fingerprint": {"model": "model-a"},
    }
    return json.dumps(document) + "\n"


def pairs(experiment: str, first: int, last: int, speed: float) -> str:
    """Return trials of both arms: the control around 100 s, the treatment at a share of it."""
    return "".join(
        trial(
            experiment,
            variant,
            number,
            duration_seconds=round(base * factor + number % 3, 3),
            output_tokens=1000 + number,
        )
        for number in range(first, last)
        for base in (100 * (1 + 0.04 * ((number * 7) % 11 - 5)),)
        for variant, factor in (("control", 1.0), ("treatment", speed))
    )


_MATRIX = "runs matrix from-a-plan --cases cases.jsonl --jobs 2 --agent true --package it"

STEPS: tuple[Step, ...] = (
    # before there is anything
    "--version",
    "--help",
    "create --help",
    "promote --help",
    "status",
    "verify",
    "check",
    "doctor",
    "recover",
    "repair",
    "monitor",
    "auto",
    "panic",
    "noise",
    "explain nothing",
    "statsu",
    "status --colour",
    # what a plan could show
    "plan --primary-metric cost_usd --sample-size 20 --per-day 6 --max-duration-days 28",
    f"plan --file {REVIEW}=v2.md --primary-metric success --stopping fixed --sample-size 50",
    "plan --primary-metric nonsense",
    "baseline review --everywhere",
    "baseline review --everywhere --metric output_tokens --unit invocation --days 3",
    "baseline nobody",
    # an experiment that wins
    f"create --file {REVIEW}=nowhere.md",
    f"create --file {OTHER}=same.md",
    (
        f"create --file {REVIEW}=v2.md --primary-metric duration_seconds --unit invocation "
        "--guardrail output_tokens:20% --secondary tool_errors --seed 7 "
        "--hypothesis 'Three at once are faster'"
    ),
    f"create --file {REVIEW}=v2.md --primary-metric duration_seconds --start",
    "status",
    "status review",
    "analyze review",
    "explain review",
    "amend review --set improvement_threshold=10 --why 'small is fine'",
    "amend review --set nonsense=1 --why x",
    "start review --manual",
    "start review",
    "assign review --unit case-1",
    "assign review --unit case-1",
    "assign review --unit case-2",
    (
        "record review --variant control --unit case-1 --trial-id first --status error "
        "--fingerprint model=model-a"
    ),
    "record review --variant nobody --metric duration_seconds=3",
    "record review --variant control --metric duration_seconds=fast",
    (
        "record review --variant treatment --unit case-2 --trial-id second "
        "--metric duration_seconds=41.5 --metric output_tokens=900"
    ),
    "record review --variant treatment --trial-id second --metric duration_seconds=40",
    "rate 4 --trial-id second",
    "rate 7 --trial-id second",
    "rate --metric issues_caught=3 --trial-id second --experiment review",
    "explain review",
    Wait(0.5),
    Fed("record --stdin", pairs("review", 0, 6, 0.6)),
    Fed("record --stdin", trial("review", "control", 90, duration_seconds=1.0) + "{}\n"),
    "analyze review",
    "analyze review --gate",
    "promote review --yes",
    "promote review --dry-run",
    "report review",
    "report review --as-of yesterday",
    "report --all",
    "trials review --limit 4",
    "trials review --variant control --limit 2 --all",
    "monitor review",
    "amend review --set alpha=0.2 --why hurry",
    "pause review",
    "pause review",
    "assign review",
    "resume review",
    Wait(1),
    Fed("record --stdin", pairs("review", 6, 20, 0.6)),
    "status",
    "analyze review",
    "analyze review --gate",
    "analyze review --current model=model-b --exact",
    "explain review",
    "noise review --units 20",
    "noise review",
    "notify review",
    "notify review --issue acme/prompts#7 --dry-run",
    "notify review --terminal",
    "telemetry export",
    "telemetry export --out .git/events.jsonl",
    "auto --dry-run",
    "auto --yes",
    "promote review --dry-run",
    Edit(REVIEW, "Somebody was faster.\n"),
    "promote review --yes",
    Edit(REVIEW, FILES[REVIEW][1]),
    "promote review --yes",
    "status review",
    "explain review",
    "holdout review --share 2",
    "holdout review --dry-run",
    "holdout review",
    "holdout review --yes",
    "holdout review",
    "status review",
    "rollback review --dry-run",
    "rollback review --reason 'users complain' --yes",
    "rollback review --yes",
    "status review",
    # prompts that are served: in place, in its shadow, as copies
    f"create --file {SKILL}=skill2.md --primary-metric active_seconds --seed 1 --start",
    f"create --file {AGENT}=agent2.md --primary-metric active_seconds --seed 1 --start",
    (
        f"create --file {REVIEW}=v2.md --name again --primary-metric active_seconds --seed 1 "
        "--ask-model issues_caught --start"
    ),
    "doctor",
    "status",
    "rate 3",
    "stop notes --reason 'wrong metric'",
    "pause critic",
    "panic",
    "resume critic",
    "resume notes",
    "rollback again --reason 'not now' --yes",
    # a plan from a file, several treatments, and an override
    "create --plan wrong.yaml",
    "create --plan plan.yaml --start --manual",
    "run from-a-plan --cases cases.jsonl --repeats 2 --concurrency 2 --preview",
    f"{_MATRIX} --max-usd 1",
    f"{_MATRIX} --out runs.yml",
    f"{_MATRIX} --secret 'a token'",
    "run review --cases cases.jsonl",
    "run from-a-plan --cases nowhere.jsonl",
    "assign from-a-plan --unit a",
    "assign from-a-plan --unit b",
    Fed(
        "record --stdin",
        "".join(
            trial("from-a-plan", arm, n, clarity=3 + n % 3 + more, cost_usd=0.02 + n / 1e3)
            for n in range(8)
            for arm, more in (("control", 0), ("short", 1), ("long", -1))
        ),
    ),
    "analyze from-a-plan",
    "promote from-a-plan --yes --variant long",
    "promote from-a-plan --yes --variant long --override 'the lead asked for it'",
    "status from-a-plan",
    "rollback from-a-plan --yes --no-commit",
    # the experiments of agentic workflows
    "workflows list",
    "workflows show daily-report",
    "workflows show dayly-report",
    "workflows pick weekly-report --run-id 901 --state workflow-state.jsonl",
    "workflows pick weekly-report --run-id 901",
    "import downloads --workflow daily-report",
    "import downloads --workflow daily-report --experiment caveman",
    "import downloads --workflow nowhere",
    "workflows darwin daily-report tone",
    "workflows darwin daily-report tone --winner warm --variant cool",
    "workflows darwin daily-report tone --winner hot",
    "workflows audit",
    "workflows audit --experiment daily-report/tone --variant warm",
    "workflows audit --variant warm",
    "workflows report",
    "workflows report nowhere",
    # what came of runs on cases
    "runs list",
    "runs show from-a-plan",
    "runs shwo from-a-plan",
    (
        f"create --file {OTHER}=other2.md --name cased --primary-metric active_seconds "
        "--unit case --sample-size 3 --seed 5 --start --manual"
    ),
    Runs("cased", 3, 2),
    "runs list",
    "runs show cased",
    "runs show cased --case c1 --compact",
    "runs show cased --case c1 --markdown",
    "runs show cased --case nowhere",
    "runs diff cased --case c1",
    "runs diff cased --case c1 --variants control control",
    "runs merge cased --case c1 --dry-run",
    "runs merge cased --case c1 --variant treatment --override so",
    "runs replay nobody --preview",
    "runs rate cased --next --max-output 8",
    "runs rate cased --case c1 --variant control --criterion clear --fail",
    "runs rate cased --case c1 --variant control --criterion clear --pass",
    "runs rate cased --run nothing --pass",
    "runs rate cased",
    "runs judge cased --judge false --target kind --max-usd 1",
    "runs judge cased --judge nobody --target kind",
    "runs judge cased --judge false",
    "runs pack cased --out cased.part",
    "runs pack cased --out cased.part --sealed",
    "runs take cased cased.part",
    "runs take cased cased.part --admit",
    "run cased --cases cases.jsonl --agent true --share 3/2",
    "runs profile",
    "runs profile --model large",
    "runs export cased --out benchmark.json",
    "runs export cased --out benchmark.json",
    "stop cased --reason 'seen enough'",
    # one that may act by itself, and one that comes to its end
    (
        f"create --file {OTHER}=other2.md --name quick --primary-metric duration_seconds "
        "--auto --unit invocation --seed 2 --start --manual"
    ),
    (
        "create --file CLAUDE.md=claude2.md --name slow --primary-metric success --auto "
        "--max-duration-days 7 --seed 4 --start --manual"
    ),
    Fed("record --stdin", pairs("quick", 0, 20, 0.5)),
    Fed(
        "record --stdin",
        "".join(
            trial("slow", arm, n, success=float(n % every > 0))
            for n in range(6)
            for arm, every in (("control", 2), ("treatment", 3))
        ),
    ),
    "auto --dry-run",
    "auto --yes",
    "analyze slow",
    Wait(8),
    "monitor",
    "auto --yes",
    "auto",
    "resume slow",
    "amend slow --set max_duration_days=28 --why 'two weeks of holidays'",
    # results measured elsewhere
    (
        "import rows.csv --map variant=arm --map duration_seconds=secs --map success=passed "
        "--metric success --name elsewhere --dry-run"
    ),
    (
        "import rows.csv --map variant=arm --map duration_seconds=secs --map success=passed "
        "--metric success --name elsewhere"
    ),
    "analyze elsewhere",
    "import nowhere.json",
    "import --sums control=40,22 --sums treatment=40,31",
    "import --sums control=40,22.5,3 --sums treatment=40,20,3 --metric duration_seconds",
    "import sums.json",
    "analyze elsewhere --as analysis_result",
    "analyze elsewhere --as input_data",
    "admit quick",
    "admit quick nobody",
    # what they taught
    "learn review-command --why 'It asks less' --next 'Half the questions, half the time'",
    "learn review-command --why 'It asks back less' --judged partly",
    "learn critic --why 'Nobody knows'",
    "learn --list",
    "learn --list --file review.md",
    "learn",
    "plan --file .claude/commands/review.md=v2.md --hypothesis 'Half the questions'",
    # put away
    "archive critic",
    "archive quick",
    "archive review",
    "archive review-command",
    "status",
    "status --archived",
    "trials review-command --limit 2",
    "check",
    "verify",
    Edit(".claude/meta/variants/{slow}/treatment/CLAUDE.md", "Somebody else's.\n"),
    "check",
    "verify",
    "repair",
    "recover",
    Edit(".claude/meta/experiments.json", None),
    "status",
    "recover",
    "status slow",
    # cases of the past
    "cases mine review --everywhere --dry-run",
    "cases mine nobody --dry-run",
    "cases mine review",
    "cases check cases.jsonl",
    "cases check nowhere.jsonl",
    "cases split cases.jsonl --holdout 50 --out tuning.jsonl --seed 1",
    "cases split cases.jsonl --holdout 50 --out tuning.jsonl",
    "run from-a-plan --holdout nobody",
    # a team's store, of which none is in use here
    "store use",
    "store show",
    "store ship",
    "store check",
    "store admit 1a2b3c4d",
    # sums of data that lie elsewhere
    Edit("gather.md", "Gather.\n"),
    Edit("gather2.md", "Gather well.\n"),
    Edit("gathered/shown.csv", SHOWN),
    Edit("gathered/mapping.json", GATHERED),
    (
        "create --file gather.md=gather2.md --name gathered --primary-metric cost_usd "
        "--unit user --seed 3"
    ),
    "collect gathered --mapping gathered/mapping.json",
    "start gathered --manual",
    "collect gathered --mapping nowhere.json",
    "collect gathered --mapping gathered/mapping.json",
    "collect gathered --mapping gathered/mapping.json --engine nonsense://",
    "analyze gathered",
    "demo --keep .",
    "plugin --to .",
    "help degenerate_data",
    "help runs shwo",
    "completion fish",
    "completion tcsh",
)
