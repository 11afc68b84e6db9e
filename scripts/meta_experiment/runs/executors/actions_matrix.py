"""A workflow of GitHub Actions whose jobs make a share of the runs each.

No text of a user's stands in a line of a shell: lines name variables, whose values are data of
the workflow. Actions are named by the hash of a commit, rights are what each job needs, secrets
are named and never written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_DOWN, Decimal
from typing import Any

from meta_experiment.records import dataclass
from meta_experiment.runs.budget import Caps

KEY = "META_EXPERIMENT_PARTS_KEY"
_CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"
_PYTHON = "actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065"
_NODE = "actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020"
_UPLOAD = "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02"
_DOWNLOAD = "actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093"
_VERSIONS = {
    _CHECKOUT: "v4.2.2",
    _PYTHON: "v5.6.0",
    _NODE: "v4.4.0",
    _UPLOAD: "v4.6.2",
    _DOWNLOAD: "v4.3.0",
}
_LONGEST = 360  # minutes of a job of theirs
_MARGIN = 25  # minutes to begin, and to bring what there is to safety
_USUAL = _LONGEST - _MARGIN
_CENTS = Decimal("0.0001")

Step = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MatrixTerms:
    """The terms of a workflow: what is run, by whom, in how many jobs, and for how much.

    `flags` are options of `run` with their values, but for cases, share and caps; `counting`
    those that the count needs too. `caps` are of all jobs together. `setup` is a script of the
    project, `client` the version of Claude Code, None where no agent needs it. `below` leads
    from the top of the repository to the project.
    """

    experiment_id: str
    cases: str
    jobs: int
    flags: tuple[tuple[str, str], ...]
    counting: tuple[tuple[str, str], ...]
    caps: Caps
    package: str
    secrets: tuple[str, ...] = ()
    setup: str = ""
    client: str | None = None
    runner: str = "ubuntu-24.04"
    below: str = ""


def caps_of_a_job(caps: Caps, jobs: int) -> Caps:
    """Return what each of so many jobs may take, which is never more in sum."""
    usd, tokens = (
        None if cap is None else Decimal(str(cap)) / jobs for cap in (caps.usd, caps.tokens)
    )
    return Caps(
        None if usd is None else float(usd.quantize(_CENTS, ROUND_DOWN)),
        None if tokens is None else float(tokens.to_integral_value(ROUND_DOWN)),
        caps.seconds if caps.seconds is not None else 60.0 * _USUAL,
    )


def workflow_text(terms: MatrixTerms) -> str:
    """Return the workflow, as YAML."""
    import yaml

    dumper: Any = type("Dumper", (yaml.SafeDumper,), {})
    dumper.add_representer(str, _block_or_line)
    text: str = yaml.dump(_workflow(terms), Dumper=dumper, sort_keys=False, width=10_000)
    for action, version in _VERSIONS.items():
        text = text.replace(f"{action}\n", f"{action} # {version}\n")
    return text.replace("'on':", "on:", 1)


def _block_or_line(dumper: Any, text: str) -> Any:  # noqa: ANN401
    """Write lines of a shell as lines."""
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _workflow(terms: MatrixTerms) -> dict[str, Any]:
    own = caps_of_a_job(terms.caps, terms.jobs)
    minutes = int((own.seconds or 0) / 60) + _MARGIN
    run = {
        "shell": "bash",
        **({"working-directory": _literal(terms.below)} if terms.below else {}),
    }
    return {
        "name": f"meta-experiment {terms.experiment_id}",
        "on": {
            "workflow_dispatch": {
                "inputs": {
                    "resume": {
                        "description": "The id of an earlier run, to go on from",
                        "required": False,
                        "type": "string",
                    }
                }
            }
        },
        "permissions": {},
        "concurrency": {
            "group": f"meta-experiment-{terms.experiment_id}",
            "cancel-in-progress": False,
        },
        "defaults": {"run": run},
        "env": {"EXPERIMENT": terms.experiment_id, "CASES": _literal(terms.cases)},
        "jobs": {
            "cells": {
                "name": "cells (${{ matrix.share }})",
                "runs-on": terms.runner,
                "timeout-minutes": min(_LONGEST, minutes),
                "permissions": {"actions": "read", "contents": "read"},
                "strategy": {
                    "fail-fast": False,
                    "matrix": {"share": list(range(1, terms.jobs + 1))},
                },
                "env": {"SHARE": f"${{{{ matrix.share }}}}/{terms.jobs}"},
                "steps": list(_cell_steps(terms, own)),
            },
            "count": {
                "name": "count",
                "needs": "cells",
                "if": "${{ !cancelled() }}",
                "runs-on": terms.runner,
                "timeout-minutes": 60,
                "permissions": {"contents": "read"},
                "steps": list(_count_steps(terms)),
            },
        },
    }


def _cell_steps(terms: MatrixTerms, own: Caps) -> Iterator[Step]:
    yield from _begin(terms)
    if terms.client is not None:
        yield {"uses": _NODE, "with": {"node-version": "22"}}
        yield {
            "name": "Install Claude Code",
            "env": {"CLIENT": _literal(f"@anthropic-ai/claude-code@{terms.client}")},
            "run": 'npm install --global --no-fund --no-audit "$CLIENT"',
        }
    if terms.setup:
        yield {
            "name": "Set up what the agent needs",
            "env": {"SETUP": _literal(terms.setup)},
            "run": 'bash "./$SETUP"',
        }
    part = "part-${{ matrix.share }}"
    yield _fetched(part, "${{ inputs.resume }}", "earlier", "inputs.resume != ''")
    yield _fetched(part, "${{ github.run_id }}", "again", "github.run_attempt != '1'")
    caps = _cap_flags(own)
    yield {
        "name": "Take in what was made before, and pledge the cap",
        "id": "taken",
        "env": {**_key(), **_env(caps)},
        "run": 'mkdir -p "$RUNNER_TEMP/earlier" "$RUNNER_TEMP/again"\n'
        'meta-experiment runs take "$EXPERIMENT" "$RUNNER_TEMP/earlier" "$RUNNER_TEMP/again"\n'
        + _line("runs pack", '--share "$SHARE" --sealed --pledge', caps, _PACKED),
    }
    yield _kept(part, "success()")
    minutes = (("--max-minutes", f"{(own.seconds or 0) / 60:g}"),)
    flags = (*terms.flags, *caps, *minutes)
    yield {
        "name": "Make the runs of this share",
        "env": {
            **_env(flags),
            **{name: f"${{{{ secrets.{name} }}}}" for name in terms.secrets},
        },
        "run": _line("run", '--cases "$CASES" --share "$SHARE"', flags),
    }
    yield {
        "name": "Pack what there is",
        "id": "packed",
        "if": "${{ always() && steps.taken.outcome == 'success' }}",
        "env": _key(),
        "run": _line("runs pack", '--share "$SHARE" --sealed', (), _PACKED),
    }
    yield _kept(part, "${{ always() && steps.packed.outcome == 'success' }}")


_PACKED = '--out "$RUNNER_TEMP/part/${SHARE%/*}.part"'


def _count_steps(terms: MatrixTerms) -> Iterator[Step]:
    yield from _begin(terms)
    yield {
        "name": "Fetch the parts",
        "uses": _DOWNLOAD,
        "with": {"pattern": "part-*", "path": "${{ runner.temp }}/parts"},
    }
    yield {
        "name": "Take them in",
        "env": _key(),
        "run": 'meta-experiment runs take "$EXPERIMENT" "$RUNNER_TEMP/parts"\n'
        + _line("runs pack", "--sealed", (), '--out "$RUNNER_TEMP/result/runs.part"'),
    }
    yield {
        "name": "Count and decide",
        "env": _env(terms.counting),
        "run": _line("run", '--cases "$CASES" --count-only', terms.counting)
        + "\n"
        + _line("analyze", "--json", (), '>"$RUNNER_TEMP/result/analysis.json"')
        + "\n"
        + _line("report", "--markdown -", (), '>>"$GITHUB_STEP_SUMMARY"'),
    }
    yield {
        "name": "Keep the result",
        "if": "${{ !cancelled() }}",
        "uses": _UPLOAD,
        "with": {"name": "result", "path": "${{ runner.temp }}/result", "overwrite": True},
    }


def _begin(terms: MatrixTerms) -> Iterator[Step]:
    yield {"uses": _CHECKOUT, "with": {"fetch-depth": 0, "persist-credentials": False}}
    yield {"uses": _PYTHON, "with": {"python-version": "3.12"}}
    yield {
        "name": "Install meta-experiment",
        "env": {"PACKAGE": _literal(terms.package)},
        "run": 'python -m pip install --disable-pip-version-check "$PACKAGE"',
    }


def _fetched(part: str, run: str, folder: str, when: str) -> Step:
    """Return the step that fetches the part of a run; there may be none."""
    return {
        "name": f"Fetch what was made {folder}",
        "if": when,
        "continue-on-error": True,
        "uses": _DOWNLOAD,
        "with": {
            "name": part,
            "path": f"${{{{ runner.temp }}}}/{folder}",
            "run-id": run,
            "github-token": "${{ github.token }}",
        },
    }


def _kept(part: str, when: str) -> Step:
    return {
        "name": "Keep it",
        "if": when,
        "uses": _UPLOAD,
        "with": {
            "name": part,
            "path": "${{ runner.temp }}/part",
            "if-no-files-found": "error",
            "overwrite": True,
        },
    }


def _key() -> dict[str, str]:
    return {KEY: f"${{{{ secrets.{KEY} }}}}"}


def _cap_flags(caps: Caps) -> tuple[tuple[str, str], ...]:
    known = (("--max-usd", caps.usd), ("--max-tokens", caps.tokens))
    return tuple((flag, f"{value:.15g}") for flag, value in known if value is not None)


def _env(flags: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {_variable(n, flag): _literal(value) for n, (flag, value) in enumerate(flags)}


def _line(verb: str, fixed: str, flags: Iterable[tuple[str, str]], end: str = "") -> str:
    """Return a line of a shell in which each option has its value from a variable."""
    told = [f'{flag}="${_variable(n, flag)}"' for n, (flag, _) in enumerate(flags)]
    return " ".join(filter(None, (f'meta-experiment {verb} "$EXPERIMENT"', fixed, *told, end)))


def _variable(number: int, flag: str) -> str:
    return f"OPTION_{number}_{flag.strip('-').replace('-', '_').upper()}"


def _literal(text: str) -> str:
    """Return text that stands for itself: nothing in it is evaluated by GitHub."""
    return text.replace("${{", "${{ '${{' }}")
