"""The fold done the plain way: one dictionary a trial, one line after the other, no haste.

It is written from the rules alone and shares no code with the library, except for the words.
"""

from __future__ import annotations

import json
import math
import re

from meta_experiment.types import Draw, Trial, TrialStatus

STATUSES = {item.value for item in TrialStatus}


def plain_trials(files):
    """Return the trials of logs (behind their heads), how many lines are refused, conflicts."""
    known, positions, refused, conflicts = {}, {}, 0, set()
    for name in sorted(files):
        body = files[name].rpartition(b"\n")[0]
        lines = body.split(b"\n") if body or files[name].startswith(b"\n") else []
        for number, raw in enumerate(lines, start=2):  # after the first line, which is the head
            if not raw.strip():
                continue
            assigned = name.endswith(".tsv")
            event = _assignment(raw, number, positions) if assigned else _event(raw)
            if event is None:
                refused += 1
            else:
                _apply(known, event, conflicts)
    return _finished(known, positions), refused, conflicts


def _assignment(raw, number, positions):
    fields = raw.decode().split("\t")
    draw = _draw(fields.pop()) if len(fields) == 6 else None
    if (
        draw == ()
        or len(fields) != 5
        or not all(fields)
        or not (fields[0].isdigit() and fields[4].isdigit())
    ):
        return None
    count, unit, variant, trial_id, milliseconds = fields
    if 0 < int(count) <= number:
        positions.setdefault(unit, int(count) - 1)
    at = int(milliseconds) / 1000
    if at >= 2.5e11:
        return None
    return {
        "event": "assigned",
        "at": at,
        "trial_id": trial_id,
        "variant": variant,
        "unit": unit,
        "draw": draw,
    }


def _draw(text):
    """Return what stands in a sixth field, () for what cannot."""
    found = re.fullmatch(r"((?:[0-9]{1,9},)*[0-9]{1,9})@([0-9]{1,9})", text, re.ASCII)
    parts = tuple(map(int, found[1].split(","))) if found else ()
    return Draw(parts, int(found[2])) if any(parts) else ()


def _name(value):
    return type(value) is str and 0 < len(value) <= 4096


def _number(value):
    return type(value) in (int, float) and abs(value) <= 1.7976931348623157e308


def _event(raw):  # noqa: C901, PLR0911 - rule after rule
    try:
        event = json.loads(raw.decode(), parse_constant=lambda name: [name])
        json.dumps(event, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    if type(event) is not dict or not _number(event.get("at")) or not 0 <= event["at"] < 2.5e11:
        return None
    if not _name(event.get("trial_id")) or not _name(event.get("variant")):
        return None
    if event.get("unit") is not None and not _name(event["unit"]):
        return None
    kind = event.get("event")
    if kind == "excluded":
        return event if _name(event.get("reason")) else None
    if kind != "recorded":
        return event if kind in ("assigned", "exposed") else None
    metrics, status = event.get("metrics"), event.get("status")
    if type(metrics) is not dict or not all(map(_name, metrics)):
        return None
    if not all(map(_number, metrics.values())):
        return None
    if status is not None and (type(status) is not str or status not in STATUSES):
        return None
    fingerprint = event.get("fingerprint")
    if fingerprint is not None and (
        type(fingerprint) is not dict
        or not all(_name(key) and type(text) is str for key, text in fingerprint.items())
    ):
        return None
    return event


def _apply(known, event, conflicts):  # noqa: C901, PLR0912
    """Each thing that was said stands with the time it was said; the earliest counts."""
    at, trial_id = float(event["at"]), event["trial_id"]
    trial = known.setdefault(
        trial_id,
        {"variant": None, "unit": None, "exposed": False, "metrics": {}, "first": at}
        | {"said": {}, "status": None, "fingerprint": None, "excluded": None},
    )
    trial["first"] = min(at, trial["first"])
    if event.get("draw"):
        trial.setdefault("draw", event["draw"])
    for key in ("variant", "unit"):
        said = event.get(key)
        if said is None:
            continue
        if trial[key] not in (None, said):
            conflicts.add((trial_id, key))
        if trial[key] is None or at < trial["said"][key]:
            trial[key], trial["said"][key] = said, at
    if event["event"] == "excluded":
        given = (at, event["reason"])
        trial["excluded"] = min(trial["excluded"] or given, given)
    if event["event"] in ("exposed", "recorded"):
        trial["exposed"] = True
    if event["event"] != "recorded":
        return
    if event.get("status") is not None:
        if trial["status"] is not None and trial["status"][1] != event["status"]:
            conflicts.add((trial_id, "status"))
        if trial["status"] is None or at < trial["status"][0]:
            trial["status"] = (at, event["status"])
    for name, value in event["metrics"].items():
        before = trial["metrics"].get(name)
        if before is not None and before[1] != value:
            conflicts.add((trial_id, name))
        if before is None or at < before[0]:
            trial["metrics"][name] = (at, float(value))
    if event.get("fingerprint"):
        before = trial["fingerprint"]
        if before is None or at < before[0]:
            trial["fingerprint"] = (at, event["fingerprint"])


def _finished(known, positions):
    units = {trial_id: trial["unit"] or trial_id for trial_id, trial in known.items()}
    first = {}
    for trial_id, trial in known.items():
        unit = units[trial_id]
        first[unit] = min(trial["first"], first.get(unit, math.inf))
    outside = sorted((unit for unit in first if unit not in positions), key=first.__getitem__)
    behind = max(positions.values(), default=-1) + 1
    place = positions | {unit: behind + index for index, unit in enumerate(outside)}
    trials = [
        Trial(
            trial_id=trial_id,
            variant=trial["variant"],
            unit=units[trial_id],
            order=place[units[trial_id]],
            exposed=trial["exposed"],
            status=trial["status"] and TrialStatus(trial["status"][1]),
            metrics=_named(trial, covariates=False),
            covariates=_named(trial, covariates=True),
            assigned_at=trial["first"],
            closed_at=trial["status"] and trial["status"][0],
            fingerprint=trial["fingerprint"][1] if trial["fingerprint"] else {},
            excluded=trial["excluded"] and trial["excluded"][1],
            draw=trial.get("draw"),
        )
        for trial_id, trial in known.items()
    ]
    return sorted(trials, key=lambda trial: (trial.order, trial.assigned_at))


def _named(trial, *, covariates):
    """Return the values of a trial that are covariates, or that are none."""
    return {
        name.removeprefix("covariate:"): value
        for name, (_, value) in trial["metrics"].items()
        if name.startswith("covariate:") is covariates
    }
