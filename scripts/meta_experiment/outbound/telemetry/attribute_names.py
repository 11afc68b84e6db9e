"""Every name that telemetry uses: one table, as none of the standard's is stable yet.

Feature flags: OpenTelemetry's semantic conventions, where an evaluation is a log record whose
event name is `feature_flag.evaluation`. Generative AI: conventions of their own. `experiment.*`
is what agentic workflows use. What no standard names is ours.
"""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.types.telemetry import TelemetryEvent, TelemetryKind

SCHEMA_URL = "https://opentelemetry.io/schemas/1.40.0"
SCOPE = "meta-experiment"
PROVIDER = "meta-experiment"

EVENT_NAMES = {
    TelemetryKind.ASSIGNED: "feature_flag.evaluation",
    TelemetryKind.EXPOSED: "meta_experiment.exposure",
    TelemetryKind.TRIAL: "meta_experiment.trial",
    TelemetryKind.DECIDED: "meta_experiment.decision",
}
ATTRIBUTES = {  # field of an event -> the attributes that hold it
    "experiment_id": ("experiment.name", "feature_flag.key"),
    "variant": ("experiment.variant", "feature_flag.result.variant"),
    "run_count": ("experiment.run_count",),
    "plan_version": ("feature_flag.version",),
    "unit": ("feature_flag.context.id",),
    "session_id": ("session.id",),  # this and the next as Claude Code's own events name them
    "prompt_id": ("prompt.id",),
    "model": ("gen_ai.request.model", "gen_ai.response.model"),
    "identity": ("meta_experiment.event.id",),
    "trial_id": ("meta_experiment.trial.id",),
    "status": ("meta_experiment.trial.status",),
    "excluded": ("meta_experiment.trial.excluded",),
    "decision": ("meta_experiment.decision",),
    "reason_code": ("meta_experiment.reason_code",),
    "action": ("meta_experiment.action",),
    "improvement": ("meta_experiment.improvement",),
    "e_value": ("meta_experiment.e_value",),
}
REASON = ("feature_flag.result.reason", "split")  # the standard's word for a share of a draw
FLAG_PROVIDER = ("feature_flag.provider.name", PROVIDER)
OPERATION = ("gen_ai.operation.name", "invoke_agent")
USAGE = {
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation_tokens": "gen_ai.usage.cache_creation.input_tokens",
}
INPUT_TOKENS = "gen_ai.usage.input_tokens"
_INPUTS = ("input_tokens", "cache_read_tokens", "cache_creation_tokens")
METRIC = "meta_experiment.metric."
MODEL_PROVIDER = "gen_ai.provider.name"
_MODEL_PROVIDERS = {"claude": "anthropic", "gpt": "openai", "gemini": "gcp.gemini"}

Value = str | bool | int | float


def attributes_of(event: TelemetryEvent) -> dict[str, Value]:
    """Return the attributes of an event; what is not known is left out."""
    found: dict[str, Value] = {}
    for field, names in ATTRIBUTES.items():
        value = getattr(event, field)
        if value is not None:
            found |= dict.fromkeys(names, value)
    found |= dict((FLAG_PROVIDER,))
    if event.kind in (TelemetryKind.ASSIGNED, TelemetryKind.EXPOSED):
        found |= dict((REASON,))
    if event.kind is TelemetryKind.TRIAL:
        found |= dict((OPERATION,)) | dict(_measured(event))
    return found


def _measured(event: TelemetryEvent) -> Iterator[tuple[str, Value]]:
    """Yield what was measured of a trial; the standard's input tokens hold the cached ones."""
    inputs = [event.metrics[name] for name in _INPUTS if name in event.metrics]
    if "input_tokens" in event.metrics:
        yield INPUT_TOKENS, round(sum(inputs))
    for name, value in event.metrics.items():
        if name in USAGE:
            yield USAGE[name], round(value)
        elif name != "input_tokens":
            yield METRIC + name, value
    family = (event.model or "").partition("-")[0]
    if family in _MODEL_PROVIDERS:
        yield MODEL_PROVIDER, _MODEL_PROVIDERS[family]
