"""A placebo is as long as another text, and says no more than its own."""

import pytest

from meta_experiment.prompts.frontmatter import cut
from meta_experiment.prompts.placebo import placebo_of

HEAD = b"---\ndescription: Review\nmodel: opus\n---\n"


@pytest.mark.parametrize("more", [*range(1, 12), 63, 64, 65, 66, 200, 1000, 5000])
@pytest.mark.parametrize("end", ["", "\n"])
def test_it_has_as_many_characters_as_the_other_and_begins_with_its_own(more, end):
    text = f"Review $ARGUMENTS – thoroughly.{end}".encode()
    like = b"---\ndescription: A much longer head\n---\n" + "ä".encode() * (
        len(text.decode()) + more
    )
    made = placebo_of(HEAD + text, like)
    head, body = cut(made)
    assert head == HEAD
    assert body.startswith(text)
    assert len(body.decode()) == len(cut(like)[1].decode())
    assert made == placebo_of(HEAD + text, like)


def test_its_words_are_whole_and_ask_for_nothing():
    body = placebo_of(b"Do it.\n", b"x" * 400).decode()
    filler = body.removeprefix("Do it.\n")
    words = {word.strip(".").lower() for word in filler.split()}
    known = {word.strip(".").lower() for word in placebo_of(b"", b"x" * 2000).decode().split()}
    assert words <= known | {""}
    assert not {"must", "should", "please", "always", "never", "you"} & words


def test_one_that_is_as_long_already_stays_as_it_is():
    for like in (b"short", b"Do it twice.\n"):
        assert placebo_of(b"Do it twice.\n", like) == b"Do it twice.\n"
