"""Whether a person could know what they type: each verb and flag was printed before."""

import re
from collections.abc import Iterable

_CALL = re.compile(r"meta-experiment ((?:[a-z]+ )?[a-zA-Z]+)?((?:(?!; |meta-experiment ).)*)")
_FLAG = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
_LISTED = re.compile(r"^  ([a-z]+)  +[A-Z]", re.MULTILINE)
_ANY = "VERB"  # stands for each of them


class NamedFirst:
    """The verbs that a program has printed so far, each with its flags."""

    def __init__(self, verbs: Iterable[str]) -> None:
        """Have heard nothing; `verbs` are those that there are."""
        self._verbs = set(verbs)
        self._flags: dict[str, set[str]] = {"": set()}  # the program alone needs no name

    def unnamed(self, words: list[str]) -> list[str]:
        """Return the verb of a call, or its flags, that nothing printed has named."""
        verb, flags = self._parted(words)
        if verb not in self._flags:
            return [verb]
        known = self._flags[verb] | self._flags.get(_ANY, set())
        return [flag for flag in flags if flag not in known]

    def hear(self, words: list[str], text: str) -> None:
        """Take in what was printed after a call; flags that stand alone are the call's own."""
        verb, used = self._parted(words)
        own = self._flags.setdefault(verb, set())
        for line in text.splitlines():
            for name, rest in _CALL.findall(line):
                flags = self._flags.setdefault(self._known(name), set())
                flags.update(_FLAG.findall(rest))
                if "the same flags" in rest:
                    flags.update(used)
            own.update(_FLAG.findall(_CALL.sub("", line)))
        if not verb:
            for name in _LISTED.findall(text):
                self._flags.setdefault(name, set())

    def _known(self, name: str) -> str:
        first = name.split(" ", maxsplit=1)[0]
        return name if name in self._verbs else first

    def _parted(self, words: list[str]) -> tuple[str, list[str]]:
        """Return the verb of a call, nothing for the program alone, and its flags."""
        verb = self._known(" ".join(words[:2])) if words and words[0][0] != "-" else ""
        return verb, [word for word in words if _FLAG.fullmatch(word)]
