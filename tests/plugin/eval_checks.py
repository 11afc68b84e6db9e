"""What holds of the cases of `evals/`: each check reads them and says what is wrong.

Cases are their documents by the path of their folder below `evals/`.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from tests.plugin.desk import ROOT

from meta_experiment.types.vocabulary import Skill, Stage

Cases = Mapping[str, Mapping[str, Any]]

EVALS = ROOT / "evals"
ASKED, NEAR = 3, 2
TAGS = {"triggers": "trigger", "stages": "behaviour", "pressure": "behaviour"}
KEYS = {"schema_version", "name", "tags", "context", "execution", "graders"}
EXECUTION = {"prompt", "allowed_tools", "max_turns"}
GRADERS = {
    "tool_used": {"tool", "input_match", "min", "max"},
    "tool_order": {"before", "after"},
    "file_exists": {"path", "exists"},
    "regex": {"pattern", "flags", "match", "target"},
}


def cases() -> dict[str, dict[str, Any]]:
    return {
        file.parent.relative_to(EVALS).as_posix(): yaml.safe_load(file.read_text("utf-8"))
        for file in sorted(EVALS.rglob("case.yaml"))
    }


def complete(found: Cases) -> Iterator[str]:
    """Each skill is asked for and nearly asked for, each stage has its two cases."""
    wanted = {
        f"triggers/{skill.value}/{kind}-{number + 1}"
        for skill in Skill
        for kind, often in (("asked", ASKED), ("near", NEAR))
        for number in range(often)
    }
    kinds = ("entry", "redirect")
    wanted |= {f"stages/{stage.value}-{kind}" for stage in Stage for kind in kinds}
    there = {path for path in found if path.startswith(("triggers/", "stages/"))}
    yield from (f"{path}: missing" for path in wanted - there)
    yield from (f"{path}: of no skill or stage" for path in there - wanted)


def well_formed(found: Cases) -> Iterator[str]:
    """The client passes over words that it does not know; none stands here."""
    for path, case in found.items():
        unknown = {*case} - KEYS | {*case["execution"]} - EXECUTION
        unknown |= {*case.get("context", {})} - {"scaffold_script"}
        for grader in case["graders"]:
            unknown |= {*grader} - {"name", "type"} - GRADERS[grader["type"]]
        yield from (f"{path}: {word} is not read" for word in unknown)
        name = path.removeprefix("triggers/").replace("/", "-") if "triggers" in path else ""
        if case["name"] != (name or path.rpartition("/")[2]):
            yield f"{path}: called {case['name']}"
        if case["tags"] != [TAGS.get(path.partition("/")[0], "behaviour")]:
            yield f"{path}: tagged {case['tags']}"


def told_apart(found: Cases) -> Iterator[str]:
    """No two cases have a name or a prompt in common."""
    for word in ("name", "prompt"):
        often = Counter(case.get(word) or case["execution"][word] for case in found.values())
        yield from (f"{text}: of {times} cases" for text, times in often.items() if times > 1)


def sound_graders(found: Cases) -> Iterator[str]:
    """Never is said in full; a call whose answer matters has words of it in the trace."""
    for path, case in found.items():
        names = [grader["name"] for grader in case["graders"]]
        if "triggers" in path and names not in (["fired", "no sibling"], ["silent"]):
            yield f"{path}: graders {names}"
        if "triggers" not in path and names[0] != "loaded":
            yield f"{path}: no grader tells whether the skill was loaded"
        for grader in case["graders"]:
            if grader.get("max") == 0 and grader.get("min") != 0:
                yield f"{path}: {grader['name']} can never pass"
            pattern = grader.get("input_match") or grader.get("pattern")
            if pattern and grader.get("target") == "trace":
                told = [text for text in skill_texts() if re.search(pattern, json.dumps(text))]
                if told or re.search(pattern, json.dumps(case["execution"]["prompt"])):
                    yield f"{path}: {grader['name']} is found in what is read, too"


def skill_texts() -> list[str]:
    return [file.read_text("utf-8") for file in (ROOT / "skills").rglob("*.md")]


def skilled(found: Cases) -> Iterator[str]:
    """Skills that graders name are those that there are; a trigger's is its own."""
    for path, case in found.items():
        loaded = [it["input_match"] for it in case["graders"] if it.get("tool") == "Skill"]
        for pattern in loaded:
            fits = [
                it.value for it in Skill if re.search(pattern, f"meta-experiment:{it.value}")
            ]
            if not fits:
                yield f"{path}: {pattern} is no skill"
        if "/asked-" in path:
            _, skill, _ = path.split("/")
            if loaded != [f"meta-experiment:{skill}", f"meta-experiment:(?!{skill})"]:
                yield f"{path}: asks for {loaded}"
