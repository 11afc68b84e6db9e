"""What the real client reads at the head of prompt files, as a table that a test can hold.

    python -m tests.client.reading        tries every case anew and writes the table

`client_reading.json` holds texts and what the client of one version made of them: for agents
name, description, tools and model, or null for one that it did not load; for commands and
skills whether a user may type them, what the model is told of them, the model that they ask
for, the text below the head, and whether `allowed-tools` let a command run.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.client.endpoint import Answer, Document, Endpoint, ToolCall
from tests.client.harness import Client
from tests.client.installed import find_client

TABLE = Path(__file__).parents[1] / "prompts" / "client_reading.json"
FORMS = {
    "agents": ".claude/agents/{}.md",
    "unfollowed": ".claude/agents/{}.md",
    "commands": ".claude/commands/{}.md",
    "skills": ".claude/skills/{}/SKILL.md",
}
_OWN = {"claude", "Explore", "general-purpose", "Plan", "statusline-setup"}
_AT_ONCE, _IN_ALL = 15, 150  # agents in one message, and in one session
_LISTED = "Available agent types for the Agent tool:"
_BEHIND = "\n\nMessages from the agent that launched you"
_TOOLS = re.compile(r" \(Tools: ([^\n]*)\)\Z")


def table() -> dict[str, Any]:
    """Return the table as it is stored."""
    return dict(json.loads(TABLE.read_text("utf-8")))


def encoded(text: str) -> bytes:
    """Return the bytes of a case; a lone surrogate stands for a byte that is no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def write_cases(client: Client, form: str, texts: Mapping[str, bytes]) -> None:
    """Put the cases where the client finds them."""
    for case, data in texts.items():
        file = client.project / form.format(case)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def read_agents(client: Client, texts: Mapping[str, bytes]) -> dict[str, Document | None]:
    """Say what the client made of each agent, whose text must say `[case NAME]`."""
    write_cases(client, FORMS["agents"], texts)
    with Endpoint([Answer("ok", lasting=True)]) as endpoint:
        run = client.ask(endpoint, "hello")
    names = [name for name in run.opening["agents"] if name not in _OWN]
    listed = _listed(run.opening["agents"], next(filter(_lists, run.turns[0].texts())))
    found: dict[str, Document | None] = dict.fromkeys(texts)
    for name, model, text in _worked(client, names):
        marked = re.search(r"\[case ([^\]]+)\]", text)
        words = listed[name]
        tools = _TOOLS.search(words)
        found[marked[1] if marked else name] = {
            "name": name,
            "description": words[: tools.start()] if tools else words,
            "tools": tools[1] if tools else "",
            "model": model,
            "text": text,
        }
    return found


def read_prompts(client: Client, form: str, texts: Mapping[str, bytes]) -> dict[str, Document]:
    """Say what the client made of each command or skill; a text may `touch made-NAME`."""
    write_cases(client, form, texts)
    found: dict[str, Document] = {}
    with (
        Endpoint([Answer("ok", lasting=True)]) as endpoint,
        client.session(endpoint) as session,
    ):
        session.say("hello")
        for case in texts:
            known = len(endpoint.turns)
            session.say(f"/{case} one two")
            found[case] = _expanded(endpoint.turns[known:])
        run = session.close()
    listing = "\n".join(run.turns[0].texts())
    for case, read in found.items():
        line = re.search(rf"(?m)^- {re.escape(case)}(?: \([^)]*\))?: (.*)$", listing)
        read["typed"] = case in run.opening["slash_commands"]
        read["told"] = line[1] if line else None
        read["made"] = (client.project / f"made-{case}").exists()
    return found


def _lists(text: str) -> bool:
    return _LISTED in text


def _listed(names: list[str], text: str) -> dict[str, str]:
    """Return the words by which the model is told of each agent."""
    text = text[text.index(_LISTED) :].partition("\n\nWhen you launch multiple agents")[0]
    starts = sorted((text.index(f"\n- {name}: "), name) for name in names)
    ends = [*(start for start, _ in starts[1:]), len(text)]
    return {
        name: text[start + len(f"\n- {name}: ") : end]
        for (start, name), end in zip(starts, ends, strict=True)
    }


