"""Hypothesis, read for its parts: a change, a number, a direction, a reason, a size.

Words are looked for, nothing is understood, so that what is said of it is advice. Of a text
that is not English nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from meta_experiment.types import Metric
from meta_experiment.types.vocabulary import Lack, Vagueness

# beginnings of words by which people speak of a metric, by parts of the metric's name
_SPOKEN: dict[str, str] = {
    "seconds": "time second minute hour duration fast slow quick speed latency long wait took",
    "tokens": "token length long short verbose terse wordy brief concise context text output",
    "cost": "cost cheap expensive price dollar usd money spend spent bill",
    "turns": "turn follow question ask back round message",
    "tool": "tool call",
    "errors": "error fail mistake break broken crash",
    "error": "error fail mistake break broken crash",
    "files": "file touch",
    "lines": "line diff",
    "issues": "issue bug finding defect problem catch caught find",
    "false": "false alarm wrong noise",
    "success": "succe work pass right correct solve done",
    "tests": "test pass",
    "lint": "lint clean style",
    "pass": "pass succe correct",
    "score": "score quality good better",
    "rating": "rating rate quality satisf good better like clear",
    "user": "satisf like happy rating",
    "preference": "prefer better like",
    "share": "share agent delegat",
}
_DIRECTIONS = (
    "low fewe less reduc decreas drop cut short fast slow quick cheap rais high more increas "
    "improv better worse ris grow grew sav halv doubl triple shrink lengthen speed down up "
    "prevent avoid catch caught minim maxim gain lose long brief terse concise"
)
_REASON = re.compile(
    r"\b(because|since|due to|owing to|thanks to|so that|therefore|thus|hence|which|whose|"
    r"reason|why|by \w+ing|without|as (?:it|they|the|a|an|no|each|every|nothing|nobody|one)|"
    r"so (?:it|they|the))\b"
)
_SIZE = re.compile(
    r"\d(?:[\d.,]*)\s*(?:%|percent\b|per cent\b|points?\b|x\b|times\b|-?fold\b|s\b|sec|min|"
    r"hour|token|turn|call|usd\b|cents?\b|error|issue|line|file|question)|[$€]\s*\d|"
    r"\bfrom\s+\d.*\bto\s+\d|\bby\s+\d|"
    r"\b(half|halv\w*|twice|doubl\w*|tripl\w*|thirds?|quarters?|fifths?|tenths?|twofold|"
    r"one in \w+)\b"
)
_PER_CENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|percent\b|per cent\b)")
_CHANGES = (
    "shorten remov drop add split replac ask tell run mov merg rewrit reword renam reorder "
    "translat cut delet insert introduc switch forbid requir instruct simplif parallel us giv"
)
_BUNDLE = re.compile(r"\b(bundl\w*|together|as one|at once|in one)\b")
_FILLER = (
    "a an the this that these those it its is are be been being was were will would should "
    "can could may might must do does did has have had of in on at to for from with by and or "
    "but not no than then as so if when while we i you they our my your their new old version "
    "text prompt prompts command commands skill skills file variant treatment control change "
    "changed changes make makes made get gets let lets lead leads result results thing things "
    "something everything much very really just some any all about think believe expect hope "
    "here there take takes less more"
)
_ENGLISH = "the is are of to and with by it because this that from for be than since"
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_FEW = 4  # words: so short a text is vague in any language


def lacks_of(
    hypothesis: str, metric: Metric | None = None, names: Collection[str] = ()
) -> tuple[Lack | Vagueness, ...]:
    """Return what a hypothesis does not say, in the order of its parts.

    Args:
        hypothesis: as somebody wrote it.
        metric: what decides on it; without one any that people speak of will do.
        names: of the prompts it is about, which are no change to them.
    """
    text = " ".join(hypothesis.casefold().split())
    words = _WORD.findall(text)
    if not words:
        return (Lack.HYPOTHESIS,)
    if len(words) >= _FEW and not _is_english(words):
        return ()
    return tuple(_missing(text, words, metric, names))


def promised(hypothesis: str) -> float | None:
    """Return the relative improvement that a hypothesis names first, as a fraction."""
    found = _PER_CENT.search(hypothesis.casefold())
    return float(found[1]) / 100 if found and 0 < float(found[1]) < 1_000 else None


def are_alike(one: str, other: str) -> bool:
    """Tell whether two texts speak of the same: half of the shorter one's words are in both."""
    first, second = (_content(text) for text in (one, other))
    shared = sum(any(a.startswith(b) or b.startswith(a) for b in second) for a in first)
    return bool(first and second) and shared >= max(2, len(first) / 2, len(second) / 2)


