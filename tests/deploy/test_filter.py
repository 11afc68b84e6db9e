"""git's filter in every shell that is here: exact on any bytes, and the same as in Python."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.everyday import some

from meta_experiment.deploy.filter import NAME, SCRIPT, SETTINGS, StandIn
from meta_experiment.prompts.shim import Line, build_shim
from meta_experiment.prompts.traces import Traces

PATH = ".claude/skills/write it/SKILL.md"
EXPERIMENT = "exp-2026-01-31-write"
SHELLS = list(filter(shutil.which, ("sh", "dash", "bash", "busybox", "zsh", "yash")))
HEADS = {
    "none": b"",
    "plain": b"---\nname: write\ndescription: Write\n---\n",
    "allowed": b"---\nname: write\ndescription: Write\nallowed-tools: Read\nmodel: x\n---\n",
    "listed": b'---\ndescription: "W"\nallowed-tools: ["Read", "Bash(ls:*)"]\n---\n',
    "undescribed": b"---\nname: write\nallowed-tools:\n  - Read\nmodel: x\n---\n",
    "marked": b"\xef\xbb\xbf---\r\nname: write\r\ndescription: Write\r\n---\r\n",
}
BODIES = {
    "short": b"\nWrite it.\n\n",
    "open": "Écris.".encode(),
    "odd": b"One\r\nTwo\n\tThree \x00 four\n" + bytes(range(256)) + b"\n",
    "torn": b"Look.\n\n!`git status`\n\nThen write.\n!`git diff`\n",
    "long": b"".join(b"%d A line of a long text.\n\n" % number for number in range(2000)),
}


def stand_in(head, body):
    control = HEADS[head] + BODIES[body]
    line = Line(f"{EXPERIMENT}@0123456789ab", lambda n: [f"c.{n}.md"], lambda n: f"c.{n}.md")
    tools = ["Bash(serve-variant:*)", "Read(//r/.claude/meta/**)"]
    other = HEADS[head] + BODIES[body].replace(b"Write", b"Draw").replace(b"A line", b"B line")
    shim = build_shim({"control": control, "new": other}, line, tools, describe=True)
    traces = Traces.between(shim.data, control, shim.bodies["control"])
    return StandIn(PATH, shim.data, control, traces, EXPERIMENT)


def installed(folder, *items):
    """Lay the filter and its entries as they are in git's folder."""
    for number, item in enumerate(items):
        entry = folder / "entries" / str(number)
        entry.mkdir(parents=True)
        for name, data in item.parts(str(folder), str(folder.resolve()), PATH).items():
            (entry / name).write_bytes(data)
    (folder / "filter").write_text(SCRIPT)
    return folder


def passed(folder, data, mode="clean", shell="sh", name=PATH, **environment):
    words = [shell, *(["sh"] if shell == "busybox" else []), str(folder / "filter"), mode, name]
    given = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        words, input=data, cwd=folder, env=given, capture_output=True, check=False
    )


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("body", BODIES)
def test_each_stand_in_can_be_told_from_what_it_stands_for(head, body):
    """Piece by piece, also where it serves in parts and holds injections of the user's own."""
    item = stand_in(head, body)
    assert item.traces.without_stand_in(item.stand_in) == item.original
    assert len(item.traces.pieces) > 1
    joined = b"".join(users for _, users in item.traces.pieces)
    assert len(joined) <= len(item.original)


@pytest.mark.parametrize("shell", some(SHELLS, 2))
@pytest.mark.parametrize("body", BODIES)
def test_a_stand_in_goes_in_as_its_original_and_comes_out_again(tmp_path, body, shell):
    """To the byte; under another name, or where its file stands, nothing comes out of it."""
    item = stand_in("plain", body)
    folder = installed(tmp_path, item)
    assert passed(folder, item.stand_in, shell=shell).stdout == item.original
    assert passed(folder, item.original, "smudge", shell=shell).stdout == item.stand_in
    other = passed(folder, item.original, "smudge", shell=shell, name="other.md")
    assert other.stdout == item.original
    (folder / PATH).parent.mkdir(parents=True)
    (folder / PATH).write_bytes(item.stand_in)  # as when an archive is made
    assert passed(folder, item.original, "smudge", shell=shell).stdout == item.original


