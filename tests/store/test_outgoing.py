"""Lines that a checkout ships: whole ones, none of which others would leave out."""

from __future__ import annotations

import pytest

from meta_experiment.errors import CorruptStoreError
from meta_experiment.protocol import log_head
from meta_experiment.store.exchange import BYTES_AT_MOST
from meta_experiment.store.local.outgoing import OutgoingLog


@pytest.fixture
def log(tmp_path):
    """Give what makes a log of lines."""

    def made(*lines):
        path = tmp_path / "log"
        head = b"h" * (log_head.LENGTH - 1) + b"\n"
        path.write_bytes(head + b"".join(lines))
        return OutgoingLog("log", path, sum(map(len, lines)), 0.0)

    return made


def test_a_long_line_is_shipped_as_long_as_others_take_it(log):
    long = b"x" * (BYTES_AT_MOST - 1) + b"\n"
    assert list(log(b"a\n", long, b"b\n").pieces(0)) == [
        (0, b"a\n"),
        (2, long),
        (2 + BYTES_AT_MOST, b"b\n"),
    ]


def test_a_line_that_others_would_leave_out_is_refused_before_it_is_shipped(log):
    """By where it is; what stands before it goes on."""
    pieces = log(b"a\n", b"x" * BYTES_AT_MOST + b"\n", b"b\n").pieces(0)
    assert next(pieces) == (0, b"a\n")
    with pytest.raises(CorruptStoreError, match="the line at byte 2 is longer"):
        next(pieces)
