"""A prompt file under a running experiment, in the real client, with a ledger of what was sent.

Every invocation works on an item of its own, `item-7`. The scripted model answers by the
item, the arm that it reads in the prompt and the step it is at, so that no two invocations
cost the same: trials and ledger can be compared without knowing which belongs to which.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.client.endpoint import (
    USAGE,
    Answer,
    Document,
    Endpoint,
    Refusal,
    Request,
    ToolCall,
)
from tests.client.harness import REPOSITORY, Client
from tests.support.git import git

PROGRAM = REPOSITORY / "bin" / "meta-experiment"
ONE_LOOK = ("--stopping", "fixed", "--sample-size", "5")  # which few uses can decide
MODE = 0o640  # of every prompt file here: not what a new file would get
BLOCK = 10  # invocations after which both arms have been served equally often
CLUMSY = 3  # every third item has a tool fail

_ITEM = re.compile(r"\bitem-(\d+)")
_AGENT = re.compile(r"\[arm (\w+)\]")
_BARE = re.compile(r"\[arm (\w+): ?\]")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of prompt file, and how it comes to be invoked.

    `place` is whose file it is: project, user or plugin. `opening` are the steps that the
    scripted model takes in the main conversation before the prompt file is in its sight.
    """

    name: str
    path: str
    text: str
    prompt: str
    place: str = "project"
    opening: Callable[[str], Sequence[ToolCall]] = lambda item: ()  # noqa: ARG005
    unit: str = "invocation"

    @property
    def control(self) -> str:
        """Return the text of the file as it stands."""
        return self.text

    @property
    def treatment(self) -> str:
        """Return the text that is tried."""
        return self.text.replace("[arm control", "[arm treatment") + "Be brief.\n"


_BODY = "# Review\n\n[arm control: $ARGUMENTS]\n\nLook at it, then say what you think.\n"
_COMMAND = "---\ndescription: Review an item\nargument-hint: <item>\n---\n" + _BODY
_SKILL = "---\nname: reviewing\ndescription: Reviews an item.\n---\n\n" + _BODY
_AGENT_TEXT = (
    "---\nname: reviewer\ndescription: Reviews an item.\ntools: Read\n---\n\n"
    "[arm control]\n\nYou review what you are given.\n"
)


def call_skill(item: str) -> Sequence[ToolCall]:
    """The model calls the skill by itself."""
    return (ToolCall("Skill", {"skill": "reviewing", "args": item}),)


def call_agent(
    item: str, *, background: bool = False, agent: str = "reviewer"
) -> Sequence[ToolCall]:
    """The model gives the item to an agent, and waits for it unless told otherwise."""
    wish = {
        "subagent_type": agent,
        "description": "Review",
        "prompt": f"Review {item}.",
        "run_in_background": background,
    }
    return (ToolCall("Agent", wish),)


COMMAND = Kind("project-command", ".claude/commands/review.md", _COMMAND, "/review {item}")
USER_COMMAND = replace(COMMAND, name="user-command", place="user")
TYPED_SKILL = Kind(
    "typed-skill", ".claude/skills/reviewing/SKILL.md", _SKILL, "/reviewing {item}"
)
CALLED_SKILL = replace(
    TYPED_SKILL, name="called-skill", prompt="Have a look at {item}.", opening=call_skill
)
AGENT = Kind(
    "agent", ".claude/agents/reviewer.md", _AGENT_TEXT, "Give {item} away.", opening=call_agent
)
PLUGIN_COMMAND = Kind(
    "plugin-command", "commands/review.md", _COMMAND, "/tools:review {item}", place="plugin"
)
KINDS = (COMMAND, USER_COMMAND, TYPED_SKILL, CALLED_SKILL, AGENT, PLUGIN_COMMAND)


