"""Serving cuts the head off a prompt file where the library does."""

from hypothesis import example, given
from hypothesis import strategies as st

from meta_experiment.prompts.frontmatter import cut
from meta_experiment.protocol.frontmatter import without_frontmatter

PIECES = ("---", "-", "\n", "\r\n", " ", "\t", "\u00a0", "\ufeff", "\x85", "name: a", "é")
FILES = st.lists(st.sampled_from(PIECES), max_size=12).map("".join).map(str.encode)


@given(FILES | st.binary(max_size=40))
@example(b"---\nname: a\n---\n\nText.\n")
@example(b"---\nname: a\xff\n---\n\xffText.")
@example(b"\xef\xbb\xbf---\r\nname: a\r\n-----\r\nText.")
def test_what_is_served_of_an_edited_file_is_its_text(data):
    assert without_frontmatter(data) == cut(data)[1]
