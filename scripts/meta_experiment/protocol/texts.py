"""The texts that serving reads, believed only while they are those that were sealed.

They lie in files that a commit can replace. The line of an experiment in the index, which
bears this machine's seal, holds the digest of each: of every body, of what stands in for the
prompt file, and of the prompt file itself.
"""

from __future__ import annotations

from meta_experiment.protocol.index import AGENTS, SHADOW
from meta_experiment.protocol.places import body_name, read_whole, served_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.protocol.index import Entry

ORIGINAL = "original"  # the exact bytes of the prompt file
SHIM = "shim"  # the exact bytes that stand in for it
_DIGITS = 32  # of a digest


class TextGoneError(LookupError):
    """A text to serve is not stored any more, or is another one."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(name)
        self.sentence = f"the stored text '{name}' {what}; the prompt ran without it"


def digest(data: bytes) -> str:
    """Return the first half of the SHA-256 of some bytes, in hex."""
    from meta_experiment.assign.uniform import sha256

    return str(sha256(data).hexdigest()[:_DIGITS])


def placed(entry: Entry) -> dict[str, str]:
    """Return which files serve an experiment to the client, and the name of each one's text.

    They are paths below the root, on the way to which there may be links of the user's.
    """
    if entry.form == AGENTS:
        return {beside(entry.path, arm): body_name(arm) for arm in entry.arms[1:]}
    shadow = f".claude/skills/{entry.name}/SKILL.md"
    return {shadow if entry.form == SHADOW else entry.path: SHIM}


def beside(path: str, arm: str) -> str:
    """Return the path of the file that holds an arm of the agent at a path."""
    return f"{path.removesuffix('.md')}-{arm}.md"


def is_text(entry: Entry, name: str, data: bytes) -> bool:
    """Tell whether bytes are the text of that name, as it was sealed."""
    return entry.digests.get(name) == digest(data)


def read_text(root: str, entry: Entry, name: str) -> bytes:
    """Return a text of an experiment.

    Raises:
        TextGoneError: it is missing, or not the one that was sealed. OSError: out of reach.
    """
    try:
        data = read_whole(served_text(root, entry.id, name))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TextGoneError(name, "is missing") from error
    if not is_text(entry, name, data):
        raise TextGoneError(name, "is not the one that was started here")
    return data
