"""Base of all checkouts of runs: the project as it stands, which the user's git never hears of.

What is not committed is committed here, into a folder of objects of our own, by an index of
our own: the user's index, objects, refs and status stay as they are, byte by byte. Beside it
stands a template, the `.git` that each checkout gets: one branch of the user's name, the user's
identity, line ends and filters, the objects borrowed; no remote, no hook, no housekeeping.
Submodules that are checked out are taken along in the same way, from the repositories that the
user has of them; in those no filter runs.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from meta_experiment.errors import GitError, RefusedError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.git import Git, complaint
from meta_experiment.records import dataclass
from meta_experiment.runs import ignored_files
from meta_experiment.runs.plumbing import (
    BRANCHES,
    add_all,
    demand,
    gitlinks,
    set_head,
    signed_as,
    told_of,
)

OWN_STATE = ".claude/meta"
SLOW = 900.0  # seconds for a git that reads or writes a whole working tree
_SUBJECT = "Work in progress"
MODULES = "modules"  # in a `.git`: the repositories of submodules, by path
_KNOWN = "base.json"
# what of the user's settings decides how files and commits look; filters of ours show stand-ins
_FILTER = re.compile(rb"filter\.(.+)\.[a-z]+", re.DOTALL)
_TAKEN = re.compile(
    rb"user\..*|i18n\..*|filter\.(?!meta-experiment\.).*|core\.(autocrlf|eol|safecrlf|filemode"
    rb"|symlinks|ignorecase|precomposeunicode|longpaths|checkroundtripencoding|excludesfile"
    rb"|attributesfile|bigfilethreshold|sparsecheckout|sparsecheckoutcone)"
)
_OWN_SETTINGS = f"""[core]
\thooksPath = {os.devnull}
\ttrustctime = true
\tcheckStat = default
[gc]
\tauto = 0
[maintenance]
\tauto = false
[commit]
\tgpgSign = false
[tag]
\tgpgSign = false
"""
_SUBMODULE_SETTINGS = "[submodule]\n\tactive = .\n"
_TEMPLATE_FILES = ("info/exclude", "info/attributes", "info/sparse-checkout", "shallow")


@dataclass(frozen=True, slots=True)
class Submodule:
    """A folder of a checkout that belongs to another repository, and those within.

    `path` leads there from the top of what holds it, `commit` is what the base has there. One
    that is not `filled` stays empty: it is not checked out in the user's project, or git
    cannot read it.
    """

    path: str
    commit: str
    branch: str = ""
    filled: bool = False
    submodules: tuple[Submodule, ...] = ()


@dataclass(frozen=True, slots=True)
class Base:
    """The commit that all checkouts begin at.

    `branch` is empty where the user is on none. `prefix` leads from the top of the working
    tree to the project. `objects` are the folders that hold what the commit is made of,
    `template` the `.git` of a checkout, with those of submodules at `modules/PATH`, `included`
    what git ignores and runs need all the same.
    """

    commit: str
    branch: str
    prefix: str
    objects: tuple[str, ...]
    template: str
    included: str
    submodules: tuple[Submodule, ...]

    @property
    def empty(self) -> tuple[str, ...]:
        """The folders that stay empty, by path from the top."""
        return tuple(_empty(self.submodules))


def base_of(git: Git, folder: Path, scratch: Path) -> Base:
    """Return the commit that holds a project as it stands, what is untracked included.

    What `scratch` holds of an earlier call is returned as it is: a run that goes on has the
    base that it began with.

    Raises:
        RefusedError: there is no working tree of git, or what the base is made of is gone.
        GitError: git cannot read it.
        StorageError: `scratch` cannot be written.
        LockedError: somebody else keeps it.
    """
    import json

    scratch, folder = scratch.absolute(), folder.absolute()
    known = scratch / _KNOWN
    # a git that outlives a runner who was killed still has the folder for itself
    beside = scratch.with_name(f"{scratch.name}.lock")
    with told_of(scratch), FileLock(beside, timeout=SLOW, verb="base") as lock:
        if known.is_file():
            found = json.loads(known.read_bytes())
            objects, inner = tuple(found["objects"]), _submodules(found["submodules"])
            base = Base(**{**found, "objects": objects, "submodules": inner})
            _require_whole(git, base)
            return base
        shutil.rmtree(scratch, ignore_errors=True)
        ensure_directory(FileSystem(), scratch)
        base = _Making(replace(git, inherited=(lock.fileno(),)), folder, scratch).make()
        write_atomically(FileSystem(), known, json.dumps(asdict(base)).encode())
        return base


class _Making:
    """A base in the making, of a project or of a submodule."""

    def __init__(self, git: Git, folder: Path, scratch: Path) -> None:
        self.scratch = scratch
        self.objects = scratch / "objects"
        self.index = scratch / "index"
        self.user = replace(git, directory=folder, timeout=SLOW)  # as the user's git sees it
        self.top, self.prefix = self._find_top(folder)
        self.user = replace(self.user, directory=self.top)
        self.lent = self._of_git("objects")
        self.filters = True

    @property
    def git(self) -> Git:
        """Git with an index and a folder of objects of our own."""
        own = (
            ("GIT_INDEX_FILE", str(self.index)),
            ("GIT_OBJECT_DIRECTORY", str(self.objects)),
        )
        return replace(self.user, variables=self.user.variables + own)

    def make(self) -> Base:
        """Return the base."""
        commit, branch, inner = self._take(f"{self.prefix}{OWN_STATE}")
        kept = self.scratch / "included"
        ignored_files.keep(self.user, self.top, self.prefix, kept)
        return Base(
            commit,
            branch,
            self.prefix,
            (str(self.lent), str(self.objects)),
            str(self._template(commit, branch, inner)),
            str(kept),
            inner,
        )

    def make_within(self, path: str, template: Path) -> Submodule:
        """Return the base as that of a submodule, its template being put in place."""
        self._switch_filters_off()
        commit, branch, inner = self._take()
        made = self._template(commit, branch, inner)
        template.parent.mkdir(parents=True, exist_ok=True)
        made.rename(template)
        return Submodule(path, commit, branch, filled=True, submodules=inner)

    def _take(self, hidden: str = "") -> tuple[str, str, tuple[Submodule, ...]]:
        """Commit all but what is hidden; return the commit, the branch and the submodules."""
        _lend(self.objects, [self.lent])
        if (index := self._of_git("index")).is_file():
            shutil.copy2(index, self.index)
        links = gitlinks(self.git)
        add_all(self.git, links, settings=("core.splitIndex=false",))
        if hidden:
            drop = ("rm", "-r", "-q", "-f", "--cached", "--ignore-unmatch", "--", hidden)
            demand(self.git, *drop)
        inner = tuple(self._submodules(gitlinks(self.git)))
        lines = (f"160000 {item.commit}\t{item.path}\0" for item in inner)
        told = b"".join(map(os.fsencode, lines))
        demand(self.git, "update-index", "-z", "--index-info", stdin=told)
        branch = self._say("symbolic-ref", "-q", "HEAD").removeprefix(BRANCHES)
        head = self._say("rev-parse", "-q", "--verify", "HEAD^{commit}")
        return self._commit(head), branch, inner

    def _submodules(self, links: Mapping[str, str]) -> Iterator[Submodule]:
        for number, (path, commit) in enumerate(links.items()):
            try:
                making = self._making_within(path, self.scratch / "inner" / str(number))
                known = making.make_within(path, self._modules / path) if making else None
            except (GitError, RefusedError):
                known = None
            yield known or Submodule(path, commit)

    def _making_within(self, path: str, scratch: Path) -> _Making | None:
        """Return the base in the making of a submodule, if the user has it checked out."""
        folder = self.top / path
        if folder.is_symlink() or not os.path.lexists(folder / ".git"):
            return None
        making = _Making(self.user, folder, scratch)
        return making if making.top.samefile(folder) else None

    @property
    def _modules(self) -> Path:
        return self.scratch / "modules"

    def _switch_filters_off(self) -> None:
        """Let git run no filter here, wherever one is named."""
        pairs = self._no_filters()
        told = [("GIT_CONFIG_COUNT", str(len(pairs)))]
        for number, (key, value) in enumerate(pairs):
            told += [(f"GIT_CONFIG_KEY_{number}", os.fsdecode(key))]
            told += [(f"GIT_CONFIG_VALUE_{number}", os.fsdecode(value))]
        self.user = replace(self.user, variables=(*self.user.variables, *told))
        self.filters = False

    def _no_filters(self) -> list[tuple[bytes, bytes]]:
        """Return settings by which no filter that is named anywhere runs."""
        found = (_FILTER.fullmatch(key) for key, _ in self._all_settings())
        names = dict.fromkeys(match[1] for match in found if match)
        values = ((b"clean", b""), (b"smudge", b""), (b"process", b""), (b"required", b"false"))
        return [(b"filter.%s.%s" % (name, key), to) for name in names for key, to in values]

    def _find_top(self, folder: Path) -> tuple[Path, str]:
        asked = self.user.run("rev-parse", "--show-toplevel", "--show-prefix")
        lines = asked.output.split(b"\n")
        if asked.code or not lines[0]:
            why = complaint(asked).strip()
            raise RefusedError(
                f"{folder} is no working tree of git, of which runs make their checkouts"
                f"{f': {why}' if why else '.'}",
                hint="Name a checkout with --root DIR; where there is no repository yet, "
                "`git init` is enough, nothing need be committed.",
            )
        return Path(os.fsdecode(lines[0])), os.fsdecode(lines[1])

    def _commit(self, head: str) -> str:
        """Return the commit of the working tree: HEAD itself where that is clean."""
        tree = demand(self.git, "write-tree").decode().strip()
        if head and tree == self._say("rev-parse", "HEAD^{tree}"):
            return head
        parents = ("-p", head) if head else ()
        git = replace(self.git, variables=self.git.variables + signed_as(self.user, head))
        made = demand(git, "commit-tree", *parents, tree, stdin=f"{_SUBJECT}\n".encode())
        return made.decode().strip()

    def _template(self, commit: str, branch: str, inner: Sequence[Submodule]) -> Path:
        """Make the `.git` of a checkout, without an index."""
        seed = self.scratch / "seed"
        plain = replace(self.user, directory=self.scratch)
        form = self._say("rev-parse", "--show-object-format")
        new = ("init", "-q", "--template=", f"--object-format={form}", str(seed))
        demand(plain, *new, settings=("init.defaultRefFormat=files",))
        template = seed / ".git"
        with (template / "config").open("ab") as stream:
            stream.write(_written(self._settings()) + _OWN_SETTINGS.encode())
            stream.write(_SUBMODULE_SETTINGS.encode() if inner else b"")
        for name in _TEMPLATE_FILES:
            if (source := self._of_git(name)).is_file():
                target = template / name
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(source, target)
        _lend(template / "objects", [self.lent, self.objects])
        if self._modules.is_dir():
            self._modules.rename(template / MODULES)
        set_head(template, branch, commit)
        return template

    def _settings(self) -> list[tuple[bytes, bytes]]:
        """Return the user's settings that count here, wherever they were made."""
        found = [(key, value) for key, value in self._all_settings() if _is_taken(key)]
        if self.filters:
            return found
        return [pair for pair in found if not _FILTER.fullmatch(pair[0])] + self._no_filters()

    def _all_settings(self) -> Iterator[tuple[bytes, bytes]]:
        listed = demand(self.user, "config", "-z", "--list").split(b"\0")
        pairs = (line.partition(b"\n") for line in listed)
        return ((key, value if mid else b"true") for key, mid, value in pairs)

    def _of_git(self, name: str) -> Path:
        """Return where git keeps something, in the main checkout or a linked one."""
        return self.top / self._say("rev-parse", "--git-path", name)

    def _say(self, *arguments: str) -> str:
        """Return the line that git answers; empty where it has none."""
        asked = self.user.run(*arguments)
        return "" if asked.code else os.fsdecode(asked.output.rstrip(b"\n"))


