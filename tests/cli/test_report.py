"""A report tells the same in every form, is bounded, and can do nothing by itself."""

import json
import math
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from tests.cli.conftest import COMMAND
from tests.support.hostile import poisoned

from meta_experiment.decide.reporting.distributions import BINS
from meta_experiment.decide.reporting.looks import MOST
from meta_experiment.files.roots import Layout
from meta_experiment.render.findings import headline, impact_finding
from meta_experiment.render.html.page import POLICY
from meta_experiment.render.html.report_page import report_page
from meta_experiment.render.pictures.forest_file import SCHEMES
from meta_experiment.render.report_words import THIN
from meta_experiment.services.reporting.reporting import report
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.report import ExpectedImpact, ImpactItem

ELEMENTS = """
html head meta title style body main header section nav footer p h1 h2 h3 a b span bdi code
pre small mark ul ol li dl dt dd div table caption thead tbody tr th td details summary
figure figcaption svg desc path rect text
"""
PLAIN = frozenset(ELEMENTS.split())
ARMS = ("control", "treatment")
NUMBER = re.compile("[+−]?[0-9.]+(?=%)")


class Reader(HTMLParser):
    """Reads a page: its elements with their attributes, and the text of each row."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.stack, self.texts = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if not self.get_starttag_text().endswith("/>"):
            self.stack.append((tag, len(self.texts), dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        name, start, attributes = self.stack.pop()
        assert name == tag, f"{tag} ends {name}"
        attributes["text"] = "".join(self.texts[start:])
        self.elements.append((f"/{tag}", attributes))

    def handle_data(self, data):
        self.texts.append(data)

    def having(self, tag, key):
        return [found for name, found in self.elements if name == f"/{tag}" and key in found]


@pytest.fixture
def decided(project):
    """An experiment that is decided, with a guardrail and a metric beside."""
    made = project.create("--guardrail", "cost_usd:20%", "--secondary", "turns")
    lines = [
        {
            "experiment": made,
            "variant": variant,
            "trial_id": f"{variant}-{number}",
            "metrics": {
                "duration_seconds": (100 + 7 * (number % 9)) * factor,
                "cost_usd": 0.1 + 0.01 * (number % 5),
                "turns": number % 4,
            },
            "fingerprint": {"model": "model-a" if number < 9 else "model-b"},
        }
        for number in range(18)
        for variant, factor in (("control", 1.0), ("treatment", 0.6))
    ]
    project.stdin("record", "--stdin", lines=lines)
    return made


def page_of(project, made, *flags):
    target = project.root.parent / "report.html"
    project("report", made, "--html", str(target), *flags)
    return target.read_text("utf-8")


def test_the_page_tells_the_verdict_and_the_numbers_of_the_document(project, decided):
    moment = "2999-01-01T00:00:00Z"
    document = project("report", decided, "--as-of", moment, "--json").json
    analysis = project("analyze", decided, "--json").json
    page = Reader(page_of(project, decided, "--as-of", moment))
    assert document["verdict"]["decision"] == analysis["decision"] == "PROMOTE"
    (badge,) = page.having("span", "data-decision")
    assert badge["data-decision"] == "PROMOTE"
    gates = [(it["data-gate"], it["data-state"]) for it in page.having("li", "data-gate")]
    assert gates == [(it["gate"], it["state"]) for it in document["gates"]]
    rows = page.having("tr", "data-metric")
    told = [
        (result["metric"]["name"], item)
        for result in document["results"]
        for item in result["comparisons"]
    ]
    assert [it["data-metric"] for it in rows] == [name for name, _ in told]
    for row, (_, item) in zip(rows, told, strict=True):
        assert row["data-state"] == item["state"]
        shown = [float(it.replace("−", "-")) / 100 for it in NUMBER.findall(row["text"])][-3:]
        expected = (
            item["effect"]["relative"],
            item["interval"]["low"],
            item["interval"]["high"],
        )
        assert shown == pytest.approx(expected, rel=0.06)


def test_the_document_says_what_the_analysis_says(project, decided):
    document = project("report", decided, "--json").json
    analysis = project("analyze", decided, "--json").json
    (comparison,) = analysis["primary"]["comparisons"]
    (told,) = document["results"][0]["comparisons"]
    last = document["series"][0]["points"][-1]
    evidence = comparison["sequential"]
    assert told["interval"] == evidence["interval"]
    assert (last["low"], last["high"]) == (told["interval"]["low"], told["interval"]["high"])
    assert math.exp(last["log_better"]) == pytest.approx(evidence["e_promote"], rel=1e-12)
    assert last["effect"] == told["effect"]["relative"] == comparison["effect"]["relative"]
    for result in document["results"]:
        for item in result["comparisons"]:
            bar, margin = document["verdict"]["bar"], result["metric"]["margin"]
            if margin is not None:
                holds = item["interval"]["low"] > -margin
                assert holds == (item["evidence"]["log_within_margin"] >= bar)
                assert holds == (item["state"] == "holds")
    assert document["checks"] == analysis["checks"]
    assert document["plan"]["metrics"]["primary"]["name"] == "duration_seconds"
    (prompt,) = document["prompts"]
    assert prompt["path"] == COMMAND
    assert "+Review the branch in parallel." in prompt["diffs"][0]["diff"]


def test_the_same_data_make_the_same_bytes(project, decided):
    moment = "2999-01-01T00:00:00Z"
    first = page_of(project, decided, "--as-of", moment)
    said = project("report", decided, "--as-of", moment, "--json").out
    assert page_of(project, decided, "--as-of", moment) == first
    assert project("report", decided, "--as-of", moment, "--json").out == said
    early = project("report", decided, "--as-of", json.loads(said)["started"], "--json").json
    assert early["provenance"]["trials"] == 0
    assert early["verdict"]["reason_code"] == "no_data"
    before = ("report", decided, "--as-of", "2000-01-01T00:00:00Z", "--json")
    error = project(*before, code=1).error
    assert error["kind"] == "invalid_state"
    assert "had not started at 2000" in error["message"]


def test_a_report_of_then_knows_nothing_of_what_came_later(project):
    """What was amended, ended, promoted and put away since is not in it; its plan is."""
    made = project.create("--guardrail", "cost_usd:20%")
    project.observe(made, 8)
    then = project("analyze", made, "--json").json["as_of"]
    time.sleep(0.005)  # moments are told in milliseconds
    project("amend", made, "--set", "max_duration_days=40", "--why", "slow")
    project("promote", made, "--override", "seen enough", "--yes")
    time.sleep(0.005)
    project("archive", made)
    today = project("report", made, "--json").json
    assert (today["status"], len(today["outcomes"])) == ("archived", 1)
    assert len(today["amendments"]) == 1
    assert today["ended"] is not None
    found = project("report", made, "--as-of", then, "--json").json
    assert (found["status"], found["ended"]) == ("running", None)
    assert (found["outcomes"], found["amendments"]) == ([], [])
    assert found["provenance"]["commit"] is None
    assert {it["after"] for it in found["events"]} == {"draft", "running"}
    assert found["provenance"]["plan_sha256"] == today["provenance"]["plan_sha256"]
    (at,) = [it["at"] for it in today["events"] if it["verb"] == "promote"]
    between = project("report", made, "--as-of", at, "--json").json
    assert (between["status"], between["ended"]) == ("promoted", today["ended"])
    assert between["outcomes"] == today["outcomes"]
    (done,) = [it["at"] for it in today["outcomes"]]
    assert done < at  # the history is written after the registry
    just_then = project("report", made, "--as-of", done, "--json").json
    assert (just_then["status"], just_then["ended"]) == ("promoted", done)


def test_a_shared_report_names_no_place_person_or_unit(project, decided):
    page = page_of(project, decided)
    said = project("report", decided, "--json").out
    for text in (page, said):
        assert str(project.root.parent) not in text
        assert "control-3" not in text
    assert "duration" in page


def test_what_is_no_report_is_not_replaced(project, decided):
    target = project.root / "v2.md"
    before = target.read_bytes()
    assert "no report" in project("report", decided, "--html", str(target), code=1).err
    assert target.read_bytes() == before
    assert "no folder" in project("report", decided, "--html", "nowhere/x.html", code=1).err


def test_before_any_trial_there_is_a_page_as_well(project):
    made = project.create()
    page = Reader(page_of(project, made))
    assert "No data yet" in "".join(page.texts)
    assert (
        project("report", made, "--no-diff", "--json").json["prompts"][0]["diffs"][0]["diff"]
        is None
    )


def test_no_text_of_a_document_is_more_than_text(project, decided):
    """In each of its places at once: nothing runs, nothing is fetched, no element breaks."""
    space = Workspace.open(Layout(project.root), lambda: 4e9)
    document = poisoned(report(space, decided))
    long = replace(document.plan, name="漢" * 10_000, hypothesis="x" * 100_000)
    page = report_page(replace(document, plan=long))
    read = Reader(page)
    assert read.stack == []
    for tag, attributes in read.elements:
        assert tag.removeprefix("/") in PLAIN
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href", "#").startswith("#")
        assert "src" not in attributes
    assert f'content="{POLICY.replace(chr(39), "&#x27;")}"' in page
    assert "script" not in POLICY
    assert re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", page) is None
    assert "url(" not in page
    assert "@import" not in page
    assert len(page) < 400_000
    assert headline(document)


def test_a_picture_has_a_name_and_its_numbers_stand_beside(project, decided):
    read = Reader(page_of(project, decided))
    names = [found["id"] for _, found in read.elements if "id" in found]
    assert len(set(names)) == len(names) - sum(
        1 for tag, it in read.elements if tag[0] == "/" and "id" in it
    )
    pictures = [found for tag, found in read.elements if tag == "svg" and "role" in found]
    assert len(pictures) >= 4
    for picture in pictures:
        assert set(picture["aria-labelledby"].split()) <= set(names)
    assert "The numbers of this picture" in "".join(read.texts)


def test_the_index_shows_every_experiment_and_the_generations_of_a_prompt(project, decided):
    project("stop", decided, "--reason", "seen enough")
    second = project.create("--name", "once more")
    project.observe(second, 12)
    folder = project.root.parent / "reports"
    folder.mkdir()
    project("report", second, "--html", str(folder / f"{second}.html"))
    document = project("report", "--all", "--json").json
    assert [it["experiment_id"] for it in document["experiments"]] == [second, decided]
    newest, oldest = document["experiments"]
    analysis = project("analyze", second, "--json").json
    (comparison,) = analysis["primary"]["comparisons"]
    assert newest["improvement"] == comparison["effect"]["relative"]
    assert newest["interval"] == comparison["sequential"]["interval"]
    assert oldest["status"] != "running"
    assert document["generations"] == [{"path": COMMAND, "experiments": [decided, second]}]
    project("report", "--all", "--html", str(folder), "--no-pages")
    read = Reader((folder / "index.html").read_text("utf-8"))
    rows = read.having("tr", "data-state")
    assert [row["data-state"] for row in rows] == [newest["state"], oldest["state"]]
    links = {found["href"] for tag, found in read.elements if tag == "a"}
    assert links == {"#report", f"{second}.html"}
    assert read.stack == []


def test_the_index_counts_what_was_decided_though_it_was_put_away(project, decided):
    """An archived promotion stays one; a draft that was put away has decided nothing."""
    project("promote", decided, "--yes")
    project("archive", decided)
    (project.root / "v2.md").write_text("Review it otherwise.")
    draft = project.create("--name", "never begun", start=False)
    project("archive", draft)
    document = project("report", "--all", "--json").json
    assert {it["status"] for it in document["experiments"]} == {"archived"}
    assert (document["decided"], document["promoted"]) == (1, 1)
    assert "1 of 1" in project("report", "--all").out


def test_lines_that_begin_as_the_head_of_a_diff_are_lines(project):
    """Of a frontmatter that goes and a list of flags that comes, no line is lost."""
    (project.root / "v2.md").write_bytes(b"R\xc3\xa9view the branch.\r\n++ fast\r\n")
    made = project.create()
    ((told,),) = [
        prompt["diffs"] for prompt in project("report", made, "--json").json["prompts"]
    ]
    assert (told["added"], told["removed"]) == (1, 3)
    page = Reader(page_of(project, made))
    out, into = (
        [it["text"][2:] for it in page.having("span", "class") if it["class"] == name]
        for name in ("out", "in")
    )
    assert out == ["---\\r", "description: Review\\r", "---\\r"]
    assert into == ["++ fast\\r"]


def test_one_or_all_is_to_be_said(project):
    assert "one, or all" in project("report", code=2).err
    assert "one, or all" in project("report", "x", "--all", code=2).err
    refused = project("report", "--all", "--as-of", "2026-01-31T09:30:00Z", code=2)
    assert "--as-of is for the report of one" in refused.err
    assert "0 experiments" in project("report", "--all").out


def test_a_month_that_would_cost_more_is_said_to(project, decided):
    """Not settled is only what may still be either."""
    found = report(Workspace.open(Layout(project.root), lambda: 4e9), decided)

    def told(**intervals):
        items = tuple(
            ImpactItem(unit, unit, unit, 0.0, (low + high) / 2, low, high)
            for unit, (low, high) in intervals.items()
        )
        return impact_finding(replace(found, impact=ExpectedImpact("treatment", 10.0, items)))

    dearer, cheaper, open_ = (-6.0, -2.0), (20.0, 40.0), (-1.0, 1.0)
    assert told(USD=dearer, turns=open_) == "A month of uses would cost about $4.00 more"
    both = told(USD=dearer, tokens=cheaper).replace(THIN, " ")
    assert both == "A month of uses would save about 30.0 tokens and cost about $4.00 more"
    assert told(turns=open_) == "What a month of uses would save is not settled"


@pytest.mark.long
def test_three_times_as_many_trials_make_no_longer_report(project):
    """Beyond the units that are shown one by one, nothing grows with their number."""
    made = project.create("--assignment", "external")
    sizes = []
    for pairs in (450, 1_350):
        project.observe(made, pairs)
        document = project("report", made, "--json")
        page = page_of(project, made)
        sizes.append((len(document.out), len(page)))
        assert len(document.json["series"][0]["points"]) <= MOST
        (arm, _) = document.json["results"][0]["arms"].values()
        assert len(arm["bins"]) == BINS
        assert arm["values"] == []
    (before, small), (after, large) = sizes
    assert after < 1.1 * before
    assert large < 1.1 * small < 250_000


def test_no_folder_of_this_machine_is_passed_on(project, tmp_path):
    """Where trials were imported from, and what a person wrote."""
    made = project.create()
    lines = ["variant,duration_seconds", *(f"{arm},{80 + n}" for n in range(6) for arm in ARMS)]
    (tmp_path / "of ada.csv").write_text("\n".join(lines))
    project("import", tmp_path / "of ada.csv", "--into", made)
    project("stop", made, "--reason", f"see {tmp_path}/why.md")
    page = tmp_path / "report.html"
    project("report", made, "--html", page)
    told = json.dumps(project("report", made, "--json").json)
    for form in (told, page.read_text()):
        assert "of ada.csv" in form
        assert "see why.md" in form
        assert str(tmp_path) not in form


def test_the_page_tells_the_checks_the_plan_and_the_way_back_in_plain_words(project, decided):
    text = "".join(Reader(page_of(project, decided)).texts)
    assert f"--html {decided}.html" in text
    assert "control lost 0 of 18, treatment lost 0 of 18" in text
    assert "cost_usd at most 20" in text
    assert "p-value" not in text
    assert "in balanced blocks, one arm per invocation" in text
    assert "only where that look was planned" in project("analyze", decided).out


def test_markdown_is_written_printed_and_replaced(project, decided):
    """On the standard output it stands alone; a file of somebody's is not replaced."""
    moment = ("--as-of", "2999-01-01T00:00:00Z")
    target = project.root / "comment.md"
    target.write_bytes(b"")  # as a step of Actions finds its summary
    said = project("report", decided, "--markdown", str(target), *moment)
    text = target.read_text("utf-8")
    assert f"Written: {target}" in said.out
    assert text.startswith(f"<!-- meta-experiment report {decided} -->\n\n### ▲ Promote: ")
    assert project("report", decided, "--markdown", "-", *moment).out == text
    project("report", decided, "--markdown", str(target), *moment)
    assert target.read_text("utf-8") == text
    target.write_text(f"# Ours\n\n{text}", "utf-8")
    refused = project("report", decided, "--markdown", str(target), code=1)
    assert "no report" in refused.err
    assert target.read_text("utf-8").startswith("# Ours")
    every = project("report", "--all", "--markdown", "-").out
    assert every.startswith("<!-- meta-experiment report * -->\n")
    assert decided in every


