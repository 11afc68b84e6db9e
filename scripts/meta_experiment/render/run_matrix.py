"""Page of `runs matrix`: the workflow, or what its jobs will do."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import Facts, Heading, Page, Text, lines, remarks
from meta_experiment.types.results.run_matrix import MatrixResult


def matrix_page(done: MatrixResult) -> Page:
    """Show the workflow where it was not written, else what it does."""
    path = done.path
    if path is None:
        return lines(*done.workflow.rstrip("\n").split("\n"))
    head = Heading(words.name(done.experiment_id), path)
    return ((head, Facts(tuple(_facts(done, path)))), *remarks(done.notes))


def _facts(done: MatrixResult, path: str) -> Iterator[tuple[Text, Text]]:
    runs = (
        f"{min(done.runs)}"
        if len({*done.runs}) == 1
        else f"{min(done.runs)} to {max(done.runs)}"
    )
    yield "Jobs", f"{len(done.runs)}, of {runs} runs each"
    if done.usd_of_a_job is not None:
        yield "Of a job", f"at most ${done.usd_of_a_job:.2f}"
    if done.tokens_of_a_job is not None:
        yield "Of a job", f"at most {done.tokens_of_a_job:,.0f} tokens"
    for secret in done.secrets:
        yield "Set once", f"gh secret set {secret}"
    yield "Next", "commit and push it, then: gh workflow run " + path.rsplit("/", 1)[-1]
