"""A text that tries all that a text can do, and documents in which each text is one."""

from dataclasses import fields, is_dataclass, replace
from enum import Enum

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>\" onload='x' "
    "\u202egnp.exe\u2066 \x1b[2J \u0000 שלום 漢字 &lt; {} \n|"
)
_QUANTILES = {"0", "5", "25", "50", "75", "95", "100"}


def poisoned(value):
    """Return a document with a hostile text before each of its texts."""
    if isinstance(value, Enum) or value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return HOSTILE + value
    if isinstance(value, dict):
        return {
            poisoned(key) if key not in _QUANTILES else key: poisoned(item)
            for key, item in value.items()
        }
    if isinstance(value, tuple | list):
        return tuple(map(poisoned, value))
    if is_dataclass(value):
        return replace(
            value, **{item.name: poisoned(getattr(value, item.name)) for item in fields(value)}
        )
    return value
