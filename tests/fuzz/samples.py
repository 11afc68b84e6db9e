"""Documents as the program and the client write them, to be spoiled."""

from meta_experiment.deploy.commit import CommitEntry, CommitPlan
from meta_experiment.deploy.journal import FileStep, Record
from meta_experiment.types import Action, FileVersion

SHA = "0123456789abcdef" * 4
PLAN = {
    "name": "n",
    "hypothesis": "h",
    "files": ["a.md"],
    "metrics": {
        "primary": {"name": "duration_seconds", "direction": "lower", "scale": "log"},
        "guardrails": [
            "output_tokens:20%",
            {"name": "clarity", "direction": "higher", "margin": 5},
        ],
        "secondary": ["cost_usd"],
    },
    "variants": ["control", {"name": "treatment", "weight": 1}],
    "targets": {"improvement_threshold": 15, "max_regression": 10, "equivalence_margin": 5},
    "stopping": {
        "rule": "sequential",
        "sample_size": 10,
        "max_sample": 50,
        "max_duration_days": 14,
    },
    "unit": "session",
    "assignment": {"method": "block", "traffic": 50},
    "auto": True,
    "seed": 1,
    "tags": ["t"],
}
EXPERIMENT = {
    "id": "exp-1",
    "name": "n",
    "status": "promoted",
    "created": "2026-01-31T09:30:00.000Z",
    "started": "2026-01-31T09:30:00Z",
    "ended": None,
    "plan": PLAN,
    "plan_sha256": SHA,
    "files": {
        "a.md": {
            "control": {"sha256": SHA, "mode": "0644"},
            "treatment": {"sha256": SHA, "mode": "0755"},
        }
    },
    "amendments": [
        {
            "at": "2026-01-31T09:30:00Z",
            "key": "auto",
            "before": False,
            "after": True,
            "why": "w",
            "trials_before": 3,
        }
    ],
    "outcomes": [
        {
            "action": "promote",
            "at": "2026-01-31T09:30:00Z",
            "decision": "PROMOTE",
            "reason_code": "treatment_better",
            "reason": "r",
            "winner": "treatment",
            "override": None,
            "improvement": 0.3,
            "e_value": 30.0,
            "trials": 9,
            "commit": None,
            "change_id": "c0",
            "files": {"a.md": {"before": {"sha256": SHA, "mode": "0644"}, "after": None}},
        }
    ],
    "inline_trials": [
        {"trial_id": "t", "variant": "control", "status": "ok", "metrics": {"x": 1}}
    ],
}
TEMPLATE = {
    "id": "exp-2025-10-20-001",
    "name": "n",
    "created": "2025-10-20T10:30:00Z",
    "status": "running",
    "hypothesis": "h",
    "changes": {"files": {"commands/r.md": {"backup": "b", "variant": "v"}}},
    "metrics": {"primary": "time_to_complete", "secondary": ["issues caught", "satisfaction"]},
    "targets": {"improvement_threshold": 15, "max_regression": 10},
    "sample_size_required": 10,
    "max_duration_days": 14,
    "auto_promote": True,
    "auto_rollback": True,
    "results": {
        "control_group": [45, 51.5],
        "treatment_group": [{"value": 27, "issues caught": 3}],
    },
}
REGISTRIES = [
    {"schema_version": 1, "experiments": [EXPERIMENT]},
    {"experiments": [TEMPLATE]},
    {"experiments": []},
]
EVENTS = [
    {"event": "assigned", "at": 1.5, "trial_id": "t1", "variant": "control", "unit": "u"},
    {"event": "exposed", "at": 2, "trial_id": "t1", "variant": "control"},
    {
        "event": "recorded",
        "at": 3,
        "trial_id": "t1",
        "variant": "control",
        "status": "ok",
        "metrics": {"duration_seconds": 1.5},
        "fingerprint": {"model": "m"},
    },
    {
        "event": "excluded",
        "at": 4,
        "trial_id": "t1",
        "variant": "control",
        "reason": "no_answer",
    },
]
RECORD = Record(
    "c0ffee",
    "exp-1",
    Action.PROMOTE,
    {"a": 1},
    (FileStep("a.md", FileVersion(SHA, 0o644), None),),
    CommitPlan(
        "0" * 40,
        "refs/heads/main",
        (CommitEntry("a.md", "100644 " + "1" * 40, "0 " + "2" * 40),),
        "",
    ),
)
PROMPTS = [
    b"---\nname: a\nallowed-tools: [Bash, Read]\n---\nbody\n",
    b"\xef\xbb\xbf---\r\ndescription: x\r\n---\r\nbody",
    b"no frontmatter",
    b"---\na: &x 1\nb: *x\n---\n",
]
PROMPT_ID = "5c5f0f9e-0000-4000-8000-000000000001"
TRANSCRIPT = [
    {
        "type": "user",
        "promptId": PROMPT_ID,
        "timestamp": "2026-11-21T14:16:58.000Z",
        "uuid": "a",
        "message": {"role": "user", "content": "<command-name>/review</command-name>"},
    },
    {
        "type": "assistant",
        "timestamp": "2026-11-21T14:17:01.000Z",
        "uuid": "b",
        "parentUuid": "a",
        "message": {
            "id": "m1",
            "role": "assistant",
            "model": "claude-opus-5-5",
            "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}],
            "usage": {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3},
        },
    },
    {
        "type": "user",
        "timestamp": "2026-11-21T14:17:02.000Z",
        "promptId": PROMPT_ID,
        "message": {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "is_error": True}],
        },
    },
    {
        "type": "system",
        "subtype": "turn_duration",
        "durationMs": 5,
        "timestamp": "2026-11-21T14:17:03Z",
    },
]
SOURCES = [
    (
        "results.json",
        {
            "runs": [
                {"variant": "a", "duration_seconds": 1},
                {"variant": "b", "duration_seconds": 2},
            ]
        },
    ),
    (
        "benchmark.json",
        {
            "metadata": {"skill_name": "s"},
            "runs": [
                {
                    "eval_id": 1,
                    "configuration": "with_skill",
                    "run_number": 1,
                    "result": {"pass_rate": 1.0, "time_seconds": 3, "tokens": 5},
                }
            ],
        },
    ),
    ("rows.jsonl", {"variant": "control", "duration_seconds": 1.0, "case": "c"}),
    (
        "tables.json",
        {
            "configurations": [
                {
                    "name": "old",
                    "results": {"pass_rate": {"mean": 1, "per_eval": {"1": 0.5, "2": [1, 0]}}},
                }
            ]
        },
    ),
    (
        "cases.json",
        {
            "scenarios": {"a": {"with_skill": {"pass_rate": 1}, "mine": {"pass_rate": "85%"}}},
            "iterations": [{"a_with_skill": {"evals": [{"eval_id": 1, "score": "1,5"}]}}],
        },
    ),
]
TABLES = [
    "variant;case;score\nold;a;0,125\nnew;a;1.250\n",
    'sep=,\r\nvariant,case,latency_ms,tokens\r\nold,a,1500 ms,"1,830"\r\n',
    "arm\tid\tpass rate\tcost_usd\nold\t1\t85 %\t$0.5\nnew\t2\tyes\t1'234.5\n",
]


