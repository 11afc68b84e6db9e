"""What stands in a file after an accident or an attack: documents with one thing wrong."""

import copy
import json

from hypothesis import strategies as st

TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "\x1b[2J",
        "../x",
        "a\tb",
        "a\nb",
        "\0",
        "NaN",
        "1e999",
        "\ud800",
        "control",
        "²",
        "0" * 70,
    ]
)
NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([10**400, -(10**400), 2**63, -1, 0, 1e308, 1e-320, 10**12, True])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def documents(draw, valid, changes=3):
    """A document in which up to so many places hold something else, or are gone or new."""
    document = copy.deepcopy(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(0, changes))):
        section = document
        while isinstance(section, dict | list) and section:
            keys = sorted(section) if isinstance(section, dict) else range(len(section))
            key = draw(st.sampled_from(keys))
            inner = section[key]
            if isinstance(inner, dict | list) and inner and draw(st.integers(0, 3)):
                section = inner
                continue
            what = draw(st.sampled_from(["other", "gone", "more"]))
            if what == "gone":
                del section[key]
            elif what == "more" and isinstance(section, dict):
                section[draw(TEXTS)] = draw(VALUES)
            else:
                section[key] = draw(VALUES)
            break
    return document


def encoded(documents_):
    """Documents as bytes of JSON, now and then damaged."""
    return damaged(documents_.map(lambda item: json.dumps(item).encode()))


@st.composite
def damaged(draw, data):
    """Bytes, of which some are cut off, doubled, exchanged or inserted."""
    found = draw(data)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        start = draw(st.integers(0, len(found)))
        end = draw(st.integers(start, min(len(found), start + 20)))
        piece = draw(
            st.binary(max_size=8)
            | st.sampled_from([b"", b"\n", b"\0", b"{", b"]", b'"', b"\\u", b"---\n", b"\xff"])
        )
        found = draw(
            st.sampled_from(
                [found[:start] + piece + found[end:], found[:start], found + found[start:]]
            )
        )
    return found
