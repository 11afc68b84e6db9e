"""A verb with an answer of its own, which no other part of the program knows."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.records import dataclass
from meta_experiment.render.blocks import lines
from meta_experiment.types import Status
from meta_experiment.types.field_marks import ASIDE, MOMENT


@dataclass(frozen=True, slots=True)
class Part:
    """What a toy is made of."""

    name: str
    weight: float | None


@dataclass(frozen=True, slots=True)
class Toy:
    """What was played with."""

    parts: tuple[Part, ...]
    status: Status
    counts: dict[str, int]
    begun: float = field(metadata=MOMENT)
    secret: object = field(metadata=ASIDE)


@verb(example="meta-experiment toy")
def toy_verb(place: Place) -> Result:
    """Play."""
    del place
    parts = (Part("wheel", 1.5), Part("bell", None))
    toy = Toy(parts, Status.RUNNING, {"wheels": 4}, 1.7e9, object())
    return Result(toy, lines("It rolls."))


command = toy_verb
