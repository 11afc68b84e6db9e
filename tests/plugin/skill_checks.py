"""What holds of the skills of the pack: each check reads their texts and says what is wrong.

A pack is its texts by their path below `skills/`.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from skills_ref import validate
from tests.plugin.desk import ROOT

from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import group
from meta_experiment.decide.telling.stages import STAGES
from meta_experiment.model.metrics import describe
from meta_experiment.types import Decision, ReasonCode
from meta_experiment.types.vocabulary import Skill

Pack = Mapping[str, str]

LEGAL = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
LONGEST_DESCRIPTION = 185  # characters, of which all seven stay whole in a small model's list
CODES = "evidence-analysis/references/reason-codes.md"
METRICS = "measurement-design/references/metrics.md"
CALLED = dict(commands(group))
_LINK = re.compile(r"\]\(([^)#]+)\)")
_PLACE = re.compile(r"^[a-z]+(?: [a-z]+)? (?:ID|FILE|PATH|NAME|--[a-z]|\[)")
_FIGURE = re.compile(
    r"\d+(?:\.\d+)? ?%|\d+\.\d+|\b\d{2,}\b|\b\d+ (?:units|sessions|uses|days)\b"
)


def pack() -> dict[str, str]:
    folder = ROOT / "skills"
    return {
        file.relative_to(folder).as_posix(): file.read_text("utf-8")
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def skills(texts: Pack) -> dict[str, str]:
    end = "/SKILL.md"
    return {path.removesuffix(end): text for path, text in texts.items() if path.endswith(end)}


def parts(text: str) -> tuple[dict[str, str], str]:
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


def rows(text: str, columns: int) -> Iterator[tuple[str, list[str]]]:
    """Yield each name in the first column of a table of so many columns, with the others."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == columns:
            for name in re.findall(r"`([^`]+)`", cells[0]):
                yield name, cells[1:]


def described(texts: Pack) -> Iterator[str]:
    """Heads obey the specification, and their descriptions survive a short list."""
    for name, text in skills(texts).items():
        front, _ = parts(text)
        length = len(front["description"])
        if length > LONGEST_DESCRIPTION:
            yield f"{name}: description of {length} characters"
        if front["name"] != name or not re.fullmatch(r"[a-z]+(-[a-z]+)*", name):
            yield f"{name}: called {front['name']}"
        if not front.keys() <= LEGAL:
            yield f"{name}: fields {front.keys() - LEGAL}"


def specified(texts: Pack) -> Iterator[str]:
    """What `agentskills validate` of the specification says of each skill."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in texts.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        for name in skills(texts):
            yield from (f"{name}: {fault}" for fault in validate(Path(folder, name)))


def sized(texts: Pack) -> Iterator[str]:
    """A body is a page, a reference not much more."""
    for path, text in texts.items():
        if path.endswith("SKILL.md"):
            body = parts(text)[1]
            words = [word for word in body.split() if word not in ("|", "---")]
            if len(body.splitlines()) > 60 or len(words) > 450:
                yield f"{path}: {len(words)} words"
        elif len(text.splitlines()) > 90:
            yield f"{path}: {len(text.splitlines())} lines"


def linked(texts: Pack) -> Iterator[str]:
    """Every reference is reached from the body of its own skill, and nothing else is linked."""
    for name, text in skills(texts).items():
        named = {f"{name}/{target}" for target in _LINK.findall(text)}
        there = {path for path in texts if path.startswith(f"{name}/")} - {f"{name}/SKILL.md"}
        yield from (f"{path}: not reached" for path in there - named)
        yield from (f"{name}: leads to {path}" for path in named - there)
    for path, text in texts.items():
        if not path.endswith("SKILL.md") and _LINK.findall(text):
            yield f"{path}: leads on"


def spoken(texts: Pack) -> Iterator[str]:
    """Calls in the texts begin with a verb there is, and their flags are that verb's."""
    for path, text in texts.items():
        for call in calls(parts(text)[1] if path.endswith("SKILL.md") else text):
            verb = verb_of(call)
            if verb is None:
                yield f"{path}: no verb in {call}"
                continue
            known = {"--help", "--json"}
            for parameter in CALLED[verb].params:
                known |= {*parameter.opts, *parameter.secondary_opts}
            for flag in set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", call)) - known:
                yield f"{path}: {verb} has no {flag}"
        for flag in set(re.findall(r"`(--[a-z][a-z-]*)", text)) - every_flag():
            yield f"{path}: nothing has {flag}"