def _content(text: str) -> set[str]:
    filler = set(_FILLER.split())
    return {word[:6] for word in _WORD.findall(text.casefold()) if word not in filler}


def _missing(
    text: str, words: list[str], metric: Metric | None, names: Collection[str]
) -> Iterator[Lack | Vagueness]:
    said = _beginnings(metric)
    known = (*said, *_DIRECTIONS.split(), *(name.casefold() for name in names))
    filler, claim = _FILLER.split(), _REASON.split(text, maxsplit=1)[0]
    by_doing = re.search(r"\b(by|without) \w+", text)
    if not by_doing and all(
        word in filler or word.startswith(known) for word in _WORD.findall(claim)
    ):
        yield Lack.CHANGE
    if not any(word.startswith(said) for word in words):
        yield Lack.METRIC_WORD
    if not any(word.startswith(tuple(_DIRECTIONS.split())) for word in words):
        yield Lack.DIRECTION
    if not _REASON.search(text):
        yield Lack.REASON
    if not _SIZE.search(text):
        yield Vagueness.SIZE
    if _has_several_changes(claim):
        yield Vagueness.ONE_CHANGE


def _is_english(words: list[str]) -> bool:
    known = tuple(_DIRECTIONS.split())
    return any(word in _ENGLISH.split() for word in words) or any(
        len(word) > 3 and word.startswith(known) for word in words
    )


def _beginnings(metric: Metric | None) -> tuple[str, ...]:
    """Return how words begin by which people speak of a metric, or of any."""
    if metric is None:
        return tuple(" ".join(_SPOKEN.values()).split())
    parts = {part for name in metric.recorded for part in re.split(r"[_.-]", name.casefold())}
    spoken = " ".join(_SPOKEN[part] for part in parts if part in _SPOKEN).split()
    # of a metric of one's own: the word itself, also in another form
    return (*spoken, *(part[: max(4, len(part) - 3)] for part in parts if len(part) > 2))


def _has_several_changes(claim: str) -> bool:
    """Tell whether a claim joins several changes and does not call them one."""
    if _BUNDLE.search(claim):
        return False
    stems = tuple(_CHANGES.split())
    parts = re.split(r",|;|\band\b|\bplus\b|\balso\b|\bas well as\b|&|\+", claim)
    changing = [
        part for part in parts if any(word.startswith(stems) for word in _WORD.findall(part))
    ]
    return len(changing) > 1


_SAYING: dict[Lack | Vagueness, str] = {
    Lack.CHANGE: "what is changed",
    Lack.METRIC_WORD: "the number that moves",
    Lack.DIRECTION: "which way",
    Lack.REASON: "why it should help",
    Vagueness.SIZE: "by about how much",
}
EXAMPLE = "Three agents at once review at least 20% faster, because no part waits for another"


def vagueness(lacks: Collection[Lack | Vagueness], metric: Metric | None) -> Iterator[str]:
    """Say what a hypothesis does not say, a sentence each for its parts and its changes."""
    if Lack.HYPOTHESIS in lacks:
        yield f"There is no hypothesis. For example: {EXAMPLE}."
        return
    named = {Lack.METRIC_WORD: f"the number that moves ({metric.name})"} if metric else {}
    parts = [(_SAYING | named)[lack] for lack in lacks if lack in _SAYING]
    if parts:
        *others, last = parts
        listed = f"{', '.join(others)} and {last}" if others else last
        yield f"The hypothesis does not say {listed}. For example: {EXAMPLE}."
    if Vagueness.ONE_CHANGE in lacks:
        yield (
            "The hypothesis names several changes: whatever comes of it, nobody will know of "
            "which. Test one, or say that they are a bundle."
        )
