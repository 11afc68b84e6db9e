"""Workflow files of every style in which one can write the same experiments.

Each is made from plain parts, so that a test knows what a file declares without reading it.
"""

from __future__ import annotations

from pathlib import Path

from meta_experiment.workflows.document import read_document

SHARED = Path(__file__).parents[3] / "shared" / "data" / "gh-aw"
_MARK = b"\xef\xbb\xbf"
BODY = """
# Report

{{#if experiments.tone == 'dry' }}
Be dry.
{{#else if experiments.tone == "warm" }}
Be warm.
{{/if}}

An example of the same, which declares nothing:

```markdown
---
experiments:
  tone: [one, two]
---
```
"""
RICH = """\
---
name: Repört 😀  # not ASCII
on:
  schedule:
    - cron: "0 7 * * 1-5"
evals:
  - id: focused
    question: "Is it to the point?"
experiments:
  # the tone of the report
  tone:
    variants: [dry, warm]  # the control first
    description: "Whether a warm tone is read — and answered"
    hypothesis: "H0: no change. H1: warm brings ≥15% more"
    metric: eval:focused
    secondary_metrics: [duration_ms, effective_tokens]
    guardrail_metrics:
      - name: run_success_rate
        threshold: ">=0.95"
      - name: empty_output_rate
        direction: min
        threshold: 0.05
    min_samples: 30
    weight: [60, 40]  # cautious
    issue: 12
    start_date: 2026-05-01
    end_date: "2026-06-30"
    analysis_type: mann_whitney
    decision: {minimum_effect: 0.1, confidence: 0.9}
    tags: [cost, tone]
    notify:
      issue: 34
  caveman: [yes, no]
  storage: cache
  identity: workflow
timeout-minutes: 15
---
"""
FORMS = {
    "flow": "  tone: [dry, warm, 'very warm']\n",
    "flow, comment behind": "  tone: [dry, warm, 'very warm']  # three\n",
    "flow, spaces": "  tone:   [ dry ,  warm ,'very warm' ]\n",
    "flow, last comma": "  tone: [dry, warm, 'very warm',]\n",
    "flow, lines": "  tone: [\n    dry,\n    warm,\n    'very warm'\n  ]\n",
    "flow, lines and comments": (
        "  tone: [  # tones\n    dry,  # the control\n    warm, # a warm one\n"
        "    # and one more\n    'very warm',  # last\n  ]\n"
    ),
    "double quotes": '  tone: ["dry", "warm", "very warm"]\n',
    "single quotes": "  tone: ['dry', 'warm', 'very warm']\n",
    "escapes": '  tone: ["\\x64ry", "w\\u0061rm", "very warm"]\n',
    "block": "  tone:\n    - dry\n    - warm\n    - very warm\n",
    "block, not indented": "  tone:\n  - dry\n  - warm\n  - 'very warm'\n",
    "block, comments": (
        "  tone:  # tones\n    # first\n    - dry   # the control\n    # second\n"
        '    - "warm"\n\n    - very warm # last\n    # behind\n'
    ),
    "block, wide": "  tone:\n    -   dry\n    -   warm\n    -   very warm\n",
    "block, folded": "  tone:\n    - dry\n    - warm\n    - >-\n      very\n      warm\n",
    "object": "  tone:\n    variants: [dry, warm, very warm]\n    weight: [2, 1, 1]\n",
    "object, weights first": (
        "  tone:\n    weight: [2, 1, 1]  # w\n    variants: [dry, warm, very warm]\n"
    ),
    "object, block": (
        "  tone:\n    variants:\n      - dry # c\n      - warm\n      - very warm\n"
        "    weight:\n      - 2\n      - 1 # one\n      - 1\n"
    ),
    "object, flow": "  tone: {variants: [dry, warm, very warm], weight: [2, 1, 1]}\n",
    "object, JSON": (
        '  "tone": {"variants": ["dry", "warm", "very warm"], "weight": [2, 1, 1]}\n'
    ),
    "anchor": "  tone: &tones [dry, warm, very warm]\n",
    "anchor, block": "  tone: &tones\n    - dry\n    - warm\n    - very warm\n",
    "anchor within": "  tone: [&first dry, warm, very warm]\n",
    "tag": "  tone: !!seq [!!str dry, warm, very warm]\n",
}
NAMES = ("dry", "warm", "very warm")


def file_of(form: str) -> str:
    """Return a workflow whose experiment `tone` is written in a form."""
    after = "timeout-minutes: 5\n"
    return f"---\nname: T\nexperiments:\n{FORMS[form]}  # end\n{after}---\n{BODY}"


def transformed(data: bytes) -> dict[str, bytes]:
    """Return a file as it is and with other ends of lines, a mark in front, none at the end."""
    crlf = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return {
        "as it is": data,
        "CRLF": crlf,
        "BOM": _MARK + data,
        "CRLF, BOM, no end": _MARK + crlf.rstrip(b"\r\n"),
    }


def reformed(data: bytes, name: str) -> dict[str, bytes]:
    """Return a file whose variants of one experiment are written in every other form."""
    document = read_document(data)
    assert document.experiments is not None
    value = document.experiments.get(name)
    node = value.get("variants") if value.is_mapping else value
    names = [item.value for item in node.value]
    text, end = document.text, "\r\n" if "\r\n" in document.text else "\n"
    start = len(text[: node.start].rstrip(" "))
    line = text[text.rfind("\n", 0, start) + 1 : start]
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    double, single = ([f"{mark}{item}{mark}" for item in names] for mark in "\"'")
    forms = {
        "double quotes": f" [{', '.join(double)}]",
        "single quotes": f" [{','.join(single)}]",
        "anchor": f" &v [{', '.join(names)}]",
        "lines": f" [{end}{indent}{f',{end}{indent}'.join(names)}{end}{indent}]",
        "lines, comments": f" [  # a{end}"
        + "".join(f"{indent}{item},  # {item}{end}{indent}# b{end}" for item in names)
        + f"{indent}]",
        "block": "".join(f"{end}{indent}- {item}" for item in double),
        "block, comments": f"  # a{end}{indent}# b"
        + "".join(f"{end}{indent}- {item}  # {item}" for item in names),
    }
    behind = text[node.end :]
    return {
        form: f"{text[:start]}{written}{behind}".encode()
        for form, written in forms.items()
        if not form.startswith("block") or not behind.lstrip(" ").startswith((",", "}"))
    }


def real_files() -> list[tuple[Path, bytes]]:
    """Return real workflow files, where a collection of them lies beside the repository."""
    if not SHARED.is_dir():
        return []
    blocks = (
        (path, b"---\n" + path.read_bytes().rstrip(b"\n-") + b"\n---\n")
        for path in sorted(SHARED.rglob("block-*.yaml"))
    )
    return [*((path, path.read_bytes()) for path in sorted(SHARED.rglob("*.md"))), *blocks]
