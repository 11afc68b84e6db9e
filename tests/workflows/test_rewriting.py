"""The next generation written into a workflow: nothing else in the file changes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.workflows.samples import (
    BODY,
    FORMS,
    NAMES,
    RICH,
    file_of,
    real_files,
    reformed,
    transformed,
)

from meta_experiment.errors import NotFoundError, RefusedError
from meta_experiment.workflows import rewriting
from meta_experiment.workflows.declarations import read_declarations
from meta_experiment.workflows.document import read_document
from meta_experiment.workflows.list_edits import Edit, list_edits
from meta_experiment.workflows.rewriting import rewritten

NEXT = {
    "another order": ("very warm", "dry", "warm"),
    "fewer": ("warm", "dry"),
    "a new one": ("warm", "cool"),
    "more": ("warm", "very warm", "a, b", "dry"),
    "as before": NAMES,
}
ODD_NAMES = (
    "a: b", "#x", "- x", "@team", "`x`", "a|b", "<b>x</b>", "::set-output name=x::y", "%0A",
    "yes", "no", "null", "1", "1.5", "2026-01-01", "'", '"', "\\", "{{#if x}}", "ü😀", " x ",
    "a\nb", "a\tb", "\u2028", "\x85", "\x07", "]", "}", "&a", "*a", "!x", "? x", "",
)  # fmt: skip


def rewrite(data, name, variants):
    found = rewritten(read_document(data), name, variants)
    return found.text.encode(), found


def declared(data, name="tone"):
    return read_declarations(read_document(data)).experiment(name)


def comments(text):
    """Return the comments of a text in which no quotes hold a number sign."""
    return re.findall(r"#[^\r\n]*", text)


@pytest.mark.parametrize("new", NEXT)
@pytest.mark.parametrize("form", FORMS)
def test_only_the_list_changes_in_every_form_and_with_every_end_of_line(form, new):
    for name, data in transformed(file_of(form).encode()).items():
        text, found = rewrite(data, "tone", NEXT[new])
        assert declared(text).variants == NEXT[new], name
        block = FORMS[form].encode()
        block = block.replace(b"\n", b"\r\n") if "CRLF" in name else block
        start, behind = data.index(block), len(data) - data.index(block) - len(block)
        assert text[:start] == data[:start], name
        assert text[-behind:] == data[-behind:], name
        inner, before = text[start:-behind].decode(), block.decode()
        assert comments(inner) == comments(before), name
        assert inner.endswith("\r\n" if "CRLF" in name else "\n")
        assert inner.count("\n") == inner.count("\r\n") * (1 if "CRLF" in name else 0) or (
            "CRLF" not in name and "\r" not in inner
        ), name
        if new == "as before":
            assert text == data, name
        if "weight" in FORMS[form]:
            weight = {"dry": 2, "warm": 1, "very warm": 1}
            mean = {"a new one": 1, "more": 1}.get(new)
            assert found.weight == tuple(weight.get(item, mean) for item in NEXT[new])
            assert declared(text).weight == found.weight


@pytest.mark.parametrize("form", [form for form in FORMS if form != "block, folded"])
def test_a_change_of_order_and_back_gives_the_same_bytes(form):
    for name, data in transformed(file_of(form).encode()).items():
        there, _ = rewrite(data, "tone", ("very warm", "dry", "warm"))
        back, _ = rewrite(there, "tone", NAMES)
        assert there != data
        assert back == data, name


EXPECTED = {
    ("flow", "a new one"): "  tone: [warm, cool]\n",
    ("flow, last comma", "more"): "  tone: [warm, 'very warm', \"a, b\", dry,]\n",
    ("flow, lines and comments", "fewer"): (
        "  tone: [  # tones\n    warm,  # the control\n    dry, # a warm one\n"
        "    # and one more\n    # last\n  ]\n"
    ),
    ("block, comments", "fewer"): (
        '  tone:  # tones\n    # first\n    - "warm"   # the control\n    # second\n'
        "    - dry\n\n    # last\n    # behind\n"
    ),
    ("block, wide", "more"): (
        "  tone:\n    -   warm\n    -   very warm\n    -   a, b\n    -   dry\n"
    ),
    ("object, JSON", "more"): (
        '  "tone": {"variants": ["warm", "very warm", "a, b", "dry"], "weight": [1, 1, 1, 2]}\n'
    ),
    ("anchor, block", "fewer"): "  tone: &tones\n    - warm\n    - dry\n",
}


@pytest.mark.parametrize(("form", "new"), EXPECTED)
def test_the_style_of_the_list_is_kept(form, new):
    text, _ = rewrite(file_of(form).encode(), "tone", NEXT[new])
    assert text.decode() == file_of(form).replace(FORMS[form], EXPECTED[form, new])


def test_every_other_field_comment_and_experiment_stays():
    text, found = rewrite(RICH.encode(), "tone", ("warm", "dry", "cool"))
    assert text.decode() == RICH.replace("[dry, warm]", "[warm, dry, cool]").replace(
        "[60, 40]", "[40, 60, 50]"
    )
    assert "comments stay in their lines" in found.notes[0]
    text, _ = rewrite(RICH.encode(), "caveman", ("no", "yes"))
    assert text.decode() == RICH.replace("[yes, no]", "[no, yes]")


@pytest.mark.parametrize("form", ["flow", "double quotes", "single quotes", "block", "object"])
@pytest.mark.parametrize("name", ODD_NAMES)
def test_whatever_a_variant_is_called_it_is_read_back_as_that(form, name):
    if not name:
        return
    text, _ = rewrite(file_of(form).encode(), "tone", ("dry", name))
    assert declared(text).variants == ("dry", name)


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=2, max_size=5, unique=True))
def test_any_texts_are_read_back_as_they_are(names):
    for form in ("flow", "block", "flow, lines and comments"):
        text, _ = rewrite(file_of(form).encode(), "tone", names)
        assert declared(text).variants == tuple(names)


def refused(lines, variants=("y", "x")):
    with pytest.raises((RefusedError, NotFoundError)) as found:
        rewrite(f"---\nexperiments:\n{lines}---\n".encode(), "tone", variants)
    assert found.value.hint
    return found.value.message


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            "  a: &n [x, y]\n  tone: {<<: {variants: *n}, metric: m}\n",
            "takes over what an anchor",
        ),
        ("  tone: &n [x, y]\n  b: *n\n", "is anchored in tone and used again at line 4"),
        ("  tone: [&x x, y]\n  b: [*x, z]\n", "is anchored in tone and used again at line 4"),
        ("  a: &o {variants: [x, y]}\n  tone: *o\n", "takes over what an anchor"),
        ("  tone: [x, 5, y]\n", "no text (line 3, column 13)"),
        ("  other: [x, y]\n", "declares no experiment 'tone'"),
        ("  tone: [x, y\n", "Line 4: has frontmatter that is no YAML"),
        ("  tone: {variants: [x, y, z], weight: [1, 2]}\n", "do not fit its variants"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused_in_clear_words(lines, words):
    assert words in refused(lines)


@pytest.mark.parametrize(
    "edit",
    [
        Edit(RICH.index("min_samples: 30") + 13, RICH.index("min_samples: 30") + 15, "31"),
        Edit(RICH.index("timeout-minutes"), RICH.index("timeout-minutes"), "more: 1\n"),
        Edit(RICH.index("storage: cache"), RICH.index("identity:"), ""),
        Edit(RICH.index("60, 40"), RICH.index("60, 40") + 6, "60"),
        Edit(RICH.index("  caveman"), RICH.index("  caveman"), "  x: ["),
    ],
    ids=["a value", "a new key", "a key less", "a weight less", "no YAML"],
)
def test_what_would_change_anything_else_is_refused_before_it_is_returned(monkeypatch, edit):
    """The proof can fail: an edit that reaches further than the list is found."""

    def careless(*arguments):
        return [*list_edits(*arguments), edit]

    monkeypatch.setattr(rewriting, "list_edits", careless)
    with pytest.raises((RefusedError, NotFoundError)):
        rewrite(RICH.encode(), "tone", ("dry", "cool"))


def test_a_ramp_takes_two_variants():
    lines = "  tone: {variants: [x, y], continual: {seed: s, ramp: [5]}}\n"
    assert "exactly two variants" in refused(lines, ("y", "x", "z"))
    text, _ = rewrite(f"---\nexperiments:\n{lines}---\n".encode(), "tone", ("y", "x"))
    assert b"[y, x]" in text


def test_an_alias_for_the_list_gives_way_to_a_list_and_its_anchor_stays():
    lines = "  a: &n [x, y]\n  tone: *n  # the same\n"
    text, _ = rewrite(f"---\nexperiments:\n{lines}---\n".encode(), "tone", ("y", "z"))
    assert text == b"---\nexperiments:\n  a: &n [x, y]\n  tone: [y, z]  # the same\n---\n"


@pytest.mark.parametrize(
    ("stated", "variants", "weight"),
    [
        ("[60, 40]", ("b", "a"), (40, 60)),
        ("[60, 40]", ("b", "new"), (40, 40)),
        ("[50, 50]", ("a", "b", "new"), (50, 50, 50)),
        ("[34, 33]", ("b", "a", "new"), (33, 34, 34)),
        ("[0.7, 0.3]", ("b", "a"), (0.3, 0.7)),
        ("[0, 1]", ("a", "new"), (0, 1)),
    ],
)
def test_weights_stay_with_their_variants_and_new_ones_get_the_mean(stated, variants, weight):
    lines = f"  tone: {{variants: [a, b], weight: {stated}}}\n"
    text, found = rewrite(f"---\nexperiments:\n{lines}---\n".encode(), "tone", variants)
    assert found.weight == declared(text).weight == weight


def turned_and_back(data, experiment):
    """Turn the order of an experiment's variants and back; return the lines that changed."""
    turned = experiment.variants[::-1]
    text, found = rewrite(data, experiment.name, turned)
    again = declared(text, experiment.name)
    assert (again.variants, again.weight) == (turned, found.weight)
    assert sorted(text) == sorted(data)
    assert rewrite(text, experiment.name, experiment.variants)[0] == data
    more, _ = rewrite(data, experiment.name, (*turned, "one more"))
    assert declared(more, experiment.name).variants == (*turned, "one more")
    lines = zip(data.split(b"\n"), text.split(b"\n"), strict=True)
    return [number for number, (old, new) in enumerate(lines, 1) if old != new]


@pytest.mark.parametrize("name", ["tone", "caveman"])
def test_every_form_of_a_list_within_a_whole_workflow_is_turned_and_back(name):
    for data in transformed((RICH + BODY).encode()).values():
        forms = reformed(data, name)
        assert len(forms) == 7
        for written in forms.values():
            turned_and_back(written, declared(written, name))


@pytest.mark.long
@pytest.mark.skipif(not real_files(), reason="no collection of workflow files is here")
def test_every_real_workflow_changes_in_its_lists_alone():
    changed = 0
    for path, whole in real_files():
        for name, data in transformed(whole).items():
            for experiment in read_declarations(read_document(data)).experiments:
                lines = turned_and_back(data, experiment)
                assert 1 <= len(lines) <= 2, (path, name)
                assert all(experiment.line <= n <= experiment.line + 15 for n in lines)
                for written in reformed(data, experiment.name).values():
                    turned_and_back(written, declared(written, experiment.name))
                    changed += 1
    assert changed >= 700