@dataclass(frozen=True, slots=True)
class Model:
    """The scripted model; call it with a request, it answers.

    `refusals` are used up, by item, before anything is answered. `delays` in seconds hold
    back the last answer to an item where the prompt file is in sight.
    """

    kind: Kind
    refusals: dict[int, list[Refusal]] = field(default_factory=dict)
    delays: Mapping[int, float] = field(default_factory=dict)

    def __call__(self, body: Document) -> Answer:
        """Answer by the item of the request, the arm in sight and the step."""
        item = latest_item(body)
        if item is None:
            return Answer("Nothing to work on.")
        if self.refusals.get(item):
            return Answer(refusal=self.refusals[item].pop(0))
        arm, step = arm_in_sight(body, item), _step(body, item)
        usage = usage_of(item, arm, step)
        opening = self._opening(body, item)
        if opening and step == 0:
            return Answer("On it.", tools=opening, usage=usage)
        if arm is not None and item % CLUMSY == 0 and step == (1 if opening else 0):
            usage = usage_of(item, arm, step, reading=True)
            missing = ToolCall("Read", {"file_path": f"/nowhere/item-{item}.txt"})
            return Answer("Reading.", tools=[missing], usage=usage)
        delay = self.delays.get(item, 0.0) if arm else 0.0
        return Answer(f"Looked at item-{item}.", usage=usage, delay=delay)

    def _opening(self, body: Document, item: int) -> Sequence[ToolCall]:
        asked = self.kind.prompt.format(item=f"item-{item}")
        in_main = asked in _flat(body["messages"])
        return self.kind.opening(f"item-{item}") if in_main else ()


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """What one invocation was served and cost: by the endpoint, or by a trial."""

    variant: str
    input_tokens: float
    output_tokens: float
    cache_read_tokens: float
    cache_creation_tokens: float
    tool_errors: float


def ledger(requests: Sequence[Request], lost: Collection[int] = ()) -> dict[int, Row]:
    """Add up by item what the endpoint sent. Refused requests cost nothing.

    `lost` are items whose delayed answer did not arrive, because the client was gone.
    """
    sums: dict[int, list[float]] = {}
    arms: dict[int, set[str]] = {}
    known: set[str] = set()
    for request in requests:
        item = latest_item(request.body)
        if item is None or request.answer is None:
            continue
        arm = arm_in_sight(request.body, item)
        arms.setdefault(item, set()).update([arm] if arm else [])
        row = sums.setdefault(item, [0.0] * 5)
        failures = _failures(request)
        row[4] += len(failures - known)
        known |= failures
        if request.answer.refusal or (item in lost and request.answer.delay):
            continue
        usage = {**USAGE, **request.answer.usage}
        for place, name in enumerate(_USAGE):
            row[place] += usage[name]
    several = {item: found for item, found in arms.items() if len(found) != 1}
    assert not several, (
        f"These items saw another number of arms than one: {several}. The last was asked:\n"
        + "\n".join(
            _flat(request.body["messages"][-1])
            for request in requests
            if latest_item(request.body) == max(several)
        )
    )
    return {item: Row(min(arms[item]), *row) for item, row in sums.items()}


_USAGE = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)


def usage_of(item: int, arm: str | None, step: int, *, reading: bool = False) -> dict[str, int]:
    """Return token counts that no other item has; the treatment takes a ninth of the output.

    Output varies little within an arm, so that a few invocations are evidence enough.
    """
    output = 1 if reading else {None: 40, "control": 900, "treatment": 100}.get(arm, 700)
    return {
        "input_tokens": 100 + item,
        "output_tokens": output + item % 5,
        "cache_read_input_tokens": 3000 + 7 * item + 11 * step,
        "cache_creation_input_tokens": 2000 + 13 * item + 17 * step,
    }


def latest_item(body: Document) -> int | None:
    """Return the number of the item that was named last in the conversation."""
    found = _ITEM.findall(_flat(body.get("messages", ())))
    return int(found[-1]) if found else None


def arm_in_sight(body: Document, item: int) -> str | None:
    """Return the arm whose text the model has before it for this item.

    A command's or skill's text names the item; an agent's is the system prompt; a skill
    that an agent is given from the start comes without arguments.
    """
    told = _flat(body.get("messages", ()))
    found = set(re.findall(rf"\[arm (\w+): item-{item}\b", told))
    found = found or set(_BARE.findall(told)) or set(_AGENT.findall(_flat(body.get("system"))))
    assert len(found) <= 1, f"item-{item} came with {found}"
    return next(iter(found), None)


def _step(body: Document, item: int) -> int:
    """Count the model's own messages since the item was first named."""
    named = False
    count = 0
    for message in body["messages"]:
        if message["role"] == "assistant":
            count += named
        elif not named:
            named = re.search(rf"\bitem-{item}\b", _flat(message)) is not None
    return count


def _failures(request: Request) -> set[str]:
    """Return the calls of tools that the model knows to have failed."""
    return {
        block["tool_use_id"]
        for message in request.body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block.get("type") == "tool_result" and block.get("is_error") is True
    }


