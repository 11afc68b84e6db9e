"""What a report says of its verdict and its metrics, read out of each of its forms."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from tests.support.gfm import Rendered

from meta_experiment.model.result_document import to_document
from meta_experiment.render.findings import VERDICTS
from meta_experiment.render.html.report_page import report_page
from meta_experiment.render.report_markdown import report_markdown
from meta_experiment.render.report_picture import report_picture
from meta_experiment.render.report_summary import summary
from meta_experiment.render.report_words import between, per_cent
from meta_experiment.render.standing_words import badge, first_sentence
from meta_experiment.render.style import Style
from meta_experiment.render.writers import TEXT, write
from meta_experiment.types import Interval
from meta_experiment.types.results.report_metrics import ResultState

FORMS = ("html", "markdown", "text", "narrow text", "wide text", "picture")
_SPACES = str.maketrans({"\u202f": " ", "\u00a0": " "})


def said_by(form, report):
    """Return decision, badge, finding, and of each metric in order what is said of it."""
    return _READERS[form](report)


def _plain(text):
    return " ".join(text.translate(_SPACES).split())


def _document(report):
    """From the document as it is printed for machines."""
    found = to_document(report)
    rows = []
    for result in found["results"]:
        leading = found["verdict"]["leading"]
        for item in sorted(result["comparisons"], key=lambda it: it["treatment"] != leading):
            relative, interval = item["effect"]["relative"], item["interval"]
            change = "–" if relative is None else per_cent(relative, signed=True)
            rows.append(
                (
                    result["metric"]["label"],
                    item["treatment"] if len(found["series"]) > 1 else "",
                    _plain(change),
                    _plain(between(Interval(0.9, interval["low"], interval["high"]))),
                    ResultState(item["state"]).word,
                )
            )
    said = _plain(first_sentence(report))
    return found["verdict"]["decision"], badge(report)[1], said, rows


class _Page(HTMLParser):
    """Texts of the elements of a page that are looked for, by a key of theirs."""

    def __init__(self, page):
        super().__init__()
        self.stack, self.rows = [], []
        self.decision, self.badge, self.finding = None, "", ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in ("meta", "br", "path", "rect", "input", "link"):
            return
        found = dict(attrs)
        self.stack.append((tag, found))
        self.decision = self.decision or found.get("data-decision")
        if "data-metric" in found:
            self.rows.append([found["data-treatment"], []])
        if self.rows and tag in ("th", "td", "small"):
            self.rows[-1][1].append([tag, ""])

    def handle_startendtag(self, *_):
        pass

    def handle_endtag(self, tag):  # noqa: ARG002 - as it is called
        self.stack.pop()

    def handle_data(self, data):
        keys = [found for _, found in self.stack]
        if any(found.get("id") == "headline" for found in keys):
            self.finding += data
        if any("data-decision" in found for found in keys):
            self.badge += data
        inside = any("data-metric" in found for found in keys)
        if inside and not any("aria-hidden" in found for found in keys):
            self.rows[-1][1][-1][1] += data


def _html(report):
    page = _Page(report_page(report))
    rows = []
    for treatment, cells in page.rows:
        (_, label), _, _, (_, change), (_, interval), (_, state) = cells[:6]
        several = treatment if len(report.series) > 1 else ""
        told = (
            label.removesuffix(several),
            several,
            *map(_plain, (change, interval)),
            _word(state),
        )
        rows.append(told)
    return page.decision, page.badge[2:], _plain(page.finding), rows


def _word(state):
    return state.strip().lstrip("✓✗?! ").strip()


def _markdown(report):
    text = report_markdown(report)
    read = Rendered(text.partition("<details>")[0])
    decision = re.search(r"Evidence: (\w+) \(", read.text)[1]
    title = read.headings[0][1]
    rows = []
    for cells in read.rows[1:]:
        label, _, treatment = cells[0].partition(", ")
        label = re.sub(r" \(.*\)$", "", label)
        rows.append((label, treatment, *map(_plain, cells[1:3]), _word(cells[4])))
    return decision, *_badge(report, title), rows


def _badge(report, title):
    """Return the badge that a title begins with, and what goes on after it."""
    words = {word for _, word, _ in VERDICTS.values()} | {badge(report)[1]}
    word = next(it for it in sorted(words, key=len)[::-1] if title[2:].startswith(it))
    return word, _plain(title[2 + len(word) :].removeprefix(":"))


def _text_at(width):
    def read(report):
        text = write(TEXT, summary(report), Style(width=width))
        return _lines(report, text)

    return read


def _lines(report, text):
    found = re.search(r"\n(\S [^\n]+?)  (.*?)\s([A-Z]+) \(\w+\): ", text, re.DOTALL)
    title, finding, decision = found.groups()
    drawn = text.partition("← worse")[2].partition("\n\n")[0].splitlines()[1:]
    rows = []
    for line, (label, treatment, _, interval, _) in zip(
        drawn, _document(report)[-1], strict=True
    ):
        head, state = re.split(r"(?<=%|–)  +", line.rstrip(), maxsplit=1)[0], line
        change = re.search(r"((?:over |below )?[+−]?[\d.]+%|–) {2,}\S", line)[1]
        words = sorted((it.word for it in ResultState), key=len, reverse=True)
        word = next(it for it in words if state.rstrip().endswith(it))
        assert head.strip().startswith(label[:10])
        assert treatment[:8] in line
        assert interval in line or len(line) < 110
        rows.append((label, treatment, change, interval, word))
    return decision, title[2:], _plain(finding), rows


def _picture(report):
    light, dark = report_picture(report, "x.svg").files.values()
    assert re.sub("#[0-9a-f]+", "", light) == re.sub("#[0-9a-f]+", "", dark)
    space = "{http://www.w3.org/2000/svg}"
    root = ET.fromstring(light)  # noqa: S314 - our own
    title = _plain(root.find(f"{space}title").text)
    texts = [it.text for it in root.iter(f"{space}text")]
    drawn = texts[texts.index("better →") + 4 :]
    rows = []
    for at in range(0, len(drawn), 4):
        label, change, interval, state = drawn[at : at + 4]
        name, _, treatment = label.partition(", ")
        rows.append((name, treatment, _plain(change), _plain(interval), _word(state)))
    return report.verdict.decision.value, *_badge(report, title), rows


_READERS = {
    "document": _document,
    "html": _html,
    "markdown": _markdown,
    "text": _text_at(0),
    "narrow text": _text_at(80),
    "wide text": _text_at(200),
    "picture": _picture,
}