def test_what_is_printed_alone_leaves_out_no_file(project, decided):
    printed = project("report", decided, "--markdown", "-", "--html", "page.html").out
    assert printed.startswith("<!-- meta-experiment report ")
    assert (project.root / "page.html").exists()
    printed = project("report", "--all", "--markdown", "-", "--html", "pages", "--no-pages").out
    assert printed.startswith("<!-- meta-experiment report * -->")
    assert (project.root / "pages" / "index.html").exists()
    for what in (decided, "--all"):
        refused = project("report", what, "--markdown", "-", "--json", code=2).json
        assert refused["error"]["hint"] == "--markdown FILE, beside --json"


def test_a_picture_is_a_pair_and_the_lines_that_show_it(project, decided):
    said = project("report", decided, "--svg", "docs.svg", "--html", "page.html").out
    light, dark = ((project.root / f"docs.{it}.svg").read_text("utf-8") for it in SCHEMES)
    assert light != dark
    assert 'srcset="docs.dark.svg"' in said
    assert '<img src="docs.light.svg" alt="▲ Promote: ' in said
    assert (project.root / "page.html").exists()
    assert "ends in .svg" in project("report", decided, "--svg", "x.png", code=2).err
    assert "of one experiment" in project("report", "--all", "--svg", "x.svg", code=2).err


def test_a_screen_draws_what_the_page_draws(project, decided):
    drawn = project("report", decided).out.partition("← worse")[2].split("\n\n")[0]
    assert drawn == project("analyze", decided).out.partition("← worse")[2].split("\n\n")[0]
    assert [line.split()[0] for line in drawn.splitlines()[1:]] == ["duration", "cost", "turns"]