def calls(text: str) -> Iterator[str]:
    blocks = re.findall(r"^ {4,}(meta-experiment (?:.*\\\n)*.*)", text, re.MULTILINE)
    for span in [*re.findall(r"`([^`\n]+)`", text), *blocks]:
        said = span.partition(" 2>&1")[0].removeprefix("/")
        bare = said.removeprefix("meta-experiment ").removeprefix("meta_experiment ")
        if bare != said or _PLACE.match(bare):
            yield bare


def verb_of(call: str) -> str | None:
    words = call.split()
    return next((verb for verb in (" ".join(words[:2]), words[0]) if verb in CALLED), None)


def every_flag() -> set[str]:
    return {"--help", "--json"} | {
        option
        for command in CALLED.values()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


def numberless(texts: Pack) -> Iterator[str]:
    """No figure stands in a text that could be taken for a result; flags may have values."""
    for path, text in texts.items():
        body = parts(text)[1] if path.endswith("SKILL.md") else text
        plain = re.sub(r"`[^`\n]+`|--[a-z-]+ \S+|^\d+\. ", "", body, flags=re.MULTILINE)
        yield from (f"{path}: {figure}" for figure in _FIGURE.findall(plain))


def staged(texts: Pack) -> Iterator[str]:
    """The skills are those that the board names, and the guide knows every stage and skill."""
    there = set(skills(texts))
    yield from (f"{name}: no such skill" for name in {it.value for it in Skill} - there)
    yield from (f"{name}: named by no board" for name in there - {it.value for it in Skill})
    guide = skills(texts).get("experiment-guide", "")
    table = dict(re.findall(r"^\| ([a-z]+) \| (.+) \|$", guide, re.MULTILINE))
    for stage, (skill, _) in STAGES.items():
        if not table.get(stage.value, "").startswith((skill.value, "this one")):
            yield f"guide: {stage.value} is not for {skill.value}"
    named = set(re.findall(r"[a-z]+-[a-z]+", " ".join(table.values()))) | {"experiment-guide"}
    yield from (f"guide: {name}" for name in named ^ {it.value for it in Skill})


def handed_over(texts: Pack) -> Iterator[str]:
    """Each ends with whom it hands over to, and what."""
    for name, text in skills(texts).items():
        _, *ends = text.split("\n## Hand over\n")
        if len(ends) != 1 or "\n## " in ends[0]:
            yield f"{name}: {len(ends)} hand-overs"
        elif not any(other in ends[0] for other in set(skills(texts)) - {name}):
            yield f"{name}: hands over to nobody"


def shared(texts: Pack) -> Iterator[str]:
    """What holds for all is said by all in the same words: of data, the board and the rules."""
    said = {}
    for name, text in skills(texts).items():
        front, body = parts(text)
        opening = body.split("\n\n")[1:4]  # after the title
        rules = re.search(r"\n## Always\n.*?(?=\n## )", body, re.DOTALL)
        said[name] = (opening, rules and rules[0], front.get("allowed-tools"))
        if not rules or not opening[1].startswith("!`meta-experiment status 2>&1 || echo "):
            yield f"{name}: no board or no rules"
    most = list(said.values())
    usual = max(most, key=most.count)
    yield from (f"{name}: in words of its own" for name, own in said.items() if own != usual)


def worded(texts: Pack) -> Iterator[str]:
    """Each reason code has one row: what it says, how to word it, what to do; no other has."""
    found = list(rows(texts.get(CODES, ""), 4))
    names = [name for name, _ in found]
    for code in ReasonCode:
        if names.count(code.value) != 1:
            yield f"{code.value}: {names.count(code.value)} rows"
    known = {it.value for it in ReasonCode}
    yield from (f"{name}: no such code" for name in set(names) - known)
    for name, (meaning, wording, step) in found:
        if not (meaning.endswith(".") and step.endswith(".") and wording):
            yield f"{name}: not said in full"


def decided(texts: Pack) -> Iterator[str]:
    """What each decision means is said where results are read."""
    text = texts["evidence-analysis/SKILL.md"]
    for decision in Decision:
        if not re.search(rf"^\| {decision.value} \|", text, re.MULTILINE):
            yield decision.value


def measured(texts: Pack) -> Iterator[str]:
    """Direction and scale of known metrics are those that the program takes for the name."""
    table = dict(rows(texts[METRICS], 4))
    if len(table) < 8:
        yield f"{len(table)} metrics"
    for name, (_, direction, scale) in table.items():
        metric = describe(name)
        if (metric.direction.value, metric.scale.value) != (direction, scale):
            yield f"{name}: {direction}, {scale}"
