"""The picture of a report for a README: a pair of files, and the lines that show them."""

from __future__ import annotations

from meta_experiment.errors import UsageError
from meta_experiment.records import dataclass
from meta_experiment.render.pictures.forest_file import SCHEMES, forest_svg, said, snippet
from meta_experiment.render.report_figures import true_change
from meta_experiment.render.report_forest import forest
from meta_experiment.render.report_words import name
from meta_experiment.render.standing_words import badge, whole_sentence
from meta_experiment.render.words import counted
from meta_experiment.types.results.report import ReportDocument

_ENDING = ".svg"


@dataclass(frozen=True, slots=True)
class PicturePair:
    """Files by their names, and the lines by which a page shows one or the other."""

    files: dict[str, str]
    snippet: tuple[str, ...]


def report_picture(report: ReportDocument, named: str) -> PicturePair:
    """Draw a report for light and for dark; NAME.svg makes NAME.light.svg and NAME.dark.svg.

    Raises:
        UsageError: the name is none of a picture.
    """
    if not named.endswith(_ENDING):
        raise UsageError(
            f"--svg {name(named)}: expected a name that ends in {_ENDING}, which two files "
            "are called after.",
            hint="meta-experiment report ID --svg docs/review.svg",
        )
    names = [f"{named.removesuffix(_ENDING)}.{scheme}{_ENDING}" for scheme in SCHEMES]
    title, about = f"{badge(report)[0]} {whole_sentence(report)}", _about(report)
    drawn = forest(report.results, report.verdict.leading, report.plan.improvement_threshold)
    files = {
        path: forest_svg(drawn, title, about, scheme)
        for path, scheme in zip(names, SCHEMES, strict=True)
    }
    light, dark = names
    return PicturePair(files, snippet(light, dark, f"{title}. {said(drawn, about)}"))


def _about(report: ReportDocument) -> str:
    """Say in a line of what kind the lines are, and how much stands behind them."""
    change = true_change(report)
    compared = {name(arm, 24): flow.compared for arm, flow in report.flow.items()}
    units = [f"{counted(many, report.unit.value)} with {arm}" for arm, many in compared.items()]
    return " · ".join((*((change[1],) if change else ()), ", ".join(units)))
