"""How far long work is: parts of a whole, told to whoever listens."""

import pytest

from meta_experiment.files import headway


def test_parts_nest_and_go_on_to_the_end():
    heard = []
    with headway.heard_by(lambda doing, share: heard.append((doing, share))):
        for _ in headway.steps("ab", "outer"):
            headway.tell("inner", 1, 2)
            with headway.part(0.5, 1.0):
                headway.tell("inmost", 1, 2)
    assert heard == [
        ("outer", 0.0), ("inner", 0.25), ("inmost", 0.375),
        ("outer", 0.5), ("inner", 0.75), ("inmost", 0.875), ("outer", 1.0),
    ]  # fmt: skip


def test_a_part_that_fails_leaves_the_whole_as_it_was():
    heard = []
    with pytest.raises(ValueError, match="odd"), headway.part(0.5, 1.0):
        raise ValueError("odd")
    with headway.heard_by(lambda _, share: heard.append(share)):
        headway.tell("anew", 0, 1)
        headway.tell("nothing to do", 0, 0)
    assert heard == [0.0, 1.0]


def test_nobody_need_listen():
    headway.tell("alone", 1, 2)
    assert list(headway.steps([1, 2], "alone")) == [1, 2]
    with headway.heard_by(None):
        headway.tell("alone", 1, 2)
