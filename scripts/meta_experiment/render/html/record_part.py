"""What was changed and planned, what happened, and how to get all of it again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from meta_experiment.render.findings import change_finding
from meta_experiment.render.html.page import folded, own, section, table
from meta_experiment.render.markup import Content, Markup, element, joined
from meta_experiment.render.plan_words import plan_rows
from meta_experiment.render.report_words import day, moment, moved, name, setting
from meta_experiment.render.words import counted
from meta_experiment.types.results.report import PromptDiff, ReportDocument, ReportPrompt

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_LONGEST_LINE = 600  # of which the words are compared
_MOST_LINES = 4_000
_ABOUT = {
    "Point and line": """The point is the estimate. The line is the interval in which the true
        change lies; it leaves zero just where the evidence reaches its bar.""",
    "Evidence": """What a fair bet against chance would have grown to: 20 to 1 is what chance
        alone reaches in at most one of twenty experiments, however often one looks.""",
    "Open": """Not settled yet: more units may tell. It does not mean that there is no
        effect.""",
    "Guardrail": """A metric that may not get worse by more than its margin. It holds when that
        is shown, and it is broken when the opposite is. Else it is open, or beyond its margin
        where the estimate is: that holds a promotion back, though it is not proven.""",
}


def change_part(report: ReportDocument) -> Markup | None:
    """Write the words of the prompt that change."""
    if not report.prompts:
        return None
    return section("change", change_finding(report), *map(_prompt, report.prompts))


def _prompt(prompt: ReportPrompt) -> Markup:
    versions = ", ".join(
        f"{name(arm, 40)} {counted(it.lines, 'line')}" for arm, it in prompt.versions.items()
    )
    return joined(
        element("h3", own(name(prompt.path))),
        element("p", own(versions), class_="soft"),
        *(_diff(prompt, item) for item in prompt.diffs),
    )


def _diff(prompt: ReportPrompt, item: PromptDiff) -> Markup:
    arm = name(item.treatment, 40)
    counts = f"{arm}: {counted(item.added, 'line')} in, {item.removed:,} out"
    if not item.diff:
        return element("p", own(f"{counts}; its words are not shown here."), class_="soft")
    shown = element(
        "pre",
        *_lines(item.diff),
        tabindex="0",
        role="group",
        aria_label=f"Change of {name(prompt.path)} by {arm}",
    )
    return folded(counts, shown, open_=len(item.diff) < 6_000)


def _lines(diff: str) -> Iterator[Markup]:
    """Write a unified diff, in blocks that were changed the words that changed marked."""
    from meta_experiment.files.content_diff import marked_lines  # takes long to load

    out: list[str] = []
    into: list[str] = []
    lines = list(marked_lines(diff))
    for mark, line in lines[:_MOST_LINES]:
        if mark == "-":
            if into:
                yield from _block(out, into)
                out, into = [], []
            out.append(line[1:])
        elif mark == "+":
            into.append(line[1:])
        else:
            yield from _block(out, into)
            out, into = [], []
            if mark or not line.startswith(("diff ", "---", "+++")):
                yield element("span", line or " ", class_="place" if mark == "@" else None)
    yield from _block(out, into)
    if len(lines) > _MOST_LINES:
        yield element("span", f"… {len(lines) - _MOST_LINES:,} more lines", class_="place")


def _block(out: Sequence[str], into: Sequence[str]) -> Iterator[Markup]:
    marked = [
        _marked(before, after) if before is not None and after is not None else (before, after)
        for before, after in zip_longest(out, into)
    ]
    for before, _ in marked:
        if before is not None:
            yield element("span", "− ", before, class_="out")
    for _, after in marked:
        if after is not None:
            yield element("span", "+ ", after, class_="in")


def _marked(before: str, after: str) -> tuple[Content, Content]:
    if max(len(before), len(after)) > _LONGEST_LINE:
        return before, after
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    from difflib import SequenceMatcher  # takes long to load

    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < 0.35:
        return before, after
    left: list[Content] = []
    right: list[Content] = []
    for what, i, i_end, j, j_end in matcher.get_opcodes():
        one, other = "".join(old[i:i_end]), "".join(new[j:j_end])
        if what == "equal":
            left.append(one)
            right.append(other)
            continue
        left += [element("mark", one)] if one else []
        right += [element("mark", other)] if other else []
    return left, right


def plan_part(report: ReportDocument) -> Markup:
    """Write what was planned, what was amended, and what happened since."""
    amended = report.amendments
    heading = "The plan, unchanged since it was fixed"
    if amended:
        heading = f"The plan, amended {counted(len(amended), 'time')}"
    facts = [(about, own(told)) for about, told in plan_rows(report)]
    return section(
        "plan",
        heading,
        table("The plan", ("What", "As planned"), facts, cards=True),
        _amendments(report),
        _notes(report),
        folded("What happened", _events(report)) if report.events else None,
    )


def _amendments(report: ReportDocument) -> Markup | None:
    if not report.amendments:
        return None
    return table(
        "Amendments",
        ("When", "What", "Before", "After", "Trials then", "Why"),
        (
            (
                day(it.at), own(name(it.key, 60)), own(setting(it.before)),
                own(setting(it.after)), f"{it.trials_before:,}", own(name(it.why, 300)),
            )
            for it in report.amendments
        ),
        numbers=(4,),
        cards=True,
    )  # fmt: skip


def _notes(report: ReportDocument) -> Markup | None:
    if not report.notes:
        return None
    items = [element("li", own(name(note, 1_000))) for note in report.notes[:40]]
    return folded(
        f"{counted(len(report.notes), 'note')} of the analysis", element("ul", *items)
    )


def _events(report: ReportDocument) -> Markup:
    return element(
        "ol",
        *(
            element(
                "li",
                element("b", own(name(it.verb, 40))),
                f" {moved(it.before, it.after)}",
                element("small", moment(it.at), " ", own(name(it.reason, 300))),
            )
            for it in report.events
        ),
        class_="steps",
    )


def again_part(report: ReportDocument) -> Markup:
    """Write what the report rests on, and the commands that make it again."""
    made = report.provenance
    left_out = (
        (made.set_aside, "damaged line"),
        (made.conflicts, "conflict"),
        (made.apart, "other log"),
    )
    rows: list[tuple[Content, ...]] = [
        ("Program", f"meta-experiment {made.program}, Python {made.python}"),
        ("Plan", element("code", made.plan_sha256[:16])),
        (
            "Data",
            joined(
                f"{counted(made.trials, 'trial')}, ", element("code", made.data_sha256[:16])
            ),
        ),
        ("Seed", f"{made.seed}"),
        ("Not counted", ", ".join(counted(many, noun) for many, noun in left_out)),
    ]
    if made.commit:
        rows.append(("Commit", element("code", name(made.commit, 16))))
    return section(
        "again",
        "How to get this report again",
        element(
            "pre",
            *(element("span", name(line, 400)) for line in made.commands),
            tabindex="0",
            role="group",
            aria_label="Commands",
        ),
        table("What it rests on", ("What", "Which"), rows, cards=True),
        folded(
            "How to read this page",
            element(
                "dl",
                *(
                    joined(element("dt", word), element("dd", " ".join(said.split())))
                    for word, said in _ABOUT.items()
                ),
                class_="about",
            ),
        ),
    )
