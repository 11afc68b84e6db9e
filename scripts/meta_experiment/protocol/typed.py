"""Words a person typed behind `/meta_experiment`, where an action needs them.

A model can call the program as well as anybody, and can be talked into it by what it reads. The
client tells a hook what was typed, and that no model can write: the machine's seal is on it.
"""

from __future__ import annotations

import os

from meta_experiment.protocol.disk import open_private, put
from meta_experiment.protocol.places import data_folder, is_plain, read_head
from meta_experiment.protocol.seal import Seal, machine_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND = "meta_experiment"
FLAG = "--override"
_MOST = 16_384  # bytes
_LASTING = 3_600.0  # seconds for which a word holds
_PURPOSE = "typed"


def note_typed(
    name: str, words: str, session: str, now: float, environment: Mapping[str, str] = os.environ
) -> None:
    """Keep what was typed behind our own command in a session, where it overrides evidence.

    The last such words of a session hold. Raises OSError.
    """
    if name.rpartition(":")[2] != COMMAND or FLAG not in words or not is_plain(session):
        return
    data = data_folder(environment)
    key = machine_key(data)
    if not key:
        return  # nothing was ever started on this machine
    content = f"{session}\n{now}\n{words}".encode("utf-8", "replace")[:_MOST]
    sealed = Seal(key, "").wrap(_PURPOSE, content)
    descriptor = open_private(_file(data, session), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        put(descriptor, sealed)
    finally:
        os.close(descriptor)


def take_typed(session: str, now: float, environment: Mapping[str, str] = os.environ) -> str:
    """Return what was typed in a session and still holds, once; empty when nothing was.

    Raises OSError.
    """
    data = data_folder(environment)
    if not data or not is_plain(session):
        return ""
    path = _file(data, session)
    try:
        wrapped = read_head(path, 2 * _MOST)
        os.unlink(path)
    except FileNotFoundError:
        return ""  # or another process has taken it at this moment
    content = Seal(machine_key(data), "").unwrap(_PURPOSE, wrapped)
    owner, _, rest = (content or b"").decode("utf-8", "replace").partition("\n")
    at, _, words = rest.partition("\n")
    if content is None or owner != session or not 0 <= now - float(at) <= _LASTING:
        return ""
    return words


def _file(data: str, session: str) -> str:
    return f"{data}/typed/{session}"
