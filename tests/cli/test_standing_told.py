"""Page and plain text of a report speak of what stands, and of what is missing, by one word."""

import re

import pytest
from tests.cli.test_report import Reader, page_of
from tests.cli.test_where_it_stands import (
    DONE,
    GUARDED,
    done,
    made,
    record,
    told,
)
from tests.everyday import some

from meta_experiment.render.report_words import THIN

WORDS = {
    "promoted": ("Promoted", "Promoted on {day}: Treatment is"),
    "override": (
        "Promoted",
        'Promoted on {day} by override, "seen enough" · the evidence has not decided:',
    ),
    "taken back": (
        "Rolled back",
        'Rolled back on {day} by hand, "it broke" · the evidence says Promote: Treatment is',
    ),
    "rolled back": (
        "Rolled back",
        'Rolled back on {day} by hand, "complaints" · the evidence says Promote:',
    ),
    "as shown": ("Rolled back", "Rolled back on {day}: Treatment is"),
    "stopped": (
        "Stopped",
        'Stopped on {day} by hand, "no time" · the evidence has not decided:',
    ),
    "paused": ("Paused", "Paused · the evidence says Promote: Treatment is"),
    "put away": ("Promoted", "Promoted on {day}: Treatment is"),
    "running": ("Promote", "Promote: Treatment is"),
}


def read(project, name, *flags):
    page = Reader(page_of(project, name, *flags))
    text = re.sub(r"\s+", " ", "".join(page.texts).replace(THIN, " "))
    title = next(it["text"] for tag, it in page.elements if tag == "/title").replace(THIN, " ")
    return page, text, title


@pytest.mark.parametrize("case", some(DONE, 4))
def test_badge_title_and_plain_text_say_what_stands(project, case):
    name = done(project, case)
    standing = told(project, name)["standing"]
    page, _, title = read(project, name)
    word, begins = WORDS[case]
    day = standing["at"] and standing["at"][:10]
    (badge,) = page.having("span", "data-standing")
    assert badge["data-standing"] == standing["state"]
    assert badge["text"][2:] == word
    assert title.startswith(begins.format(day=day))
    plain = " ".join(project("report", name).out.replace(THIN, " ").split())
    assert begins.format(day=day).replace("Promote: T", "Promote T", case == "running") in plain


def test_a_guardrail_beyond_its_margin_has_one_word_and_its_number_everywhere(project):
    name = made(project, 24, *GUARDED, cost=1.35)
    page, text, title = read(project, name)
    (row,) = [it for it in page.having("tr", "data-metric") if it["data-metric"] == "cost_usd"]
    assert row["text"].endswith("! beyond its margin")
    seen = re.search(r"but cost looks (\d+%) worse, beyond its margin of 20%", title)[1]
    assert f"Guardrail cost{seen} worsebeyond its margin of 20%; not proven" in text
    assert f"Cost looks {seen} worse, beyond its margin of 20%" in text  # its heading
    assert "A guardrail holds it backbeyond its margin: cost (" in text
    assert "No guardrail is broken" not in text
    assert "! beyond its margin" in project("report", name).out
    analysis = project("analyze", name).out
    assert "BEYOND ITS MARGIN  cost_usd" in analysis
    assert "! beyond its margin" in analysis


def test_what_would_make_one_surer_is_told(project):
    name = made(project, 10, *GUARDED, speed=0.85, cost=1.25)
    ahead = told(project, name)["ahead"]
    _, text, _ = read(project, name)
    plain = " ".join(project("report", name).out.split())
    for form in (text, plain):
        assert " ".join(ahead["sentence"].replace("cost_usd", "cost").split()) in form
    project("stop", name, "--reason", "enough", "--yes")
    assert "Had it gone on: if it stays as it looks" in read(project, name)[1]


def test_nothing_that_saw_no_data_has_a_tick(project):
    name = project.create(*GUARDED)
    page, text, _ = read(project, name)
    ticked = {it["data-gate"] for it in page.having("li", "data-gate") if "✓" in it["text"]}
    assert ticked == {"time"}
    assert "✓ fine" not in text
    assert text.count("– nothing to check") == 4
    plain = project("analyze", name).out
    assert "ok  " not in plain[plain.index("Checks") :]
    record(project, name, 12, {"treatment": (0.7, 1.0)})
    assert read(project, name)[1].count("– nothing to check") == 1


