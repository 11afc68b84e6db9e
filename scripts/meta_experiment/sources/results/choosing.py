"""Choice of the arms that are compared, of the control, and of their names in a plan."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meta_experiment.errors import UsageError
from meta_experiment.model.fields import suggestion
from meta_experiment.prompts.slug import slug
from meta_experiment.sources.results.result_words import is_control, is_treatment
from meta_experiment.sources.results.wording import in_order, listed, quoted

_DIGITS = re.compile(r"\d+")
_MOST = 20  # arms in a message


def chosen_variants(
    arms: Sequence[str],
    control: str | None,
    treatments: Sequence[str],
    labels: Sequence[str | None],
    notes: list[str],
) -> list[str]:
    """Return the control, then the treatments; what is assumed becomes a note.

    Args:
        arms: all that were read, in their order.
        control: the arm that the user says is the control.
        treatments: those that the user says are treatments; none for all others.
        labels: the names that the user gave to sources.
        notes: takes what is assumed.

    Raises:
        UsageError: an arm is not there, or nobody can tell which is the control.
    """
    for name in (control, *treatments):
        if name is not None and name not in arms:
            raise UsageError(
                f"There is no arm '{name}'; there are {listed(arms, _MOST)}.",
                hint=suggestion(name, arms),
            )
    if control is None:
        control = _control(arms, treatments)
        if control not in labels:
            notes.append(f"{control} was taken as the control, by its name.")
    if control in treatments:
        raise UsageError(f"'{control}' cannot be the control and a treatment at once.")
    chosen = list(dict.fromkeys(treatments)) or [arm for arm in arms if arm != control]
    if not treatments and len(chosen) > 1:
        notes.append(f"All other arms are treatments: {', '.join(chosen)}.")
    return [control, *chosen]


def _control(arms: Sequence[str], treatments: Sequence[str]) -> str:
    likely = [arm for arm in arms if is_control(arm) and arm not in treatments]
    if len(likely) == 1:
        return likely[0]
    sound = " and ".join(likely) + " sound" if likely else "none sounds"
    older = older_of(likely or [arm for arm in arms if arm not in treatments])
    hint = "Say it: --control ARM, which is the older text or none at all"
    if older is not None:
        newer = next(arm for arm in reversed(in_order(arms)) if arm != older)
        hint = f"Say it: --control {quoted(older)} --treatment {quoted(newer)}"
    raise UsageError(
        f"Which arm is the control? There are {listed(arms, _MOST)}; {sound} like it.",
        hint=hint,
    )


def older_of(names: Sequence[str]) -> str | None:
    """Return the oldest of some texts as far as their names tell, else None.

    They do where they differ in nothing but a number, or where all others are called new.
    """
    rest = [name for name in names if not is_treatment(name)]
    if len(rest) == 1 < len(names):
        return rest[0]
    counted = len({_DIGITS.sub("#", name) for name in names}) == 1 < len(set(names))
    return in_order(names)[0] if counted else None


def safe_names(variants: Sequence[str], notes: list[str]) -> dict[str, str]:
    """Return for every arm a name that a plan takes."""
    safe: dict[str, str] = {}
    for position, arm in enumerate(variants):
        latin = any(letter.isascii() and letter.isalnum() for letter in arm)
        name = slug(arm) if latin and not _is_plain(arm) else arm
        if not _is_plain(name) or name in safe.values():
            name = f"variant-{position}" if position else "control"
        if name != arm:
            notes.append(f"The arm {arm!r} is called {name}.")
        safe[arm] = name
    return safe


def _is_plain(name: str) -> bool:
    body = name.replace("_", "a").replace(".", "a").replace("-", "a")
    return body.isascii() and body.isalnum() and name[0].isalpha() and len(name) <= 64
