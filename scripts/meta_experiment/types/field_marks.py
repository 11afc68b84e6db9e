"""Marks on the fields of dataclasses, for who writes them as a document.

ASIDE is for the program and the screen, and not in the document; MOMENT is a time in seconds
since the epoch, which stands there as text; SPARE stands there only where it is not empty.
"""

from __future__ import annotations

ASIDE = {"aside": True}
MOMENT = {"moment": True}
SPARE = {"spare": True}