ASSIGNED = [
    "1\tu1\tcontrol\tt1\t1700000000000",
    "2\tu\\t2\ttreatment\tt2\t1700000000001",
    "0\tu1\tcontrol\tt3\t1",
]
HOOKS = [
    {
        "hook_event_name": name,
        "session_id": "s",
        "cwd": "/",
        "transcript_path": "/t",
        "prompt_id": "p",
        "command_name": "review",
        "arguments": "a",
        "tool_name": tool,
        "tool_input": {"skill": "review", "args": "x", "subagent_type": "a"},
        "tool_use_id": "t",
        "source": "startup",
        "reason": "exit",
    }
    for name in (
        "SessionStart",
        "UserPromptExpansion",
        "PreToolUse",
        "Stop",
        "SessionEnd",
        "Nothing",
    )
    for tool in ("Skill", "Agent")
]
ENTRY = "\t".join(  # noqa: FLY002 - one field a line reads better
    [
        "exp-1",
        "running",
        "command",
        "review",
        ".claude/commands/review.md",
        "shadow",
        "session",
        "block",
        "1.0",
        "control,treatment",
        "1.0,1.0",
        "ab",
        "0110",
        "cd",
        "1.0",
        "",
        "1",
        "",
        "0",
        "ab",
        "0.1",
        "",
    ]
)

CASES = [
    [
        {
            "id": "a-1",
            "prompt": "Fix it.",
            "criteria": [
                {
                    "type": "regex",
                    "target": "a+",
                    "flags": "i",
                    "match": "count:2",
                    "weight": 2,
                },
                {"type": "json_schema", "target": {"properties": {"n": {"minimum": 1}}}},
                {"type": "file_exists", "target": "out/*.md", "exists": False, "name": "gone"},
                {"type": "tool_used", "target": "Read", "min": 1, "max": 2, "input": "x"},
                {"type": "diff", "max_files": 2, "only": ["src/**"]},
            ],
            "files": ["src/**", "docs/"],
            "needs": ["db"],
            "commit": "v1~2",
            "timeout_seconds": 60,
            "tags": ["quick"],
        }
    ],
    {
        "skill_name": "s",
        "evals": [
            {
                "id": 1,
                "prompt": "Go.",
                "expected_output": "Gone.",
                "files": ["in/a.txt"],
                "assertions": [
                    "contains 'x' or contains 'y'",
                    "matches regex /a+/i",
                    {"text": "t", "check": "string_match", "value": "v"},
                ],
            }
        ],
    },
]
CASE_YAML = {
    "schema_version": "1.0",
    "name": "greet",
    "tags": ["quick"],
    "execution": {"prompt": "Greet.", "timeout_seconds": 30, "max_turns": 4},
    "graders": [
        {
            "name": "a",
            "type": "regex",
            "pattern": "hi",
            "flags": "gi",
            "target": "last_message",
        },
        {"name": "b", "type": "tool_order", "before": "Read", "after": "Edit", "weight": 2},
        {"name": "c", "type": "file_exists", "path": "out", "exists": True, "arm": "both"},
        {"name": "d", "type": "llm", "criteria": "It is kind."},
    ],
}
