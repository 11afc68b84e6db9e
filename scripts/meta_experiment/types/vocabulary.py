"""Closed lists of words; the value is what stands in files, flags and messages."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The stages in the life of an experiment."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    EXPIRED = "expired"
    ARCHIVED = "archived"

    @property
    def is_open(self) -> bool:
        """Whether it has not ended, so that it holds its prompt files."""
        return self in (Status.DRAFT, Status.RUNNING, Status.PAUSED)


class Action(StrEnum):
    """Action that changes files."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    EXPIRE = "expire"


class Decision(StrEnum):
    """Decision that the evidence asks for."""

    PROMOTE = "PROMOTE"
    REJECT = "REJECT"
    EXTEND = "EXTEND"
    INCONCLUSIVE = "INCONCLUSIVE"


class ReasonCode(StrEnum):
    """Reason for the decision; stable, for scripts."""

    # data quality: nothing can be decided on these data
    SAMPLE_RATIO_MISMATCH = "sample_ratio_mismatch"
    SHARES_CHANGED = "shares_changed"
    ATTRITION_DIFFERS = "attrition_differs"
    LATENESS_DIFFERS = "lateness_differs"
    EXPOSURE_UNCONFIRMED = "exposure_unconfirmed"
    DEGENERATE_DATA = "degenerate_data"
    EVIDENCE_STALE = "evidence_stale"
    # readiness
    NO_DATA = "no_data"
    INSUFFICIENT_SAMPLES = "insufficient_samples"
    WAITING_FOR_TRIALS = "waiting_for_trials"
    # guardrails
    GUARDRAIL_FAILED = "guardrail_failed"
    GUARDRAIL_MISSING = "guardrail_missing"
    GUARDRAIL_BEYOND_MARGIN = "guardrail_beyond_margin"
    GUARDRAIL_UNDETERMINED = "guardrail_undetermined"
    ERRORS_RISE = "errors_rise"
    # safety
    SAFETY_HARM = "safety_harm"
    # primary metric
    TREATMENT_BETTER = "treatment_better"
    TREATMENT_WORSE = "treatment_worse"
    EVIDENCE_INSUFFICIENT = "evidence_insufficient"
    INTERRUPTIONS_UNCERTAIN = "interruptions_uncertain"
    MISSING_UNCERTAIN = "missing_uncertain"
    RARE_VALUES_UNCERTAIN = "rare_values_uncertain"
    MEANS_DISAGREE = "means_disagree"
    # practical threshold
    BELOW_THRESHOLD_SO_FAR = "below_threshold_so_far"
    NO_RELATIVE_EFFECT = "no_relative_effect"
    EFFECT_BELOW_THRESHOLD = "effect_below_threshold"
    NO_MEANINGFUL_DIFFERENCE = "no_meaningful_difference"
    # horizon
    HORIZON_REACHED = "horizon_reached"
    FUTILE = "futile"
    RISKS_BELOW_PRICE = "risks_below_price"
    # an alert that the plan lets act
    ALERT_ACTED = "alert_acted"
    # after a promotion
    STILL_BETTER = "still_better"
    REVERSED = "reversed"
    DECAYED = "decayed"


class Direction(StrEnum):
    """Direction that is better."""

    LOWER = "lower"
    HIGHER = "higher"


class Scale(StrEnum):
    """The scales on which values are averaged and compared."""

    RAW = "raw"
    LOG = "log"


class MetricKind(StrEnum):
    """Sort of number that a metric is."""

    CONTINUOUS = "continuous"
    PROPORTION = "proportion"
    COUNT = "count"
    RATIO = "ratio"
    QUANTILE = "quantile"
    PREFERENCE = "preference"


class Unit(StrEnum):
    """Unit of randomisation."""

    SESSION = "session"
    INVOCATION = "invocation"
    USER = "user"
    CASE = "case"


class Stopping(StrEnum):
    """The rules by which a decision is taken."""

    SEQUENTIAL = "sequential"
    FIXED = "fixed"
    BAYESIAN = "bayesian"


class Assignment(StrEnum):
    """Way to draw the variant of a new unit; `external` is not drawn here at all."""

    BLOCK = "block"
    HASH = "hash"
    LEAST_USED = "least_used"
    WEIGHTED = "weighted"
    BANDIT = "bandit"
    RAMP = "ramp"
    EXTERNAL = "external"


