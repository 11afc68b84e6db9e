"""Results become JSON by one encoder: by the marks of their fields, and never rounded."""

import json
import math
from dataclasses import field

from meta_experiment.model.result_document import to_document
from meta_experiment.records import dataclass
from meta_experiment.types import Decision
from meta_experiment.types.field_marks import ASIDE, MOMENT


@dataclass(frozen=True, slots=True)
class Inner:
    """A part of an answer."""

    decision: Decision
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with one of everything."""

    name: str
    parts: dict[Decision, Inner]
    at: float = field(metadata=MOMENT)
    until: float | None = field(default=None, metadata=MOMENT)
    sentence: str = field(default="for the screen", metadata=ASIDE)


def test_fields_stand_in_their_order_and_what_is_aside_does_not():
    made = Answer("x", {Decision.PROMOTE: Inner(Decision.EXTEND, (0.1, 2.0))}, 0.5)
    assert json.dumps(to_document(made)) == (
        '{"name": "x", "parts": {"PROMOTE": {"decision": "EXTEND", "values": [0.1, 2.0]}}, '
        '"at": "1970-01-01T00:00:00.500Z", "until": null}'
    )


def test_a_word_of_a_closed_list_is_its_value():
    assert type(to_document(Decision.PROMOTE)) is str


def test_numbers_are_not_rounded_and_what_json_lacks_is_the_nearest_it_has():
    third = 1 / 3
    assert to_document([third, math.inf, -math.inf, math.nan]) == [
        third,
        1.7976931348623157e308,
        -1.7976931348623157e308,
        None,
    ]
