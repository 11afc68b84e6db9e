"""Events over OTLP, by the official SDK, which is an extra: trials as spans, the rest as logs.

The SDK makes the records. They are handed to its exporters here, one batch after the other, so
that what got through is known; nothing runs on in the background.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from meta_experiment import __version__
from meta_experiment.errors import DependencyError, NetworkError
from meta_experiment.files.installed import install_hint
from meta_experiment.outbound.telemetry.attribute_names import (
    EVENT_NAMES,
    SCHEMA_URL,
    SCOPE,
    attributes_of,
)
from meta_experiment.types.telemetry import TelemetryEvent, TelemetryKind

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

_DISABLED = "OTEL_SDK_DISABLED"
_NANO = 1_000_000_000
_FAULTY = ("error", "timeout")  # statuses of trials


def require_otlp(environment: Mapping[str, str]) -> None:
    """Refuse where nothing could be sent.

    Raises:
        DependencyError: the SDK is not installed, or is switched off.
    """
    if environment.get(_DISABLED, "").strip().lower() == "true":
        raise DependencyError(
            f"OpenTelemetry is switched off by {_DISABLED}.", hint=f"Unset {_DISABLED}."
        )
    try:
        import opentelemetry.exporter.otlp.proto.http
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            f"Telemetry needs {error.name or error}, which is not installed.",
            hint=install_hint("telemetry"),
        ) from error


def send_otlp(events: Sequence[TelemetryEvent], *, within: float) -> None:
    """Send events to where `OTEL_EXPORTER_OTLP_ENDPOINT` and its like say.

    Raises:
        NetworkError: not all arrived within so many seconds; those that did may come again.
    """
    import logging

    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs.export import LogRecordExportResult
    from opentelemetry.sdk.trace.export import SpanExportResult

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # what failed is told below
    trials = [item for item in events if item.kind is TelemetryKind.TRIAL]
    others = [item for item in events if item.kind is not TelemetryKind.TRIAL]
    done = []
    if trials:
        spans = OTLPSpanExporter(timeout=math.ceil(within))
        done.append(spans.export(_spans(trials)) is SpanExportResult.SUCCESS)
        spans.shutdown()  # type: ignore[no-untyped-call]
    if others and all(done):
        logs = OTLPLogExporter(timeout=math.ceil(within))
        done.append(logs.export(_logs(others)) is LogRecordExportResult.SUCCESS)
        logs.shutdown()  # type: ignore[no-untyped-call]
    if not all(done):
        raise NetworkError(
            "The OTLP endpoint took no events in time.",
            hint="See OTEL_EXPORTER_OTLP_ENDPOINT; the default is http://localhost:4318.",
        )


def _resource() -> Resource:
    from opentelemetry.sdk.resources import Resource

    return Resource.create({"service.name": SCOPE, "service.version": __version__})


def _spans(events: Sequence[TelemetryEvent]) -> tuple[ReadableSpan, ...]:
    """Make a span of each trial, whose ids are the same whenever it is sent."""
    from opentelemetry.sdk.trace import TracerProvider, sampling
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.trace import Status, StatusCode

    class _KnownIds(IdGenerator):
        """The ids of the event at hand."""

        event: TelemetryEvent

        def generate_trace_id(self) -> int:
            return _trace_id(self.event)

        def generate_span_id(self) -> int:
            return _span_id(self.event)

    made, ids = InMemorySpanExporter(), _KnownIds()
    provider = TracerProvider(
        resource=_resource(),
        id_generator=ids,
        sampler=sampling.ALWAYS_ON,
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(made))
    tracer = provider.get_tracer(SCOPE, __version__, SCHEMA_URL)
    for event in events:
        ids.event = event
        span = tracer.start_span(
            EVENT_NAMES[event.kind],
            attributes=attributes_of(event),
            start_time=_nanoseconds(event.at if event.began is None else event.began),
        )
        if event.status in _FAULTY:
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(event.at))
    return made.get_finished_spans()


def _logs(events: Sequence[TelemetryEvent]) -> tuple[ReadableLogRecord, ...]:
    """Make a log record with an event name of each; those of a trial are of its trace."""
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import (
        InMemoryLogRecordExporter,
        SimpleLogRecordProcessor,
    )

    made = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(made))
    logger = provider.get_logger(SCOPE, __version__, SCHEMA_URL)
    for event in events:
        logger.emit(
            LogRecord(
                timestamp=_nanoseconds(event.at),
                context=_context(event),
                severity_number=SeverityNumber.INFO,
                attributes=attributes_of(event),
                event_name=EVENT_NAMES[event.kind],
            )
        )
    return tuple(made.get_finished_logs())


def _context(event: TelemetryEvent) -> Context | None:
    if event.trial_identity is None:
        return None
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    flags = TraceFlags(TraceFlags.SAMPLED)
    context = SpanContext(_trace_id(event), _span_id(event), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(context))


def _trace_id(event: TelemetryEvent) -> int:
    return int((event.trial_identity or event.identity)[:32], 16)


def _span_id(event: TelemetryEvent) -> int:
    return int((event.trial_identity or event.identity)[32:48], 16)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * _NANO)