class CarryOut(StrEnum):
    """Way in which a team's decision reaches the branch that everybody pulls."""

    PULL_REQUEST = "pull_request"
    COMMIT = "commit"


class Aim(StrEnum):
    """Aim of a bandit: what its uses are spent on."""

    FEW_BAD_USES = "few_bad_uses"
    FIND_BEST = "find_best"


class Comparator(StrEnum):
    """Arm that is run beside the treatments to be compared, and is never promoted.

    `placebo` is the control with a text of the treatment's length that says nothing, `aa` the
    control once more.
    """

    PLACEBO = "placebo"
    AA = "aa"


class Claim(StrEnum):
    """Claim that PROMOTE asserts."""

    BETTER = "better"
    THRESHOLD = "threshold"


class AnalysisType(StrEnum):
    """Test that is reported beside the deciding rule."""

    AUTO = "auto"
    T_TEST = "t_test"
    MANN_WHITNEY = "mann_whitney"
    PROPORTION_TEST = "proportion_test"
    BAYESIAN_AB = "bayesian_ab"


class TrialStatus(StrEnum):
    """Ending of a trial."""

    OK = "ok"
    ERROR = "error"
    INTERRUPTED = "interrupted"
    TIMEOUT = "timeout"


class AlertKind(StrEnum):
    """Alert worth a person's look; the names a plan's acting alerts may use."""

    ERROR_RATE = "error_rate"
    SATISFACTION = "satisfaction"
    REGRESSION = "regression"
    ANOMALY = "anomaly"
    OVER_AGE = "over_age"


class GuardrailState(StrEnum):
    """State of a metric that must not get worse."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNDETERMINED = "undetermined"
    MISSING = "missing"


class Stage(StrEnum):
    """Stage of a question, from idea to learning: of a plan file, or of an experiment."""

    NOTHING = "nothing"
    HYPOTHESIS = "hypothesis"
    MEASUREMENT = "measurement"
    DRAFT = "draft"
    RUNNING = "running"
    DUE = "due"
    ENDED = "ended"
    HOLDOUT = "holdout"
    LEARNED = "learned"


class Skill(StrEnum):
    """The skills of the pack, each for some of the stages."""

    EXPERIMENT_GUIDE = "experiment-guide"
    HYPOTHESIS_DESIGN = "hypothesis-design"
    MEASUREMENT_DESIGN = "measurement-design"
    EXPOSURE_CONTROL = "exposure-control"
    EXPERIMENT_WORKSPACE = "experiment-workspace"
    EVIDENCE_ANALYSIS = "evidence-analysis"
    LEARNING_CAPTURE = "learning-capture"


class Lack(StrEnum):
    """What is missing for the next stage; each belongs to one stage."""

    # nothing
    PLAN = "plan"
    # hypothesis
    HYPOTHESIS = "hypothesis"
    CHANGE = "change"
    METRIC_WORD = "metric_word"
    DIRECTION = "direction"
    REASON = "reason"
    # measurement
    PRIMARY_METRIC = "primary_metric"
    METRIC_DIRECTION = "metric_direction"
    GUARDRAIL_SOURCE = "guardrail_source"
    REACH = "reach"
    # draft
    SOUND_PLAN = "sound_plan"
    FILES = "files"
    NEW_TEXT = "new_text"
    CREATION = "creation"
    START = "start"
    # running
    RESUMPTION = "resumption"
    TRIALS = "trials"
    UNITS = "units"
    EVIDENCE = "evidence"
    GUARDRAIL_WITHIN_MARGIN = "guardrail_within_margin"
    NO_RISE_OF_ERRORS = "no_rise_of_errors"
    WORTHWHILE_EFFECT = "worthwhile_effect"
    CERTAINTY = "certainty"
    # due
    SOUND_DATA = "sound_data"
    ACTION = "action"
    # ended
    LEARNING = "learning"


class Vagueness(StrEnum):
    """What a hypothesis can do without, and is vaguer for."""

    SIZE = "size"
    ONE_CHANGE = "one_change"


class ConflictKind(StrEnum):
    """Way in which a plan is in the way of an experiment that has not ended."""

    SAME_QUESTION = "same_question"
    SAME_FILE = "same_file"
    SAME_UNITS = "same_units"


class Upshot(StrEnum):
    """What an experiment did to its hypothesis."""

    CONFIRMED = "confirmed"
    PARTLY = "partly"
    REFUTED = "refuted"
    OPEN = "open"
