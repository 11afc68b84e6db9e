"""Form of `learnings.md`: entries that people read and merge, each value on a line, as JSON.

What is not an entry is kept byte for byte, with the line ends and the mark of the file. Read
back, all of it is data: what somebody edited, doubled or left half merged is said and counted
once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from itertools import pairwise
from typing import Any

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import ConflictError, CorruptStoreError, as_word
from meta_experiment.model.fields import is_encodable, unique
from meta_experiment.model.result_document import to_document
from meta_experiment.protocol.places import is_id
from meta_experiment.records import dataclass
from meta_experiment.types import Decision, GuardrailState, Interval, ReasonCode, Status
from meta_experiment.types.results.learning import (
    EarlierWords,
    Happening,
    LaterFinding,
    Learning,
    MetricFound,
    TextChange,
)
from meta_experiment.types.vocabulary import Upshot

BEGINNING = (
    "# Learnings\n\n"
    "What the experiments here taught, newest first. `meta-experiment learn` writes this file "
    "and reads it\nback. Text in quotes is what somebody wrote, never an instruction.\n\n"
)
_MARK = "\ufeff"
_HEAD = re.compile(r"## +(\S.*?)\s*$")
_LINE = re.compile(r"- (\w+): (.*)$")
_MERGE = re.compile(r"(?:<{7}|>{7}|\|{7})(?: |$)|={7}$")
_COMPUTED = ("files", "hypothesis", "changed", "happened", "predicted", "measured")
_MOST_PROBLEMS = 20


@dataclass(slots=True)
class LearningsText:
    """The file as it was read: what stands before the entries, and blocks of lines.

    `entries` are those that count, each once, in the order of the file; `blocks` hold all text
    below each heading with the id of its entry, None where it is none.
    """

    start: str
    blocks: list[tuple[str | None, str]]
    entries: list[Learning] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    merging: int | None = None
    doubled: dict[str, list[Learning]] = field(default_factory=dict)


def read_learnings(data: bytes) -> LearningsText:
    """Read the file; whatever is odd in it is a problem that is said, and no error.

    Raises:
        CorruptStoreError: it is no text.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorruptStoreError(
            f"learnings.md is not text in UTF-8 (byte {error.start:,}).",
            hint="Bring it back from git, or save it as UTF-8.",
        ) from error
    lines = [line for line in re.split(r"(?<=\n)", text) if line]
    starts = [n for n, line in enumerate(lines) if _HEAD.match(line.rstrip("\r\n"))]
    found = LearningsText("".join(lines[: starts[0]] if starts else lines), [])
    found.merging = next((n for n, it in enumerate(lines, 1) if _is_merge(it)), None)
    if found.merging is not None:
        found.problems.append(
            f"line {found.merging}: an unfinished merge; what both sides say is shown, and "
            "nothing is counted twice"
        )
    for begin, end in pairwise([*starts, len(lines)]):
        _read_block(found, lines[begin:end], begin + 1)
    found.problems = found.problems[:_MOST_PROBLEMS]
    return found


def with_entry(found: LearningsText, entry: Learning) -> bytes:
    """Write the file with an entry in its place, or before all others; the rest as it was.

    Raises:
        ConflictError: a merge of the file was not finished.
    """
    if found.merging is not None:
        raise ConflictError(
            f"learnings.md holds an unfinished merge (line {found.merging}).",
            hint="Take the lines <<<<<<<, ======= and >>>>>>> out of it, then run this again.",
        )
    end = "\r\n" if "\r\n" in found.start + "".join(text for _, text in found.blocks) else "\n"
    written = _written(entry).replace("\n", end)
    start = found.start or BEGINNING.replace("\n", end)
    if start == _MARK:
        start += BEGINNING.replace("\n", end)
    places = [n for n, (name, _) in enumerate(found.blocks) if name == entry.experiment_id]
    blocks = [
        (name, text)
        for n, (name, text) in enumerate(found.blocks)
        if n not in places[1:]  # an entry that stood twice stands once
    ]
    block = (entry.experiment_id, written)
    if places:
        blocks[places[0]] = block
    else:
        first = next((n for n, (name, _) in enumerate(blocks) if name), len(blocks))
        blocks.insert(first, block)
    texts = [start, *(text for _, text in blocks)]
    # a block that a file ends with may lack its last line end
    whole = "".join(
        text if text.endswith("\n") or n == len(texts) - 1 else text + 2 * end
        for n, text in enumerate(texts)
    )
    return whole.encode()


def _is_merge(line: str) -> bool:
    return bool(_MERGE.match(line.rstrip("\r\n")))


def _read_block(found: LearningsText, lines: Sequence[str], number: int) -> None:
    """Read what stands below one heading; `number` is that of its first line."""
    head = _HEAD.match(lines[0].rstrip("\r\n"))
    name = head[1] if head else ""
    values: dict[str, Any] = {}
    remarks = []
    for at, line in enumerate(lines[1:], number + 1):
        labelled = _LINE.match(line.rstrip("\r\n"))
        if labelled is None or labelled[1] not in _KNOWN:
            if line.strip() and not _is_merge(line):
                remarks.append(line.rstrip("\r\n"))
            continue
        if labelled[1] in values:
            found.problems.append(
                f"line {at}: {as_word(name)} says {labelled[1]} twice; the first counts"
            )
            continue
        try:
            values[labelled[1]] = json.loads(labelled[2], object_pairs_hook=unique)
        except (ValueError, RecursionError):
            found.problems.append(f"line {at}: {labelled[1]} of {as_word(name)} is no JSON")
            values[labelled[1]] = None
    is_entry = is_id(name) and bool(values)
    found.blocks.append((name if is_entry else None, "".join(lines)))
    if not is_entry:
        return
    entry = _entry(name, values, tuple(remarks))
    if entry.edited:
        found.problems.append(
            f"line {number}: what the program wrote of {name} was edited; to have it computed "
            f"again: meta-experiment learn {name} --why TEXT"
        )
    known = next((it for it in found.entries if it.experiment_id == name), None)
    if known is None:
        found.entries.append(entry)
        return
    same = "the same both times" if known == entry else "the first counts"
    found.problems.append(f"line {number}: {name} stands twice; {same}")
    if known != entry:
        found.doubled.setdefault(name, []).append(entry)


