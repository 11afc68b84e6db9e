"""Regular expressions that somebody else wrote, as Python reads them."""

from __future__ import annotations

import re
import warnings

FLAGS = "imsx"  # as in `(?imsx)`
_LONGEST = 10_000  # characters


def compiled(pattern: str, flags: str = "") -> re.Pattern[str]:
    """Compile a pattern.

    Raises:
        ValueError: it is none, or a flag is unknown; says why.
    """
    if len(pattern) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST:,} characters")
    strange = set(flags) - set(FLAGS)
    if strange:
        raise ValueError(f"has the flag {min(strange)!r}; known are {', '.join(FLAGS)}")
    options = re.NOFLAG
    for letter in flags:
        options |= getattr(re, letter.upper())
    try:
        with warnings.catch_warnings(action="ignore"):
            return re.compile(pattern, options)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is no regular expression of Python: {error}") from None
