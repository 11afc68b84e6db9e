"""Folders in the form of the client's `plugin eval` are read as cases."""

import pytest

from meta_experiment.errors import UnsafePathError, UsageError
from meta_experiment.runs.cases.forms import read_cases


def asked(case):
    return [(item.kind, item.target, item.name) for item in case.criteria]


@pytest.fixture
def folder(tmp_path):
    """Write the files of a folder; return it."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / "evals" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "evals"

    return write


YAML = """\
schema_version: "1.0"
name: greet
description: Says hello.
tags: [quick]
runs: 5
context: {add_dirs: []}
execution:
  prompt: |
    Greet Ada.
    Be kind.
  timeout_seconds: 30
  max_turns: 4
graders:
  - {name: hi, type: regex, pattern: 'hi|hey', flags: gi, match: contains, target: last_message}
  - {name: read, type: tool_used, tool: Read, input_match: names, min: 1, max: 2, arm: both}
  - {name: order, type: tool_order, before: Read, after: Edit, weight: 2}
  - {name: file, type: file_exists, path: out/hi.txt, exists: false, arm: with-only}
  - {name: text, type: regex, pattern: Ada, target: {source: file, path: out/a.txt}}
"""


def test_a_folder_is_read_from_its_yaml_and_its_markdown(folder):
    (case,) = read_cases(
        folder(
            {
                "one/case.yaml": YAML,
                "one/prompt.md": "---\r\ntimeout_seconds: 30\r\n---\r\nGreet Ada.\r\nBe kind.",
                "one/graders/kind.md": "---\ntype: llm\narm: both\n---\n\nIt is kind.\n",
                "one/graders/word.md": "---\ntype: regex\nmatch: not_contains\n---\nbye\n",
                "one/graders/notes.txt": "no grader",
            }
        )
        / "one"
    )
    assert (case.case_id, case.prompt, case.timeout_seconds) == (
        "greet",
        "Greet Ada.\nBe kind.",
        30.0,
    )
    assert case.tags == ("quick",)
    assert asked(case) == [
        ("regex", "hi|hey", "hi"),
        ("tool_used", "Read", "read"),
        ("tool_order", "Read", "order"),
        ("file_exists", "out/hi.txt", "file"),
        ("regex", "Ada", "text"),
        ("judge", "It is kind.", "kind"),
        ("regex", "bye", "word"),
    ]
    assert [dict(item.options) for item in case.criteria] == [
        {"flags": "i", "match": "contains"},
        {"min": 1, "max": 2, "input": "names"},
        {"before": "Edit"},
        {"exists": False},
        {"file": "out/a.txt"},
        {},
        {"match": "not_contains"},
    ]
    assert case.criteria[2].weight == 2.0


def test_a_folder_of_folders_is_read_by_their_names(folder):
    path = folder({f"{name}/prompt.md": "Go." for name in ("b", "a")} | {"fixtures/x": "y"})
    assert [case.case_id for case in read_cases(path)] == ["a", "b"]


WRONG_FOLDERS = {
    "no prompt": ({"a/graders/x.md": "---\ntype: llm\n---\ny"}, "a: has no prompt"),
    "two prompts": (
        {"a/prompt.md": "x", "a/case.yaml": "execution: {prompt: y}"},
        "say different things of prompt",
    ),
    "an unknown field": ({"a/prompt.md": "---\nturns: 1\n---\nx"}, "there is no field 'turns'"),
    "another world": (
        {"a/case.yaml": "execution: {prompt: x}\ncontext: {scaffold_script: run.sh}"},
        "'scaffold_script' changes what a run is given",
    ),
    "an environment": ({"a/prompt.md": "---\nenv: {EVAL_X: 1}\n---\nx"}, "'env' changes"),
    "a baseline": (
        {"a/prompt.md": "x", "a/graders/b.md": "---\ntype: baseline\n---\n"},
        "a/graders/b.md: compares with an output kept before",
    ),
    "a trace": (
        {"a/prompt.md": "x", "a/graders/b.md": "---\ntype: regex\ntarget: trace\n---\ny"},
        "'trace' is not looked at here",
    ),
    "a text of no use": (
        {"a/prompt.md": "x", "a/graders/b.md": "---\ntype: tool_used\ntool: A\n---\ny"},
        "expected no text below",
    ),
    "a name twice": ({"a/case.yaml": "name: a\nname: b\n"}, "a/case.yaml: name is given twice"),
    "no YAML": ({"a/case.yaml": "name: a\nruns: [\n"}, "a/case.yaml, line"),
    "a bomb": (
        {"a/case.yaml": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"},
        "holds a YAML anchor",
    ),
    "long YAML": ({"a/case.yaml": "#" * (257 << 10)}, "larger than the limit"),
    "one name": (
        {"a/prompt.md": "---\nname: x\n---\ny", "b/prompt.md": "---\nname: x\n---\ny"},
        "b: the id x is that of a",
    ),
    "no plain name": ({"a b/prompt.md": "x"}, "'a b' is no plain name"),
}


@pytest.mark.parametrize(("files", "said"), WRONG_FOLDERS.values(), ids=WRONG_FOLDERS)
def test_what_is_no_folder_of_cases_is_refused(folder, files, said):
    with pytest.raises(UsageError) as refusal:
        read_cases(folder(files))
    assert said in refusal.value.message


@pytest.mark.parametrize("link", ["a/prompt.md", "a/case.yaml", "a/graders/x.md", "b"])
def test_no_link_leads_out_of_a_folder(folder, tmp_path, link):
    path = folder({"a/prompt.md": "x", "a/graders/y.md": "---\ntype: llm\n---\ny"})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "prompt.md").write_text("secret")
    (path / link).unlink(missing_ok=True)
    (path / link).symlink_to(outside if link == "b" else outside / "prompt.md")
    with pytest.raises(UnsafePathError):
        read_cases(path)


def test_the_user_may_name_a_link(folder, tmp_path):
    path = folder({"a/prompt.md": "x"})
    (tmp_path / "link").symlink_to(path / "a")
    assert [case.case_id for case in read_cases(tmp_path / "link")] == ["a"]
