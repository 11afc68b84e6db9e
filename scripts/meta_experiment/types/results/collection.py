"""What a collection brought, and what of the data did not count."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass
from meta_experiment.types.results.board import Instant
from meta_experiment.types.vocabulary import Decision, ReasonCode


@dataclass(frozen=True, slots=True)
class CollectedArm:
    """Units of one arm that count, and those that were seen in another as well."""

    units: int
    tainted: int


@dataclass(frozen=True, slots=True)
class CollectedMetric:
    """Units with a value of a metric, of those that count, and events that were left out."""

    units: int
    missing: int
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LateData:
    """Day that the engine tells otherwise than when it was decided on, by so many units."""

    day: str
    units: int


@dataclass(frozen=True, slots=True)
class Collection:
    """Sums of an experiment as an engine computed them, and what was kept of them.

    `mapping` is the digest of what was read, `engine` where, without a secret. `through` is the
    last day whose windows are over, None where there is no time. `added` are the days that
    were new. `rows` are those of the exposures; of `left_out` rows and units each has a reason.
    """

    experiment_id: str
    engine: str
    mapping: str
    as_of: Instant
    through: str | None
    added: int
    days: int
    arms: Mapping[str, CollectedArm]
    metrics: Mapping[str, CollectedMetric]
    rows: int
    left_out: Mapping[str, int]
    late: tuple[LateData, ...]
    decision: Decision
    reason_code: ReasonCode
    reason: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CollectionQuery:
    """Queries of a collection in the words of one engine; nothing was asked."""

    dialect: str
    queries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """Text of a mapping file as it was guessed from tables that were found."""

    text: str
    tables: tuple[str, ...]


CollectionAnswer = Collection | CollectionQuery | MappingDraft