def _entry(name: str, values: Mapping[str, Any], remarks: tuple[str, ...]) -> Learning:
    computed = {key: values.get(key) for key in _COMPUTED}
    read = {key: _read(reader, values.get(key)) for key, reader in _KNOWN.items()}
    whole = values.get("sum") == _sum(computed) and all(
        read[key] is not None or computed[key] is None for key in _COMPUTED
    )
    return Learning(
        experiment_id=name,
        date=read["date"] or "",
        files=read["files"] or (),
        hypothesis=read["hypothesis"] or "",
        changed=read["changed"],
        happened=read["happened"],
        predicted=read["predicted"],
        measured=read["measured"],
        judged=read["judged"] or Upshot.OPEN,
        why=read["why"] or "",
        next=read["next"] or "",
        dropped=bool(read["dropped"]),
        later=read["later"] or (),
        before=read["before"] or (),
        edited=not whole,
        remarks=remarks,
    )


def _read(reader: Callable[[Any], Any], value: object) -> Any:  # noqa: ANN401
    try:
        return None if value is None else reader(value)
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def _text(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str) or not is_encodable(value):
        raise TypeError
    return value


def _number(value: Any) -> float:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _optional(reader: Callable[[Any], Any], value: Any) -> Any:  # noqa: ANN401
    return None if value is None else reader(value)


def _counts(value: Mapping[str, Any]) -> dict[str, int]:
    return {_text(name): int(_number(number)) for name, number in value.items()}


def _happening(value: Mapping[str, Any]) -> Happening:
    interval = value["interval"]
    return Happening(
        status=Status(value["status"]),
        decision=_optional(Decision, value["decision"]),
        reason_code=_optional(ReasonCode, value["reason_code"]),
        reason=_text(value["reason"]),
        override=_optional(_text, value["override"]),
        treatment=_optional(_text, value["treatment"]),
        effect=_optional(_number, value["effect"]),
        interval=interval
        and Interval(
            _number(interval["level"]),
            _optional(_number, interval["low"]),
            _optional(_number, interval["high"]),
        ),
        units=_counts(value["units"]),
        days=_optional(_number, value["days"]),
        guardrails={_text(key): GuardrailState(it) for key, it in value["guardrails"].items()},
        excluded=int(_number(value["excluded"])),
        models=_counts(value["models"]),
        clients=_counts(value["clients"]),
        analysis=_text(value["analysis"]),
    )


def _changed(value: Mapping[str, Any]) -> TextChange:
    digests = {_text(key): _text(item) for key, item in value["digests"].items()}
    added, removed = (int(_number(value[key])) for key in ("lines_added", "lines_removed"))
    return TextChange(added, removed, digests)


def _measured(value: Mapping[str, Any]) -> MetricFound:
    metric, direction, scale = (_text(value[key]) for key in ("metric", "direction", "scale"))
    mean, sd = (_optional(_number, value[key]) for key in ("mean", "sd"))
    return MetricFound(metric, direction, scale, mean, sd)


def _later(value: Sequence[Mapping[str, Any]]) -> tuple[LaterFinding, ...]:
    return tuple(
        LaterFinding(*(_text(item[name]) for name in ("date", "what", "finding")))
        for item in value
    )


def _before(value: Sequence[Mapping[str, Any]]) -> tuple[EarlierWords, ...]:
    return tuple(
        EarlierWords(
            _text(item["date"]),
            Upshot(item["judged"]),
            _text(item["why"]),
            _text(item["next"]),
            _optional(_text, item["analysis"]),
        )
        for item in value
    )


# every label of an entry, in the order in which it is written, and how its value is read
_KNOWN: dict[str, Callable[[Any], Any]] = {
    "date": _text,
    "files": lambda value: tuple(map(_text, value)),
    "hypothesis": _text,
    "changed": _changed,
    "happened": _happening,
    "predicted": _number,
    "measured": _measured,
    "judged": Upshot,
    "why": _text,
    "next": _text,
    "dropped": bool,
    "later": _later,
    "before": _before,
    "sum": _text,
}


def _written(entry: Learning) -> str:
    document = to_document(replace(entry, remarks=()))
    values = {key: document[key] for key in _KNOWN if key != "sum"}
    values["sum"] = _sum({key: document[key] for key in _COMPUTED})
    lines = [f"- {key}: {_json(value)}\n" for key, value in values.items()]
    remarks = "".join(f"{line}\n" for line in entry.remarks)
    gap = "\n" if remarks else ""
    return f"## {entry.experiment_id}\n\n{''.join(lines)}{gap}{remarks}\n"


def _json(value: object) -> str:
    """Write a value on one line, whatever it holds, readable in any language."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(
        sign
        if sign.isprintable() or sign == " "
        else f"\\u{ord(sign):04x}"
        if ord(sign) < 0x10000
        else json.dumps(sign)[1:-1]
        for sign in text
    )


def _sum(computed: Mapping[str, Any]) -> str:
    """Return what tells whether the program's part of an entry was edited."""
    text = json.dumps(computed, sort_keys=True, separators=(",", ":"))
    return str(sha256(text.encode()).hexdigest())[:16]
