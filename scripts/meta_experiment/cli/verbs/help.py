"""`help`: what a verb, a kind of error, a reason code or another word means."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.manual import found
from meta_experiment.render.manual import manual_page


@verb(
    example=(
        "meta-experiment help promote\n"
        "  meta-experiment help runs show\n"
        "  meta-experiment help evidence_insufficient\n"
        "  meta-experiment help guardrail\n"
        "  meta-experiment help --as-of"
    )
)
@click.argument("words", metavar="[TOPIC]...", nargs=-1)
def help_verb(place: Place, words: tuple[str, ...]) -> Result:
    """Explain a verb, an option, a decision, a reason code, an error, a metric or another word.

    Each page says what its subject means and what to do next, as the reference in
    `docs/reference` and the manual pages do. Without a word it names all that is explained.
    """
    del place
    answer = found(" ".join(words))
    return Result(answer, manual_page(answer), paged=True)


command = help_verb
command.ignore_unknown_options = True  # an option is a topic as well
