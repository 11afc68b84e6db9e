"""git's filter for stand-ins: a shell script and its data in git's own folder.

It needs nothing but a shell, `od`, `tr` and `awk`, writes no file, and goes on when this
program is gone. On the way in (clean) git is shown the original, with the edits that somebody
made beside what is ours in a stand-in (`prompts/traces`). Where that cannot be told it fails,
and as the filter is `required`, git then takes nothing. On the way out (smudge) the stand-in is
put back where git writes exactly the original to its place. Anything else passes as it is.
"""

from __future__ import annotations

import os
from pathlib import Path

from meta_experiment.prompts.traces import Traces
from meta_experiment.records import dataclass

NAME = "meta-experiment"
_COMMAND = (
    # git's PATH begins with its own folder; the next may be that of whoever one works for
    f"f=$(git rev-parse --git-common-dir)/{NAME}/filter; PATH=/usr/bin:/bin:$PATH; "
    'if [ -f "$f" ]; then exec sh "$f" %s %%f; else exec cat; fi'
)
SETTINGS = {"clean": _COMMAND % "clean", "smudge": _COMMAND % "smudge", "required": "true"}
SCRIPT = r"""#!/bin/sh
# git's filter for prompt files under experiment (meta-experiment). What it does not know passes
# as it is. Bytes are held as octal numbers: texts of a shell have no NUL, and lose line ends.
LC_ALL=C
export LC_ALL
here=${0%/*} mode=$1 name=$2

fail() {
    printf 'meta-experiment: %s: %s\n' "$name" "$1" >&2
    exit 1
}

numbers() {
    od -An -v -to1 | tr -s ' \n' ,
}

show() { # NUMBERS: a shell whose printf is a program of its own cannot show a large text
    octal=$(echo "$1" | tr , '\\') && [ ${#octal} -eq ${#1} ] && printf "$octal" ||
        fail 'It cannot be handed to git.'
    exit 0
}

is_here() { # ENTRY: tells whether it is of the file under this name
    [ -r "$1/name" ] && IFS= read -r known <"$1/name" && [ "$known" = "$name" ]
}

is_marked() { # NUMBERS ENTRY [first]: tells whether some of it is ours, by all marks or one
    [ -r "$2/marks" ] || fail "$2 is incomplete. Next: meta-experiment recover"
    while IFS= read -r mark; do
        case $1 in *"$mark"*) return 0 ;; esac
        [ -z "${3-}" ] || return 1
    done <"$2/marks"
    return 1
}

free() { # ENTRY: takes what is ours out of the text
    IFS= read -r own <"$1/ends"
    text=$(echo "$held" | awk "$exchange" "$1/pieces" last=1 own="$own" -) &&
        ! is_marked "$text" "$1" && held=$text && return
    IFS= read -r edited <"$1/experiment"
    fail "What serves its variants was edited, and is not your text to commit.
Next: meta-experiment stop $edited (a copy of what stands there is kept)"
}

exchange='
function ends(piece) {
    if (kind == own || kind == "both") return piece
    gsub(/,015,012/, ",012", piece)
    if (kind == "crlf") gsub(/,012/, ",015,012", piece)
    return piece
}
!last { ours[++count] = $1; users[count] = $2; next }
{
    text = rest = $0
    crlf = gsub(/,015,012/, "", rest)
    bare = gsub(/,012/, "", rest)
    kind = !crlf ? "lf" : (bare ? "both" : "crlf")
    for (i = 1; i <= count; i++) {
        piece = ends(ours[i])
        at = index(text, piece)
        if (!at) continue
        after = substr(text, at + length(piece))
        if (index(after, piece)) exit 1
        text = substr(text, 1, at - 1) ends(users[i]) after
    }
    print text
}'

for tool in od tr awk; do
    command -v "$tool" >/dev/null && continue
    [ "$mode" = clean ] || exec cat
    fail "The program $tool is needed to tell your text from what stands in for it."
done
held=$({ cat && printf end; } | numbers)
held=${held%,}
case $held in
    *,145,156,144) held=${held%,145,156,144} ;;
    *) fail 'It could not be read to its end.' ;;
esac

if [ "$mode" = smudge ]; then
    # git takes the old file away before it writes a new one; an archive is made beside it
    [ -s "$name" ] || [ -h "$name" ] || for entry in "$here"/entries/*/; do
        is_here "$entry" && IFS= read -r top <"$entry/top" || continue
        original=$(numbers <"$entry/original")
        [ "$top" != "$(pwd -P)" ] || [ "$held" != "${original%,}" ] ||
            exec cat "$entry/stand-in"
    done
    show "$held"
fi

# the first mark is of one experiment alone, wherever its stand-in was copied to
for entry in "$here"/entries/*/; do
    [ -r "$entry/name" ] && is_marked "$held" "$entry" first && free "$entry"
done
for entry in "$here"/entries/*/; do
    is_here "$entry" && is_marked "$held" "$entry" && free "$entry"
done
show "$held"
"""


@dataclass(frozen=True, slots=True)
class StandIn:
    """A tracked file (path below the root) with what stands there and what git is to see."""

    path: str
    stand_in: bytes
    original: bytes
    traces: Traces
    experiment_id: str

    def parts(self, root: str, top: str, name: str) -> dict[str, bytes]:
        """Return what an entry of the filter is made of, by the names of its files.

        `root` is that of the experiment, `top` that of the working tree, and `name` the path
        of the file from there.
        """
        pieces = (f"{_numbers(ours)} {_numbers(users)}\n" for ours, users in self.traces.pieces)
        marks = (f"{_numbers(mark)}\n" for mark in self.traces.marks)
        return {
            "root": os.fsencode(f"{root}\n"),
            "top": os.fsencode(f"{top}\n"),
            "experiment": os.fsencode(f"{self.experiment_id}\n"),
            "original": self.original,
            "stand-in": self.stand_in,
            "pieces": "".join(pieces).encode(),
            "marks": "".join(marks).encode(),
            "ends": f"{self.traces.ends}\n".encode(),
            "name": os.fsencode(f"{name}\n"),
        }

    @classmethod
    def read(cls, entry: Path, prefix: str) -> StandIn:
        """Read an entry again. Raises OSError, ValueError."""
        name, stand_in, original, experiment = (
            (entry / part).read_bytes()
            for part in ("name", "stand-in", "original", "experiment")
        )
        pieces = [line.split(" ") for line in (entry / "pieces").read_text().splitlines()]
        marks = (entry / "marks").read_text().splitlines()
        traces = Traces(
            tuple((_bytes(ours), _bytes(users)) for ours, users in pieces),
            tuple(map(_bytes, marks)),
            (entry / "ends").read_text().strip(),
        )
        path = os.fsdecode(name).removesuffix("\n").removeprefix(prefix)
        return cls(path, stand_in, original, traces, experiment.decode().strip())


def _numbers(data: bytes) -> str:
    return "".join(f",{byte:03o}" for byte in data)


def _bytes(numbers: str) -> bytes:
    return bytes(int(number, 8) for number in numbers.split(",")[1:])
