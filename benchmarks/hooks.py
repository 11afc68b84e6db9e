"""What serving and the hooks cost, as ratios to a bare start of the same interpreter.

    python benchmarks/hooks.py [--runs 40] [--turns 30]

Registers 1,000 experiments in a temporary project, ten of them running. Every program is
timed interleaved with `python3 -I -S -c pass`; its ratio, of minima and of medians, may be 2
at most. With the real client, when there is one, it times whole turns: one that is not under
experiment may cost 3 bare starts more than without the plugin, a served one 8. And what it adds
to the loading of a skill that the board comes along with it: 1.5 times `status` alone at most.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks.making import build, names  # noqa: E402
from tests.client.endpoint import Answer, Document, Endpoint, ToolCall  # noqa: E402
from tests.client.harness import Client, Session  # noqa: E402
from tests.client.installed import find_client  # noqa: E402
from tests.live.stage import PYTHON, TOKEN, Stage  # noqa: E402
from tests.logs import own_log, sequence  # noqa: E402

from meta_experiment.live.handovers import hand_over  # noqa: E402
from meta_experiment.protocol.index import sequence_text  # noqa: E402
from meta_experiment.protocol.sessions import PromptRef  # noqa: E402
from meta_experiment.protocol.texts import SHIM  # noqa: E402
from meta_experiment.types.vocabulary import Skill  # noqa: E402

# of one experiment: a ramp's shares, dates, and slots of a layer that hold every unit
SPREAD = {
    "method": "ramp",
    "weights": [7_500.0, 2_500.0],
    "opens": 1.0,
    "closes": 4e9,
    "slots": (0, 1_000),
    "layer": "a1b2c3",
}
LEASED = {"method": "hash", "sequence": sequence_text([0, 1, 1, 0] * 500)}  # of a team
KINDS: dict[int, dict[str, Any]] = {8: SPREAD, 7: LEASED, 6: {"method": "hash", "sequence": ""}}
LIMIT, QUIET_LIMIT, SERVED_LIMIT, BOARD_LIMIT = (
    2.0,
    3.0,
    8.0,
    1.5,
)  # the last in times of status
FRONT = "---\ndescription: Review\nallowed-tools: Bash(serve-variant:*)\n---\n"


def furnish(stage: Stage, running: int = 10) -> None:
    """Put ten experiments under way among a thousand, with a hundred assignments each.

    Those that are used stand last in the index, which is read from its beginning.
    """
    build(stage.root, names(1_000), 10_000, writers=1)
    ahead = sequence_text([number % 2 for number in range(4_096)])
    for number in (*range(10, running), *range(10)):
        name = "review" if number == 9 else f"command{number}"
        entry = stage.run(
            f"exp-{number}",
            name=name,
            path=f".claude/commands/{name}.md",
            form="inplace",
            **KINDS.get(number, {"sequence": ahead}),
        )
        line = f"!`serve-variant {entry.id}@{TOKEN} ${{CLAUDE_SESSION_ID}} || echo FAILED`\n"
        stage.seal({SHIM: FRONT + line}, entry.id)
        stage.write(entry.path, FRONT + line)
        log = "".join(f"{n}\tprompt-{n}\tcontrol\t{n:016x}\t1\n" for n in range(1, 101))
        own_log(stage.root, entry.id, sequence(stage.root, entry.id).name, log)
    stage.write(".claude/commands/plain.md", "---\ndescription: Plain\n---\nDo it: $ARGUMENTS")
    stage.write(".claude/meta/local/auto.stamp", "1\n")


def programs(stage: Stage) -> dict[str, Callable[[], float]]:
    """Return what is timed by name; each call is one invocation with a prompt of its own."""
    told = {
        "session_id": "bench",
        "transcript_path": str(stage.home / "transcript.jsonl"),
        "cwd": str(stage.root),
    }
    here = {"CLAUDE_PROJECT_DIR": str(stage.root), "CLAUDE_CODE_SESSION_ID": "bench"}
    observe = str(REPOSITORY / "hooks" / "observe")
    count = iter(range(1_000_000))

    def hook(event: str, **more: object) -> Callable[[], float]:
        def run() -> float:
            document = {**told, "prompt_id": f"p{next(count)}", **more}
            return seconds(
                [observe, event],
                stage,
                here,
                json.dumps(document, separators=(",", ":")).encode(),
            )

        return run

    def elsewhere() -> float:
        away = {"CLAUDE_PROJECT_DIR": "/", "CLAUDE_CODE_SESSION_ID": "other"}
        return seconds([observe, "stop"], stage, away, b"{}")

    def serve(number: int, name: str) -> Callable[[], float]:
        def run() -> float:
            turn = PromptRef(f"p{next(count)}", "/t", str(stage.root))
            stage.session("bench").write_turn(turn)
            hand_over(stage.session("bench"), name, turn, "one two")
            program = str(REPOSITORY / "bin" / "serve-variant")
            return seconds([program, f"exp-{number}@{TOKEN}", "bench"], stage, here, b"")

        return run

    expansion = {"hook_event_name": "UserPromptExpansion", "command_args": "one two"}
    return {
        "serve-variant": serve(9, "review"),
        "serve-variant, a ramp in a layer": serve(8, "command8"),
        "serve-variant, leased": serve(7, "command7"),
        "serve-variant, none leased": serve(6, "command6"),
        "hook, served command": hook("prompt", command_name="review", **expansion),
        "hook, other command": hook("prompt", command_name="plain", **expansion),
        "hook, skill": hook(
            "tool",
            hook_event_name="PreToolUse",
            tool_name="Skill",
            tool_input={"skill": "other", "args": ""},
        ),
        "hook, agent": hook(
            "tool",
            hook_event_name="PreToolUse",
            tool_name="Agent",
            tool_input={"subagent_type": "other", "prompt": "x"},
        ),
        "hook, session start": hook("start", hook_event_name="SessionStart"),
        "hook, stop, nothing open": elsewhere,
        "hook, stop, a trial open": hook("stop", hook_event_name="Stop"),
    }


def seconds(
    words: list[str], stage: Stage, more: dict[str, str], given: bytes, *, bare: bool = False
) -> float:
    """Time one whole process, which must not fail."""
    start = time.perf_counter()
    subprocess.run(
        words,
        cwd=stage.root,
        env=stage.environment if bare else {**stage.environment, **more},
        input=given,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def compare(stage: Stage, runs: int) -> tuple[float, bool]:
    """Print each program beside a bare start; return the bare median and whether all hold."""
    bare_words = [PYTHON, "-I", "-S", "-c", "pass"]
    timed = programs(stage)
    bare: dict[str, list[float]] = {name: [] for name in timed}
    taken: dict[str, list[float]] = {name: [] for name in timed}
    folder = Path(stage.session("bench").folder)
    for run in range(runs + 2):
        for name, program in timed.items():
            start = seconds(bare_words, stage, {}, b"", bare=True)
            spent = program()
            if run >= 2:  # the first ones compile
                bare[name].append(start)
                taken[name].append(spent)
        for path in folder.glob("*-*"):
            if len(list(folder.glob("trial-*"))) > 3:
                path.unlink()
    holds = True
    print(f"{'':28}{'median ms':>10}{'ratio':>8}{'of minima':>11}")
    for name in timed:
        middle = statistics.median(taken[name])
        ratio = middle / statistics.median(bare[name])
        least = min(taken[name]) / min(bare[name])
        holds &= min(ratio, least) <= LIMIT  # a busy machine disturbs one of the two
        print(f"{name:28}{middle * 1000:10.1f}{ratio:8.2f}{least:11.2f}")
    every = [value for values in bare.values() for value in values]
    base = statistics.median(every)
    print(f"{'python3 -I -S -c pass':28}{base * 1000:10.1f}")
    return base, holds


def turns(folder: Path, binary: Path, base: float, count: int) -> bool:
    """Time turns of the real client: without the plugin, with it, and served."""
    stage = Stage(folder)
    furnish(stage)
    given = {"META_EXPERIMENT_PYTHON": PYTHON}
    alone = Client(binary, folder, plugins=(), environment=given)
    loaded = Client(binary, folder, environment=given)
    taken: dict[str, list[float]] = {"without": [], "quiet": [], "served": []}
    with (
        Endpoint([Answer("ok")] * (3 * count + 20)) as endpoint,
        alone.session(endpoint) as one,
        loaded.session(endpoint) as other,
    ):
        for number in range(count + 2):
            for name, session, prompt in (
                ("without", one, "/plain x"),
                ("quiet", other, "/plain x"),
                ("served", other, "/review x"),
            ):
                start = time.perf_counter()
                session.say(prompt)
                if number >= 2:
                    taken[name].append(time.perf_counter() - start)
    middle = {name: statistics.median(values) for name, values in taken.items()}
    least = {name: min(values) for name, values in taken.items()}
    print(f"\n{'turns of the client':28}{'median ms':>10}{'more, in bare starts':>22}")
    print(f"{'without the plugin':28}{middle['without'] * 1000:10.1f}")
    holds = True
    for name, label, limit in (
        ("quiet", "not under experiment", QUIET_LIMIT),
        ("served", "served", SERVED_LIMIT),
    ):
        pairs = zip(taken[name], taken["without"], strict=True)
        more = statistics.median(with_it - alone_ for with_it, alone_ in pairs) / base
        by_minima = (least[name] - least["without"]) / base
        holds &= min(more, by_minima) <= limit
        print(f"{label:28}{middle[name] * 1000:10.1f}{more:12.1f} (minima {by_minima:.1f})")
    return holds


def loads(folder: Path, binary: Path, sessions: int) -> bool:
    """Time each skill's first loading in a session beside the same text without a board."""
    stage = Stage(folder)
    furnish(stage)
    for skill in Skill:
        text = (REPOSITORY / "skills" / skill.value / "SKILL.md").read_text("utf-8")
        still = text.replace("!`", "`").replace(
            f"name: {skill.value}", f"name: own-{skill.value}"
        )
        stage.write(f".claude/skills/own-{skill.value}/SKILL.md", still)
    given = {"META_EXPERIMENT_PYTHON": PYTHON}
    alone = Client(binary, folder, plugins=(), environment=given)
    loaded = Client(binary, folder, environment=given)
    words = [str(REPOSITORY / "bin" / "meta-experiment"), "status"]
    status, more = [], []
    seconds(words, stage, given, b"")
    for _ in range(sessions):
        with (
            Endpoint(respond=_skill_asked_for) as endpoint,
            alone.session(endpoint, "--allowedTools", "Skill") as one,
            loaded.session(endpoint) as other,
        ):
            for skill in Skill:
                own = _loading(endpoint, one, f"own-{skill.value}")
                status.append(seconds(words, stage, given, b""))
                more.append(_loading(endpoint, other, f"meta-experiment:{skill.value}") - own)
    middle = statistics.median(more)
    ratio = middle / statistics.median(status)
    least = min(more) / min(status)
    print(f"\n{'a skill with its board':28}{'median ms':>10}{'ratio':>8}{'of minima':>11}")
    print(f"{'more than without':28}{middle * 1000:10.1f}{ratio:8.2f}{least:11.2f}")
    print(f"{'status alone':28}{statistics.median(status) * 1000:10.1f}")
    return min(ratio, least) <= BOARD_LIMIT


