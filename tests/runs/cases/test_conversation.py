"""What was said before a case's prompt: cut out of a transcript, read with the case."""

import json

import pytest

from meta_experiment.errors import MetaExperimentError, UsageError
from meta_experiment.runs.cases.conversation import (
    conversation,
    parsed,
    without_secrets,
    written,
)
from meta_experiment.runs.cases.forms import read_cases

SECRET = "sk-ant-" + 6 * "a1B2"


def said(name, parent, text="x", kind="user", **more):
    """Return a line of a transcript, of whom and after which."""
    message = {"role": kind, "content": text}
    return {"type": kind, "uuid": name, "parentUuid": parent, "message": message, **more}


def noted(name, parent, kind, **more):
    attachment = {"type": kind, **more}
    return {"type": "attachment", "uuid": name, "parentUuid": parent, "attachment": attachment}


RESULT = [{"type": "tool_result", "tool_use_id": "t", "content": "y"}]
TALK = [
    {"type": "queue-operation", "content": "One?"},
    said("p1", None, "One?"),
    noted("l1", "p1", "skill_listing", content="- review: of the past"),
    noted("f1", "l1", "file", content="kept"),
    {"type": "api-request-blob", "message": {}},
    said("a1", "f1", "One.", "assistant"),
    {"type": "cost-state", "totalCostUSD": 7},
    said("p2", "a1", "Two?"),
    said("a2", "p2", "Two.", "assistant"),
]


def ids(lines):
    return [line["uuid"] for line in lines]


def test_what_was_said_is_kept_and_hangs_together():
    """Without costs, and without what the client says anew of the checkout under test."""
    kept = conversation(TALK)
    assert ids(kept) == ["p1", "f1", "a1", "p2", "a2"]
    assert [line["parentUuid"] for line in kept] == [None, "p1", "f1", "a1", "p2"]
    assert ids(conversation(TALK, "a1")) == ["p1", "f1", "a1"]
    assert conversation(kept) == kept
    assert tuple(parsed(written(kept).splitlines())) == kept


def test_what_was_taken_back_is_left_out():
    """The user went back behind the second prompt and asked something else."""
    other = [said("p3", "a1", "Three?"), said("a3", "p3", "Three.", "assistant")]
    assert ids(conversation([*TALK, *other])) == ["p1", "f1", "a1", "p3", "a3"]


def test_answers_of_tools_side_by_side_are_kept():
    lines = [
        said("p1", None),
        said("a1", "p1", "t", "assistant"),
        said("a2", "a1", "u", "assistant"),
        said("r1", "a1", RESULT),
        said("r2", "a2", RESULT),
        said("a3", "r2", "done", "assistant"),
    ]
    assert ids(conversation(lines)) == ["p1", "a1", "a2", "r1", "r2", "a3"]


def test_what_was_summed_up_is_left_out():
    """A conversation goes on from the summary; agents have theirs to themselves."""
    mark = {"type": "system", "uuid": "b", "parentUuid": None, "subtype": "compact_boundary"}
    lines = [
        *TALK,
        mark,
        said("s", "b", "So far", isCompactSummary=True),
        said("side", "s", "aside", isSidechain=True),
        said("a", "s", "Go on.", "assistant"),
    ]
    assert ids(conversation(lines)) == ["b", "s", "a"]


def test_a_line_that_could_not_be_read_breaks_nothing():
    lines = [said("p1", None), said("a1", "gone", "x", "assistant")]
    assert ids(conversation(lines)) == ["p1", "a1"]


@pytest.mark.parametrize(
    "lines", [[], [{"type": "user", "message": {"content": "x"}}], [said(7, None)]]
)
def test_nothing_is_made_of_what_has_no_ids(lines):
    assert conversation(lines) == ()


def test_a_circle_ends():
    assert ids(conversation([said("a", "b"), said("b", "a"), said("a", "b")]))


def test_secrets_are_cut_but_for_what_a_service_signed():
    block = {"type": "thinking", "thinking": f"so {SECRET}", "signature": SECRET}
    (cut,) = without_secrets([said("a", None, [block], "assistant")])
    assert cut["message"]["content"][0] == {
        "type": "thinking", "thinking": "so [secret removed]", "signature": SECRET,
    }  # fmt: skip


def test_a_case_goes_on_in_a_conversation_beside_its_file(tmp_path):
    """Another one makes another case of it, wherever the two lie."""
    rows = [{"id": "a", "prompt": "x"}, {"id": "b", "prompt": "x", "history": "h/b.jsonl"}]
    (tmp_path / "h").mkdir()
    (tmp_path / "h/b.jsonl").write_bytes(written(TALK))
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    plain, first = read_cases(tmp_path / "cases.jsonl")
    assert plain.history is None
    assert first.history == str(tmp_path / "h/b.jsonl")
    assert plain.sha256 == "fef72d05d178069673a14fb744f0af7e0448101196b720574ca2f81259aebbf7"
    (tmp_path / "h/b.jsonl").write_bytes(written(TALK[:6]))
    assert read_cases(tmp_path / "cases.jsonl")[1].sha256 != first.sha256
    tmp_path.rename(tmp_path.with_name("moved"))
    moved = read_cases(tmp_path.with_name("moved") / "cases.jsonl")[1]
    (tmp_path.with_name("moved") / "h/b.jsonl").write_bytes(written(TALK))
    assert read_cases(tmp_path.with_name("moved") / "cases.jsonl")[1].sha256 == first.sha256
    assert moved.history == str(tmp_path.with_name("moved") / "h/b.jsonl")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere.jsonl", "there is no file"),
        ("../out.jsonl", ".."),
        ("/etc/passwd", "/etc/passwd"),
        ("link.jsonl", "link"),
        ("empty.jsonl", "holds no conversation"),
        (7, "history"),
    ],
)
def test_a_conversation_that_is_none_is_refused(tmp_path, path, said):
    (tmp_path / "empty.jsonl").write_text("{}\n")
    (tmp_path / "link.jsonl").symlink_to("empty.jsonl")
    (tmp_path / "cases.jsonl").write_text(
        json.dumps({"id": "a", "prompt": "x", "history": path})
    )
    with pytest.raises(MetaExperimentError, match=said):
        read_cases(tmp_path / "cases.jsonl")


def test_an_eval_names_its_own(tmp_path):
    """Of one alone and of one among others the file lies in its folder."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "talk.jsonl").write_bytes(written(TALK))
        (tmp_path / name / "case.yaml").write_text(
            "execution: {prompt: x}\ncontext: {history_file: talk.jsonl}\n"
        )
    found = [item.history for item in read_cases(tmp_path)]
    assert found == [str(tmp_path / name / "talk.jsonl") for name in ("a", "b")]
    assert read_cases(tmp_path / "a")[0].history == found[0]
    (tmp_path / "a/talk.jsonl").unlink()
    with pytest.raises(MetaExperimentError):
        read_cases(tmp_path / "a")


def test_only_what_is_a_text_names_a_file(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/case.yaml").write_text(
        "execution: {prompt: x}\ncontext: {history_file: [x]}\n"
    )
    with pytest.raises(UsageError):
        read_cases(tmp_path)
