"""A seal holds for one machine, one checkout, one purpose and exactly these bytes."""

import hashlib
import hmac

import pytest
from tests.sealing import CHECKOUT, own_seal

from meta_experiment.protocol import places, seal
from meta_experiment.protocol.seal import Seal

KEY = b"5ea1" * 16


def test_it_is_the_first_half_of_an_hmac():
    text = f"{CHECKOUT}\x1fnotice\x1f".encode() + b"bytes \xff"
    expected = hmac.new(KEY, text, hashlib.sha256).hexdigest()[:32]
    assert Seal(KEY, CHECKOUT).of("notice", b"bytes \xff") == expected


@pytest.mark.parametrize(
    ("other", "purpose", "data"),
    [
        (Seal(KEY, CHECKOUT), "news", b"text"),
        (Seal(KEY, CHECKOUT), "notice", b"text\n"),
        (Seal(KEY, "other"), "notice", b"text"),
        (Seal(b"f" * 64, CHECKOUT), "notice", b"text"),
        (Seal(b"", CHECKOUT), "notice", b"text"),
    ],
)
def test_nothing_else_is_believed(other, purpose, data):
    own = Seal(KEY, CHECKOUT)
    assert own.unwrap("notice", own.wrap("notice", b"text")) == b"text"
    assert not other.fits(own.of("notice", b"text"), purpose, data)


@pytest.mark.parametrize(
    "wrapped", [b"", b"\n", b"text", b"\xff\xfe\ntext", b"0" * 32 + b"\nt"]
)
def test_what_bears_no_seal_is_nothing(wrapped):
    assert Seal(KEY, CHECKOUT).unwrap("notice", wrapped) is None


def test_without_a_key_nothing_is_sealed():
    with pytest.raises(PermissionError):
        Seal(b"", CHECKOUT).of("notice", b"text")


def test_an_identity_that_came_along_is_not_that_of_the_checkout(tmp_path):
    """With it every seal of the checkout fails, until its own identity is back."""
    own = own_seal(tmp_path)
    mark = own.of("notice", b"text")
    path = tmp_path / ".claude/meta/local/id"
    kept = path.read_bytes()
    path.write_bytes(seal.sealed_id("f" * 32, b"1" * 64))
    assert not seal.seal_of(str(tmp_path)).fits(mark, "notice", b"text")
    assert seal.checkout_in(places.read_bytes(str(path)), KEY) == ""
    path.write_bytes(kept)
    assert seal.seal_of(str(tmp_path)).fits(mark, "notice", b"text")