def _skill_asked_for(body: Document) -> Answer:
    """Open the skill that the newest prompt names; then stop."""
    newest = re.split(r'"role": "assistant"', json.dumps(body["messages"]))[-1]
    named = re.findall(r"open (\S+) now", newest)
    calls = [] if '"tool_result"' in newest else [ToolCall("Skill", {"skill": named[-1]})]
    return Answer("ok", tools=calls)


def _loading(endpoint: Endpoint, session: Session, skill: str) -> float:
    """Return the seconds from the call of a skill to the request that holds its text."""
    session.say(f"open {skill} now")
    called, read = endpoint.turns[-2:]
    if "# " not in "".join(read.texts()) or read.tool_results()[-1][1]:
        raise RuntimeError(f"{skill} was not loaded: {read.tool_results()[-1][0]}")
    return read.at - called.at


def main() -> int:
    """Print the figures; exit 1 when one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--sessions", type=int, default=4, help="with a load of each skill")
    given = parser.parse_args()
    binary = find_client(os.environ)
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        stage = Stage(Path(temporary, "programs"))
        furnish(stage)
        base, holds = compare(stage, given.runs)
        if binary is None:
            print("no client is installed: turns are not timed")
        elif given.turns:
            holds &= turns(Path(temporary, "client"), binary, base, given.turns)
        if binary is not None and given.sessions:
            holds &= loads(Path(temporary, "skills"), binary, given.sessions)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