def _require_whole(git: Git, base: Base) -> None:
    """Refuse to go on from a base of which git removed something since. Raises RefusedError."""
    commits = [(Path(base.template), base.commit), *_commits(base.template, base.submodules)]
    for template, commit in commits:
        places = (("GIT_DIR", str(template)),)
        there = replace(git, directory=template, timeout=SLOW, variables=places)
        if there.run("rev-list", "--objects", "--quiet", "-n1", commit).code:
            raise RefusedError(
                f"The commit {commit[:12]}, at which the runs of this experiment began, is no "
                "longer in your repository, as after `git gc --prune`.",
                hint="Bring it back, as by git fetch; else make a new experiment: runs at "
                "another state of the project are not comparable with these.",
            )


def _commits(template: str, inner: Iterable[Submodule]) -> Iterator[tuple[Path, str]]:
    for item in inner:
        if item.filled:
            below = Path(template) / MODULES / item.path
            yield below, item.commit
            yield from _commits(str(below), item.submodules)


def _empty(submodules: Iterable[Submodule]) -> Iterator[str]:
    for item in submodules:
        if not item.filled:
            yield item.path
        yield from (f"{item.path}/{path}" for path in _empty(item.submodules))


def _submodules(found: Iterable[Mapping[str, Any]]) -> tuple[Submodule, ...]:
    return tuple(
        Submodule(**{**item, "submodules": _submodules(item["submodules"])}) for item in found
    )


def _is_taken(key: bytes) -> bool:
    return _TAKEN.fullmatch(key) is not None


def _lend(objects: Path, lenders: Iterable[Path]) -> None:
    """Let a folder of objects borrow those of others."""
    (objects / "info").mkdir(parents=True, exist_ok=True)
    lines = b"".join(os.fsencode(os.path.realpath(path)) + b"\n" for path in lenders)
    (objects / "info" / "alternates").write_bytes(lines)


def _written(settings: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return settings in the form of git's files."""
    lines = []
    for key, value in settings:
        section, _, rest = key.partition(b".")
        middle, _, name = rest.rpartition(b".")
        within = b' "' + _escaped(middle) + b'"' if middle else b""
        text = _escaped(value).replace(b"\n", b"\\n").replace(b"\t", b"\\t")
        lines.append(b"[" + section + within + b"]\n\t" + name + b' = "' + text + b'"\n')
    return b"".join(lines)


def _escaped(text: bytes) -> bytes:
    return text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
