"""Receipt: whether the text of a variant, and of no other, was put before the model.

Texts are compared line by line, as arguments are put in their place and the head of a file is
never shown as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from meta_experiment.prompts.frontmatter import cut, read_frontmatter
from meta_experiment.runs.agents.agent import Texts

# what the client puts something else in the place of
_SUBSTITUTED = re.compile(r"\$ARGUMENTS(?:\[\d+\])?|\$\d+|\$\{\w+\}|\$[A-Za-z_]\w*|!`[^`]*`")
_SUBSTITUTE = 2_000  # characters of what a command or a variable may come to
_SHORTEST = 3  # characters of a line that tells anything
_SHOWN = ("description", "when_to_use")  # of a head, in the list of what there is
_LISTED = "- "  # begins a line of that list
_SET = ("model", "effort")  # of a head, by what the model was asked


def received(
    own: Texts,
    others: Sequence[Texts],
    shown: Iterable[str],
    asked_for: Mapping[str, Sequence[str]],
    longest: int = 0,
) -> bool:
    """Tell whether what only this variant says was shown, and nothing that only others say.

    Args:
        own: its texts, by path.
        others: those of the other variants.
        shown: what was put before the model.
        asked_for: the models and efforts that requests named.
        longest: how many characters may stand in the place of `$ARGUMENTS`.

    A variant that only leaves something out is received where any of its lines was shown; one
    that only names another model or effort where a request did.
    """
    texts = tuple(shown)
    seen = {line.strip() for text in texts for line in text.splitlines()}
    listed = [line for line in seen if line.startswith(_LISTED)]

    def was_given(line: _PromptLine) -> bool:
        if line.listed and any(item.endswith(line.text) for item in listed):
            return True
        if not _SUBSTITUTED.search(line.text):
            return line.text in seen
        pattern = _pattern(line.text, longest)
        return any(pattern.search(text) for text in texts)

    mine, theirs = _lines_of(own), set[_PromptLine]().union(*map(_lines_of, others))
    if any(map(was_given, theirs - mine)):
        return False
    telling = mine - theirs
    if telling or theirs - mine:
        return any(map(was_given, telling or mine))
    settings = _settings_of(own) - set().union(*map(_settings_of, others))
    if settings:
        return all(any(value in told for told in asked_for[key]) for key, value in settings)
    return any(map(was_given, mine))


class _PromptLine(NamedTuple):
    """A line of a text; `listed` where the client shows it in a list of what there is."""

    text: str
    listed: bool


def _lines_of(texts: Texts) -> set[_PromptLine]:
    return {
        line
        for data in texts.values()
        for line in (*_body_lines(data), *_shown(data))
        if len(_SUBSTITUTED.sub("", line.text).strip()) >= _SHORTEST
    }


def _pattern(line: str, longest: int) -> re.Pattern[str]:
    """Return what a line looks like once something stands in its places."""
    parts = [re.escape(part) for part in _SUBSTITUTED.split(line)]
    between = rf"[\s\S]{{0,{max(longest, _SUBSTITUTE)}}}?"
    return re.compile(rf"^[^\S\n]*{between.join(parts)}[^\S\n]*$", re.MULTILINE)


def _body_lines(data: bytes) -> Iterator[_PromptLine]:
    _, body = cut(data)
    for line in body.decode("utf-8", "replace").splitlines():
        yield _PromptLine(line.strip(), listed=False)


def _shown(data: bytes) -> Iterator[_PromptLine]:
    fields = read_frontmatter(data).fields
    for name in _SHOWN:
        if isinstance(fields.get(name), str):
            for line in fields[name].splitlines():
                yield _PromptLine(line.strip(), listed=True)


def _settings_of(texts: Texts) -> set[tuple[str, str]]:
    return {
        (name, str(fields[name]))
        for fields in (read_frontmatter(data).fields for data in texts.values())
        for name in _SET
        if fields.get(name) not in (None, "", "inherit")
    }
