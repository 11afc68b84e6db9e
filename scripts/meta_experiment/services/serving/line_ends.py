"""Files that differ from a text in line ends alone, as git writes them where it is told to.

What is served and promoted are exact bytes. Machines whose `core.autocrlf` differs have other
bytes of one commit each, until `.gitattributes` says for all how the lines of a file end.
"""

from __future__ import annotations

from collections.abc import Callable

from meta_experiment.errors import as_word

_CRLF, _LF = b"\r\n", b"\n"


def line_ends_hint(path: str, found: bytes, is_text: Callable[[bytes], bool]) -> str:
    """Say how a file gets the line ends of a text; "" where it differs by more or nothing."""
    plain = found.replace(_CRLF, _LF)
    for ends, data in (("lf", plain), ("crlf", plain.replace(_LF, _CRLF))):
        if data != found and is_text(data):
            name = as_word(path)
            return (
                "It differs in line ends alone, as core.autocrlf has git write them here. Add "
                f"to .gitattributes, and commit for all machines: {name} text eol={ends}. Then "
                f"here: rm {name} && git checkout -- {name}"
            )
    return ""