TEXTS = [
    b"", b"\n", b"x", b"no end", b"\xef\xbb\xbfmark\r\n", b"nul\x00\x00\n\n\n",
    b"%s \\101 \\\n", bytes(range(256)) * 9, b"\xff\xfe\x00x", b"-n", b"end", b",145,156,144",
    b"x" * 300_000, b"A line\r\n" * 20_000,
]  # fmt: skip


@pytest.mark.parametrize("shell", some(SHELLS, 2))
def test_what_is_not_ours_passes_to_the_byte(tmp_path, shell):
    """Both ways, whatever is in it and however large."""
    folder = installed(tmp_path, stand_in("plain", "short"))
    for text in TEXTS:
        for mode in ("clean", "smudge"):
            done = passed(folder, text, mode, shell)
            assert (done.stdout == text, done.returncode, done.stderr) == (True, 0, b"")


@pytest.mark.parametrize("folder", ["/nowhere", "full", None])
def test_no_place_for_temporary_files_is_needed(tmp_path, folder):
    """The temporary folder may be gone, full, or not set; nothing is written anywhere."""
    item = stand_in("plain", "short")
    place = installed(tmp_path / "git", item)
    (tmp_path / "full").touch()
    given = {} if folder is None else {"TMPDIR": str(tmp_path / folder)}
    before = sorted(tmp_path.rglob("*"))
    assert passed(place, item.stand_in, **given).stdout == item.original
    assert passed(place, item.stand_in.replace(b"Write", b"Draw"), **given).returncode == 0
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("missing", ["od", "tr", "awk"])
def test_without_its_tools_git_takes_nothing_and_gives_everything(tmp_path, missing):
    """A text that went through half a filter is no text."""
    item = stand_in("plain", "short")
    place = installed(tmp_path / "git", item)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in {"cat", "od", "tr", "awk"} - {missing}:
        (tools / tool).symlink_to(shutil.which(tool))
    shell = shutil.which("sh")
    done = passed(place, item.stand_in, shell=shell, PATH=str(tools))
    assert (done.returncode, done.stdout) == (1, b"")
    assert missing.encode() in done.stderr
    assert passed(place, b"text\n", "smudge", shell, PATH=str(tools)).stdout == b"text\n"