def test_an_end_by_a_guardrail_shows_its_evidence_and_its_bar(project):
    name = made(project, 40, *GUARDED, cost=2.0)
    _, text, title = read(project, name)
    assert "but cost broke its guardrail" in title
    assert re.search(r"Evidence that cost is worse than its margin of 20%10\S+ to 1", text)
    assert "80 to 1 ends it" in text
    assert re.search(r"A guardrail is broken.{0,80}; evidence 10\S+ to 1, 80 to 1 needed", text)
    plain = project("report", name).out.replace(THIN, " ")
    assert "evidence that cost is worse than its margin of 20%; 80 to 1 ends it" in plain


def test_what_may_be_chance_is_said_to_though_an_alert_ended_it(project):
    (project.root / "plan.json").write_text(
        '{"name": "alert", "hypothesis": "it is 20% faster, as it is short", "unit": "session",'
        ' "files": {".claude/commands/review.md": {"treatment": "v2.md"}},'
        ' "metrics": {"primary": {"name": "duration_seconds"}},'
        ' "safety": {"acting_alerts": ["regression"]}}'
    )
    name = project("create", "--plan", "plan.json", "--start", "--manual", "--json").json[
        "experiment_id"
    ]
    record(project, name, 10, {"treatment": (1.22, 1.0)})
    document = told(project, name)
    assert document["verdict"]["reason_code"] == "alert_acted"
    assert document["results"][0]["comparisons"][0]["state"] == "open"
    _, text, title = read(project, name)
    assert "slower than control, which may still be chance, but an alert that the plan" in title
    assert "An alert that may act has acted" in text
    assert "An alert is no proof" in text
    assert "Nothing more is needed" not in text
    (evidence,) = [it for it in document["gates"] if it["gate"] == "evidence"]
    assert (evidence["state"], evidence["decides"]) == ("not_asked", False)
    assert document["alerts"][0]["message"] in text


def test_of_three_arms_each_is_told_above_the_table(project):
    (project.root / "v3.md").write_text("Review it in brief.")
    name = made(
        project,
        50,
        *GUARDED,
        "--file",
        "dear:.claude/commands/review.md=v3.md",
        arms={"treatment": (0.7, 1.0), "dear": (0.8, 2.0)},
    )
    _, text, title = read(project, name)
    assert title.startswith("Promote: Treatment is")
    line = re.search(r"dear: \d+% faster, but cost broke its guardrail; it is to be", text)
    assert line.start() < text.index("State")
    assert "in the smallest arm" in text
    plain = " ".join(project("report", name).out.split())
    assert "but cost broke its guardrail; it is to be ended (evidence 10" in plain
    project("stop", name, "--variant", "dear", "--yes")
    assert "but cost broke its guardrail; it was ended by hand" in read(project, name)[1]


@pytest.mark.parametrize(("days", "shown"), [(14, True), (3650, False)])
def test_time_is_told_where_it_is_a_limit_that_matters(project, days, shown):
    name = made(project, 10, *GUARDED, "--max-duration-days", days, speed=0.95)
    _, text, _ = read(project, name)
    assert (f"day 1 of {days}" in text) == shown
    assert ("Time is left" in text) == shown


def test_what_auto_did_is_told_to_be_its_doing(project):
    (project.root / "v3.md").write_text("Review it in brief.")
    name = project.create("--auto", *GUARDED)
    record(project, name, 30, {"treatment": (1.8, 1.0)})
    project("auto")
    document = told(project, name)
    standing = document["standing"]
    assert (standing["state"], standing["by_auto"]) == ("rolled_back", True)
    _, _, title = read(project, name)
    assert title.startswith(f"Rolled back on {standing['at'][:10]} by auto: Treatment is")
    by_hand = done(project, "as shown")
    assert not told(project, by_hand)["standing"]["by_auto"]
    assert "by auto" not in read(project, by_hand)[2]


@pytest.mark.long
def test_a_promotion_that_is_watched_tells_of_its_holdout(project):
    name = done(project, "promoted")
    holdout = project("holdout", name, "--share", "20", "--json").json["experiment_id"]
    (found,) = told(project, name)["standing"]["holdouts"]
    assert (found["experiment_id"], found["status"]) == (holdout, "running")
    _, text, _ = read(project, name)
    assert f"Its holdout {holdout} has found nothing yet" in text
    page, text, title = read(project, holdout)
    (badge,) = page.having("span", "data-standing")
    assert badge["text"] == "◆ Watching"
    assert title.startswith("Watching: ")
    assert f"it watches the promotion of {name}" in text
