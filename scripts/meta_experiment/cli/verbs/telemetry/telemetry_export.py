"""`telemetry export`: what is new, over OTLP or as lines of JSON."""

from __future__ import annotations

from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import UsageError
from meta_experiment.render.blocks import lines
from meta_experiment.render.telemetry_export import telemetry_page
from meta_experiment.services.telemetry import exporting
from meta_experiment.types.results.telemetry_export import TelemetryExport

_STDOUT = "-"


@verb(example="meta-experiment telemetry export --out events.jsonl")
@click.argument("experiments", metavar="[ID]...", nargs=-1)
@click.option("--otlp", is_flag=True, help="To OTEL_EXPORTER_OTLP_ENDPOINT, by OTLP over HTTP.")
@click.option("--out", metavar="FILE", help="Append JSON lines; - prints all there are.")
@click.option(
    "--within",
    "--timeout",
    type=click.FloatRange(1, 600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="The time that a batch may take.",
)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="The most lines that are printed.",
)
def export_verb(
    place: Place,
    experiments: tuple[str, ...],
    otlp: bool,
    out: str | None,
    within: float,
    limit: int,
) -> Result:
    """Tell of every assignment, exposure, trial and decision that was not told before.

    It reads what is on record, so that no prompt waits for it; no text of a prompt, an
    argument or an answer is in it, and units are digests. META_EXPERIMENT_TELEMETRY=otlp (or
    the path of a file) lets `auto` start it by itself.
    """
    if otlp == (out is not None):
        raise UsageError("Where to? Name one: --otlp, --out FILE, or --out - for the screen.")
    opened = workspace(place, settled=False)
    if out == _STDOUT:
        said = exporting.all_lines(opened, experiments, limit)
        done = TelemetryExport("stdout", {"lines": len(said)}, 0)
        return Result(done, lines(*said))
    if out is not None:
        done = exporting.export_file(opened, experiments, Path(place.directory, out))
    else:
        done = exporting.export_otlp(opened, experiments, within=within)
    return Result(done, telemetry_page(done), exit_code=1 if done.waiting else 0)


command = export_verb