def _flat(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Live:
    """A running experiment on one prompt file, and the client that uses it."""

    client: Client
    kind: Kind
    root: Path
    experiment: str

    @property
    def file(self) -> Path:
        """Return the prompt file."""
        return self.root / self.kind.path

    def prompt(self, item: int) -> str:
        """Return what the user types to have an item worked on."""
        return self.kind.prompt.format(item=f"item-{item}")

    def work(
        self, endpoint: Endpoint, items: Iterable[int], directory: Path | None = None
    ) -> list[Document]:
        """Have items worked on in a session of its own; return the results."""
        self.hold_back()
        with self.client.session(endpoint, directory=directory) as session:
            results = [session.say(self.prompt(item)) for item in items]
            session.close()
        return results

    def hold_back(self) -> None:
        """Let the last run in the background be just now, however slow the machine is."""
        stamp = self.root / ".claude" / "meta" / "local" / "auto.stamp"
        if stamp.exists():
            os.utime(stamp)

    def meta(self, *arguments: str) -> Document:
        """Call the program as the user would in a shell; return its document."""
        return call(self.client, self.root, *arguments)

    def git(self, *arguments: str) -> str:
        """Run git in the root."""
        return git(self.root, *arguments)

    def changes(self) -> str:
        """Return what git sees as changed or new, but for the records that teams may commit."""
        records = ":!.claude/meta"
        return self.git("status", "--short", "--untracked-files=all", "--", ".", records)

    def trials(self) -> list[Document]:
        """Return all trials, oldest first."""
        return list(self.meta("trials", self.experiment, "--limit", "1000")["trials"])

    def rows(self) -> list[Row]:
        """Return what the trials say of arms and costs, in the order of the ledger's rows.

        A number that a trial lacks counts as -1, so that it equals nothing that was sent.
        """
        return sorted(row_of(trial) for trial in self.trials())


def row_of(trial: Document) -> Row:
    """Return what a trial says of its arm and its costs."""
    names = [name for name in Row.__slots__ if name != "variant"]
    return Row(trial["variant"], *(trial["metrics"].get(name, -1.0) for name in names))


def begin(
    client: Client, kind: Kind, *options: str, before: Mapping[str, str] | None = None
) -> Live:
    """Make root, prompt file and treatment, commit what can be, and start the experiment.

    `before` are further files of the root, by path.
    """
    client, root = _root(client, kind)
    files = {kind.path: kind.control, "treatment.md": kind.treatment, **(before or {})}
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode("utf-8"))
    (root / kind.path).chmod(MODE)
    if (root / ".git").exists():
        git(root, "config", "user.name", "Test")
        git(root, "config", "user.email", "test@example.com")
        git(root, "add", ".")
        git(root, "commit", "--quiet", "-m", "The project as it was")
    made = call(
        client, root,
        "create", "--file", f"{kind.path}=treatment.md", "--unit", kind.unit,
        "--primary-metric", "output_tokens", "--sample-size", "4", "--seed", "11",
        "--auto", "--start", *options,
    )  # fmt: skip
    return Live(client, kind, root, made["experiment_id"])


def call(client: Client, root: Path, *arguments: str) -> Document:
    """Call the program with `--json` in a root; a failure shows what it said."""
    place = ["--user"] if root == client.home else []
    done = subprocess.run(
        [str(PROGRAM), *arguments, *place, "--json"],
        cwd=root,
        env=surroundings(client),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    document: Document = json.loads(done.stdout)
    return document


def surroundings(client: Client) -> dict[str, str]:
    """Return the environment of the user's shell."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(client.home),
        "LANG": "C.UTF-8",
        "META_EXPERIMENT_PYTHON": sys.executable,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **client.environment,
    }


def _root(client: Client, kind: Kind) -> tuple[Client, Path]:
    if kind.place == "user":
        return client, client.home
    if kind.place == "project":
        return client, client.project
    root = client.folder / "tools"
    manifest: dict[str, Any] = {"name": "tools", "version": "1.0.0", "description": "Tools."}
    (root / ".claude-plugin").mkdir(parents=True)
    (root / ".claude-plugin" / "plugin.json").write_text(json.dumps(manifest))
    git(root, "init", "--quiet", "--initial-branch=main")
    return replace(client, plugins=(*client.plugins, root)), root
