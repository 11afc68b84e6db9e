"""JSON in and out without the `json` module, whose import costs as much as a bare start."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SPACE = " \t\n\r"


def parse(text: str) -> object:
    """Decode one JSON document.

    Raises:
        ValueError: the text is anything else; NaN and Infinity are no JSON.
    """
    start = 0
    size = len(text)
    while start < size and text[start] in _SPACE:
        start += 1
    try:
        value, end = _scan(text, start)
    except (StopIteration, RecursionError, SystemError) as error:
        # the accelerator looks for the exception to raise in `json`, which nobody imported
        raise ValueError("not valid JSON") from error
    if text[end:].strip(_SPACE):
        raise ValueError("more than one JSON document")
    return value


def parse_object(text: str) -> dict[str, object]:
    """Decode one JSON object. Raises ValueError for anything else."""
    value = parse(text)
    if type(value) is not dict:
        raise ValueError("not a JSON object")
    return value


def encode(value: object) -> str:
    """Write texts, finite numbers, booleans, None, lists and dicts as compact ASCII JSON."""
    if type(value) is str:
        return encode_basestring_ascii(value)
    if value is None or value is True or value is False:
        return _CONSTANTS[value]
    if type(value) is dict:
        pairs = (
            f"{encode_basestring_ascii(key)}:{encode(item)}" for key, item in value.items()
        )
        return "{" + ",".join(pairs) + "}"
    if type(value) in (list, tuple):
        return "[" + ",".join(map(encode, value)) + "]"  # type: ignore[call-overload]
    if type(value) is int or (type(value) is float and value - value == 0):
        return repr(value)
    raise ValueError(f"{value!r} has no JSON form")


_CONSTANTS: Mapping[object, str] = {None: "null", True: "true", False: "false"}


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not a number")


class _Context:
    strict = False  # a raw control character in a text is no reason to lose a line
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse)


_scan: Callable[[str, int], tuple[object, int]]
try:
    from _json import encode_basestring_ascii, make_scanner

    _scan = make_scanner(_Context)  # type: ignore[arg-type]  # any object with these names
except ImportError:  # an interpreter built without the accelerator
    from json.decoder import JSONDecoder
    from json.encoder import encode_basestring_ascii

    _scan = JSONDecoder(parse_constant=_refuse, strict=False).scan_once  # type: ignore[attr-defined]