@pytest.mark.parametrize("tool", ["od", "tr", "awk"])
def test_a_tool_that_dies_half_way_gives_git_no_half_text(tmp_path, tool):
    """As when memory runs out."""
    item = stand_in("plain", "short")
    place = installed(tmp_path / "git", item)
    tools = tmp_path / "bin"
    tools.mkdir()
    real = shutil.which(tool)
    (tools / tool).write_text(f'#!/bin/sh\n{real} "$@" | head -c 150\nkill -9 $$\n')
    (tools / tool).chmod(0o755)
    edited = item.stand_in.replace(b"Write", b"Draw", 1)
    done = passed(place, edited, PATH=f"{tools}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (1, b"")


EDITS = {
    "above": lambda text: text.replace(b"name: write", b"name: writer"),
    "below": lambda text: text + b"\nBe brief.\n",
    "beside": lambda text: text.replace(b'follow it."`', b'follow it."` Be brief.'),
    "no end": lambda text: text.rstrip(b"\n"),
    "line ends": lambda text: text.replace(b"\n", b"\r\n"),
    "mark": lambda text: b"\xef\xbb\xbf" + text,
    "nul": lambda text: text + b"\x00",
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_beside_what_is_ours_is_an_edit_of_the_original(tmp_path, edit):
    """By a person or a formatter: git is shown it on the user's own text."""
    item = stand_in("plain", "short")
    changed = EDITS[edit]
    wanted = {
        "beside": item.original.replace(b"Write it.", b"Write it. Be brief."),
    }.get(edit, changed(item.original))
    assert item.traces.without_stand_in(changed(item.stand_in)) == wanted
    assert passed(installed(tmp_path, item), changed(item.stand_in)).stdout == wanted


def test_a_line_that_serves_was_taken_out(tmp_path):
    """The user's own text stands there now; the permission that served the line goes too."""
    item = stand_in("allowed", "short")
    line = item.traces.pieces[-1][0]
    text = item.stand_in.replace(line, b"My own text.")
    wanted = item.original.replace(b"Write it.", b"My own text.")
    assert (
        passed(installed(tmp_path, item), text).stdout
        == wanted
        == item.traces.without_stand_in(text)
    )


def test_another_files_stand_in_is_no_text_of_this_one(tmp_path):
    """Somebody copied it over: git is shown what it stands for, here as well."""
    mine, other = stand_in("plain", "short"), stand_in("none", "torn")
    text = other.stand_in.replace(EXPERIMENT.encode(), b"exp-2026-01-31-other")
    traces = Traces.between(
        text, other.original, [piece for _, piece in other.traces.pieces[-2:]]
    )
    copied = StandIn("other.md", text, other.original, traces, "exp-2026-01-31-other")
    folder = installed(tmp_path, mine, copied)
    (folder / "entries/1/name").write_text("other.md\n")
    assert passed(folder, text).stdout == other.original
    assert passed(folder, mine.stand_in, name="other.md").stdout == mine.original
    broken = text.replace(b"follow it", b"obey it")
    assert b"stop exp-2026-01-31-other" in passed(folder, broken).stderr


@pytest.mark.long
def test_a_shell_that_cannot_hold_a_large_text_gives_none(tmp_path):
    """Where printf is a program, its arguments have a limit."""
    folder = installed(tmp_path, stand_in("plain", "short"))
    (folder / "filter").write_text(SCRIPT.replace('printf "$octal"', 'env printf "$octal"'))
    assert passed(folder, b"short").stdout == b"short"
    done = passed(folder, b"x" * 3_000_000)
    assert (done.returncode, done.stdout) == (1, b"")


INSIDE = {
    "another word": lambda text: text.replace(b"and follow it", b"and obey it"),
    "twice": lambda text: text + text,
    "half a permission": lambda text: text.replace(b"variant:*), ", b"variant:*),"),
    "a line broken": lambda text: text.replace(b" || cat", b"\n|| cat", 1),
}  # fmt: skip


@pytest.mark.parametrize("edit", INSIDE)
def test_an_edit_of_what_is_ours_is_refused_with_the_way_out(tmp_path, edit):
    """Nobody can tell what of it is the user's."""
    item = stand_in("plain", "short")
    text = INSIDE[edit](item.stand_in)
    assert item.traces.without_stand_in(text) is None
    done = passed(installed(tmp_path, item), text)
    assert (done.returncode, done.stdout) == (1, b"")
    assert f"meta-experiment stop {EXPERIMENT}" in done.stderr.decode()


ITEMS = [stand_in(head, body) for head in HEADS for body in BODIES if body != "long"]


@pytest.mark.long
@given(data=st.data())
@settings(max_examples=40)
def test_the_shell_and_python_free_a_text_alike(tmp_path_factory, data):
    """Whatever was done to the stand-in: the same text, or both give it up."""
    item = data.draw(st.sampled_from(ITEMS))
    text = item.stand_in
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 40)))
        new = data.draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from([b"\n", b"\r\n", b"\r", b"`", b"!`serve-variant x"]),
                st.sampled_from([ours for ours, _ in item.traces.pieces]),
            )
        )
        text = text[:start] + new + text[end:]
    if data.draw(st.booleans()):
        text = text.replace(b"\r\n", b"\n")
    if data.draw(st.booleans()):
        text = text.replace(b"\n", b"\r\n")
    folder = tmp_path_factory.mktemp("git")
    done = passed(installed(folder, item), text)
    cleaned = item.traces.without_stand_in(text)
    assert (done.stdout or None) == (cleaned or None)
    assert (done.returncode == 0) == (cleaned is not None)


def test_entries_are_read_back_as_they_were_written(tmp_path):
    """The original is there when all else is lost, and so is what tells it from ours."""
    item = stand_in("marked", "odd")
    installed(tmp_path, item)
    assert StandIn.read(tmp_path / "entries/0", "") == item


def test_a_filter_whose_folder_is_gone_passes_everything(tmp_path):
    """git's settings may outlive what they name."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)

    def run(mode, data=b""):
        words = ["sh", "-c", SETTINGS[mode].replace("%f", "'x y'")]
        done = subprocess.run(words, cwd=tmp_path, input=data, capture_output=True, check=True)
        return done.stdout

    assert run("clean", b"a\x00b") == run("smudge", b"a\x00b") == b"a\x00b"
    folder = Path(tmp_path, ".git", NAME)
    folder.mkdir()
    (folder / "filter").write_text('printf "$*"')
    assert run("smudge") == b"smudge x y"
