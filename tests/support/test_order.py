"""The tests that say how long they take begin first, some in each process."""

from types import SimpleNamespace

import pytest
from tests.conftest import pytest_collection_modifyitems


class Item(str):
    """A test of which the name says how long it takes."""

    __slots__ = ()

    def get_closest_marker(self, _name):
        seconds = self.partition(" ")[2]
        return SimpleNamespace(args=(int(seconds),)) if seconds else None


def parts(names, processes):
    """Return what `worksteal` gives to each process."""
    items = [Item(name) for name in names]
    config = SimpleNamespace(workerinput={"workercount": processes})
    pytest_collection_modifyitems(config, items)
    assert sorted(items) == sorted(names)
    given = []
    for process in range(processes):
        given.append(items[: len(items) // (processes - process)])
        del items[: len(given[-1])]
    return given


def test_each_process_begins_with_some_of_the_longest():
    assert parts(["a", "b 5", "c", "d 90", "e", "f", "g 70", "h", "i"], 2) == [
        ["g 70", "a", "c", "e"],
        ["d 90", "b 5", "f", "h", "i"],
    ]


@pytest.mark.parametrize("number", range(12))
def test_no_process_waits_for_a_second_one_while_another_has_none(number):
    """However many there are, and however many of them are long."""
    for long in range(number + 1):
        names = [f"{n} {n + 1}" for n in range(long)] + [f"{n}" for n in range(long, number)]
        for processes in (1, 2, 3, 4):
            given = parts(names, processes)
            found = [sum(" " in name for name in part) for part in given]
            assert max(found) - min(found) <= 1
            begun = [part[:many] for part, many in zip(given, found, strict=True)]
            assert all(" " in name for part in begun for name in part)


def test_in_one_process_all_others_keep_their_order():
    assert parts(["b", "a", "d 3", "c"], 1) == [["d 3", "b", "a", "c"]]
