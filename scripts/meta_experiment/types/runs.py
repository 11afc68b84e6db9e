"""Runs: the words for one variant tried on one case, outside of live use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.cases import CriterionResult
from meta_experiment.types.vocabulary import TrialStatus


@dataclass(frozen=True, slots=True)
class RunCell:
    """One variant on one case, for the n-th time (`repeat` counts from 1)."""

    case_id: str
    repeat: int
    variant: str

    @property
    def name(self) -> str:
        """What its folder and its trial are called."""
        return f"{self.case_id}.{self.repeat}.{self.variant}"


@dataclass(frozen=True, slots=True)
class Contest:
    """The runs of all variants on one case for the n-th time, held against each other."""

    case_id: str
    repeat: int

    @property
    def name(self) -> str:
        """What its record is called."""
        return f"{self.case_id}.{self.repeat}"


@dataclass(frozen=True, slots=True)
class RunBlock:
    """All variants on one case for the n-th time, in the order in which they are started.

    Where it is `contested` a judge holds them against each other before it counts.
    """

    case_id: str
    repeat: int
    variants: tuple[str, ...]
    contested: bool = False

    @property
    def cells(self) -> tuple[RunCell, ...]:
        """The runs of the block."""
        return tuple(RunCell(self.case_id, self.repeat, item) for item in self.variants)

    @property
    def contest(self) -> Contest:
        """What holds them against each other."""
        return Contest(self.case_id, self.repeat)


class FailureKind(StrEnum):
    """Whose fault it was that a run came to nothing.

    `machine`: no network, an overloaded service, a missing answer of the transport: the block
    is set aside. `agent`: what the prompt is to blame for: it counts. `setup`: nothing can run
    as it is, so all stops. `cap`: it used up what one run may spend: it counts. `ours`: this
    program ended it.
    """

    MACHINE = "machine"
    AGENT = "agent"
    SETUP = "setup"
    CAP = "cap"
    OURS = "ours"

    @property
    def counts(self) -> bool:
        """Whether the run is evidence all the same: the variant is to blame."""
        return self in (FailureKind.AGENT, FailureKind.CAP)


class Capability(StrEnum):
    """How much may be left to a model, as far as its runs show; few runs show nothing."""

    WEAK = "weak"
    BALANCED = "balanced"
    FRONTIER = "frontier"


@dataclass(frozen=True, slots=True)
class Failure:
    """Failure of a run, with a sentence for the user."""

    kind: FailureKind
    reason: str


@dataclass(frozen=True, slots=True)
class Spent:
    """Price of a run: `usd` and `tokens` are None where not known, which is not nothing.

    One that was `cut` off before it could say so may have taken as much as any.
    """

    usd: float | None = None
    tokens: float | None = None
    cut: bool = False

    def __add__(self, other: Spent) -> Spent:
        """Return both together: of no known price where one is of none."""
        usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        known = None not in (self.tokens, other.tokens)
        tokens = (self.tokens or 0.0) + (other.tokens or 0.0) if known else None
        return Spent(usd, tokens, self.cut or other.cut)


@dataclass(frozen=True, slots=True)
class Pledge:
    """What a share of runs may take of its cap: spent, until it says what it really took."""

    usd: float | None = None
    tokens: float | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What a run took, and a judge who was asked about it: paid, but no cost of the variant."""

    work: Spent = Spent(0.0, 0.0)
    judging: Spent = Spent(0.0, 0.0)

    @property
    def whole(self) -> Spent:
        """Both together."""
        return self.work + self.judging


@dataclass(frozen=True, slots=True)
class AgentReport:
    """What an agent's run came to, as its adapter reads it.

    `received` says whether the arm's text was seen to reach the agent; None where the agent
    cannot tell and the file was in its place. `output` is its last answer, what criteria read;
    `tools` the names of the tools it used, in their order, and `tool_inputs` what each was
    given, as text; None where that is not known. `fingerprint` is what it ran on.
    """

    status: TrialStatus
    output: str
    metrics: Mapping[str, float]
    spent: Spent
    received: bool | None = None
    failure: Failure | None = None
    tools: tuple[str, ...] = ()
    tool_inputs: tuple[str, ...] | None = None
    fingerprint: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """The end of a cell: what the agent reported and how its work was judged.

    Times are seconds since the epoch. `attempts` is how often it was started. `judging` is what
    a model took that judged the work: it is paid, but is no cost of the variant. `judge` is
    which one that was, none where it is empty, and `judge_model` its model.
    """

    cell: RunCell
    report: AgentReport
    criteria: tuple[CriterionResult, ...]
    started: float
    ended: float
    attempts: int = 1
    judging: Spent = Spent(0.0, 0.0)
    judge: str = ""
    judge_model: str = ""

    @property
    def failure(self) -> Failure | None:
        """Why it did not end well."""
        return self.report.failure

    @property
    def bill(self) -> Bill:
        """What it took, work and verdict."""
        return Bill(self.report.spent, self.judging)

    @property
    def awaits_verdict(self) -> bool:
        """Whether somebody may still judge it."""
        return any(item.is_open for item in self.criteria)


@dataclass(frozen=True, slots=True)
class PreferenceResult:
    """Verdict by one criterion on the works of a treatment and the control.

    `preferred` is 1 where it is the treatment's, 0 where it is the control's and ½ where it is
    neither, or another one in another order; None where there is no verdict. `answers` are
    those in each order: in the first the control's work was read first. None is no answer.
    """

    name: str
    treatment: str
    weight: float
    preferred: float | None
    detail: str = ""
    answers: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class ContestOutcome:
    """End of a contest: what a judge prefers, which judge of which model, what that took.

    `began` tells the runs it is about: when each was started, the control's first. `checks`
    are verdicts on each run by itself, by variant, where it was judged once more.
    """

    cell: Contest
    results: tuple[PreferenceResult, ...]
    judge: str
    judge_model: str = ""
    began: tuple[float, ...] = ()
    checks: Mapping[str, tuple[CriterionResult, ...]] = field(default_factory=dict)
    spent: Spent = Spent(0.0, 0.0)
    failure: Failure | None = None

    @property
    def bill(self) -> Bill:
        """What it took: questions alone."""
        return Bill(judging=self.spent)

    def preferred(self, treatment: str) -> float | None:
        """Return how far a treatment is preferred, of 1; None where a verdict is missing."""
        found = [item for item in self.results if item.treatment == treatment]
        known = [(item.weight, item.preferred) for item in found if item.preferred is not None]
        if not found or len(known) < len(found):
            return None
        return sum(weight * share for weight, share in known) / sum(w for w, _ in known)


@dataclass(frozen=True, slots=True)
class CellRecord:
    """What is on record of a cell: its outcome, else what became of its last attempt.

    `failure` says why that came to nothing; it is None while the attempt goes on.
    """

    cell: RunCell
    outcome: CellOutcome | None = None
    failure: Failure | None = None
    attempts: int = 1