def _worked(client: Client, names: list[str]) -> Iterator[tuple[str, str | None, str]]:
    """Start every agent; yield its name, the model it asked for and its own text."""
    for start in range(0, len(names), _IN_ALL):
        some = names[start : start + _IN_ALL]
        groups = iter([some[at : at + _AT_ONCE] for at in range(0, len(some), _AT_ONCE)])

        def respond(body: Document, groups: Iterator[list[str]] = groups) -> Answer:
            group = None if _is_agents(body) else next(groups, None)
            return Answer("go", tools=list(map(_call, group))) if group else Answer("ok")

        with Endpoint(respond=respond) as endpoint:
            run = client.ask(endpoint, "hello")
        seen = {}
        for turn in run.turns:
            asked = re.search(r"begin «(.*?)»", "\n".join(turn.texts("user")), re.DOTALL)
            if asked and _is_agents(turn.body):
                text = turn.body["system"][2]["text"].partition(_BEHIND[2:])[0].strip()
                seen[asked[1]] = (str(turn.body["model"]), text)
        for name in some:  # one without any tool that there is never gets to ask
            yield name, *seen.get(name, (None, ""))


def _call(name: str) -> ToolCall:
    words = {"prompt": f"begin «{name}»", "description": "d", "run_in_background": False}
    return ToolCall("Agent", {"subagent_type": name, **words})


def _is_agents(body: Document) -> bool:
    return "cc_is_subagent" in json.dumps(body.get("system", ""))[:400]


def _expanded(turns: list[Any]) -> Document:
    """Return the model that a prompt asked for and the text that it became."""
    if not turns:
        return {"model": None, "text": None}
    texts = turns[-1].texts("user")
    at = max((n for n, text in enumerate(texts) if "<command-name>" in text), default=None)
    told = None if at is None else texts[at + 1]
    return {"model": turns[-1].body["model"], "text": told}


def try_all(folder: Path, stored: Mapping[str, Any], binary: Path) -> dict[str, Any]:
    """Try every case of a table in a client."""
    tried: dict[str, Any] = {"client": ""}
    for group, form in FORMS.items():
        client = Client(
            binary, folder / group, (), {"CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS": "1000"}
        )
        texts = {case: encoded(row["text"]) for case, row in stored[group].items()}
        read: Mapping[str, Document | None] = (
            read_agents(client, texts)
            if "agents" in form
            else read_prompts(client, form, texts)
        )
        tried[group] = {
            case: {"text": row["text"], "read": _portable(read[case], client)}
            for case, row in stored[group].items()
        }
    tried["client"] = client.run_program("--version").stdout.split()[0]
    return tried


def _portable(read: Document | None, client: Client) -> Document | None:
    """Take the place of this run out of what was read."""
    text = json.dumps(read).replace(json.dumps(str(client.project))[1:-1], "PROJECT")
    found: Document | None = json.loads(text)
    return found


def _written(document: Mapping[str, Any]) -> str:
    """Write a table with one case a line."""
    groups = [f' "client": {json.dumps(document["client"])}']
    for group in FORMS:
        rows = [
            f"  {json.dumps(case)}: {json.dumps(row)}" for case, row in document[group].items()
        ]
        groups.append(f' "{group}": {{\n' + ",\n".join(rows) + "\n }")
    return "{\n" + ",\n".join(groups) + "\n}\n"


if __name__ == "__main__":
    installed = find_client(os.environ)
    if installed is None:
        sys.exit("No client is installed; .ci/run installs one.")
    with tempfile.TemporaryDirectory() as directory:
        document = try_all(Path(directory), table(), installed)
    TABLE.write_text(_written(document), "utf-8")
    sys.stdout.write(f"{TABLE}: client {document['client']}\n")
