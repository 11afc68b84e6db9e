"""The commit message: readable by people, with trailers that scripts can rely on."""

from __future__ import annotations

import textwrap
import unicodedata

from meta_experiment.model.secrets import redacted
from meta_experiment.types import Action

CHANGE_TRAILER = "Experiment-Change"

_VERBS = {
    Action.PROMOTE: "promote",
    Action.ROLLBACK: "roll back",
    Action.EXPIRE: "expire",
}
_WIDTH = 72
_NAME_LIMIT = 60
_VALUE_LIMIT = 400


def commit_message(
    *,
    action: Action,
    experiment_id: str,
    name: str,
    summary: str,
    change_id: str,
    improvement: float | None = None,
    evidence: str | None = None,
    trials: int | None = None,
    decision: str | None = None,
    override: str | None = None,
    reason: str | None = None,
) -> str:
    """Compose the message of the commit that carries a change.

    Every text is reduced to one line of printable characters, so that no name or reason
    can forge a trailer.

    Args:
        action: what is done to the files.
        experiment_id: the experiment that caused it.
        name: the experiment's name as its owner wrote it.
        summary: one or two sentences for the body.
        change_id: identifies this change; not Gerrit's `Change-Id`, hence the longer key.
        improvement: relative effect as a fraction, positive is better.
        evidence: what the decision rests on, for example `e-value 27.1`.
        trials: how many trials were analysed.
        decision: the verdict and its reason code.
        override: why a person went against the verdict.
        reason: why a person asked for it.
    """
    subject = f"experiment: {_VERBS[action]} {_one_line(experiment_id, _NAME_LIMIT)}"
    label = _one_line(name, _NAME_LIMIT)
    if label:
        subject += f" ({label})"
    trailers = {
        "Experiment": experiment_id,
        "Improvement": None if improvement is None else f"{improvement:+.1%}",
        "Evidence": evidence,
        "Trials": None if trials is None else str(trials),
        "Decision": decision,
        "Override": override,
        "Reason": reason,
        CHANGE_TRAILER: change_id,
    }
    lines = [
        f"{key}: {_one_line(value, _VALUE_LIMIT)}" for key, value in trailers.items() if value
    ]
    body = textwrap.fill(_one_line(summary, 10 * _VALUE_LIMIT), _WIDTH)
    return "\n\n".join(part for part in (subject, body, "\n".join(lines)) if part) + "\n"


def _one_line(text: str, limit: int) -> str:
    # Separators, controls, format characters (which can reorder what is seen) and lone
    # surrogates become spaces; `---` would end the message for tools that read patches.
    kept = (" " if unicodedata.category(c)[0] in "ZC" else c for c in text)
    line = redacted(" ".join("".join(kept).split())).replace("---", "–")
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
