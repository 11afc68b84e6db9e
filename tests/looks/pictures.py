"""Make the pictures of the documentation anew, where what they show has changed, or all.

    PYTHONPATH=scripts:. $(tests/environment) -m tests.looks.pictures [--all]

Of each made-up page: light and dark, 1100, 390 and 320 wide, and the first sheets of paper; of
what a terminal shows of it: 80 and 200 columns, light and dark. Only those are made whose page
or text is another than the digest says that stands beside them, or all. `docs/pictures.md`
shows them, and README.md the top of one. The clock, the versions and all chance are fixed, so
that the same pages come again; pixels are Chromium's own, and no test compares them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.looks.browser import VIEWS, Look, View, look
from tests.looks.installed import find, install
from tests.looks.made_up import INDEXES, forms
from tests.looks.terminal import drawn

DOCS = Path(__file__).parents[2] / "docs"
FOLDER, PAGE = DOCS / "pictures", DOCS / "pictures.md"
DIGESTS = FOLDER / "digests.json"
# of each page that is shown: what it is, and what is to be seen in it
SHOWN = {
    "decided": ("Decided", "two arms, of which the treatment wins"),
    "three-arms": ("Three arms", "two treatments, of which the faster breaks guardrails"),
    "cases": ("Eval cases", "forty cases, three runs each under both prompts"),
    "fixed": ("One look", "a fixed rule that finds harm at its only look"),
    "undecided": ("Undecided", "some units, and no evidence yet"),
    "empty": ("Empty", "an experiment that has started and has no trial"),
    "large": ("A hundred thousand trials", "as long a page as any other"),
    "index": ("All experiments", "the index of a project, wins and losses alike"),
}  # fmt: skip
COLUMNS = (80, 200)
SCHEMES = ("light", "dark")
SHEETS = 2
# pixels that are shown of a page, by its width: all of the widest
_TALL = {1100: 16_000, 390: 3_000, 320: 2_000}
# the top of a page, for the front page
_FRONT = "decided"
_FRONT_VIEWS = tuple(
    View(1000, scheme, False, FOLDER / f"report-{scheme}.png", 700) for scheme in SCHEMES
)
_QUALITY = 25
_HEAD = """\
<!-- Made by `python -m tests.looks.pictures`. -->

# Pictures

Every form in which an experiment is shown, of made-up ones: the page in a browser, on a desk
and on a telephone, light and dark; the same on paper; and what a terminal shows. What they
tell is said in [Reports](report.md).
"""


def sources(name: str) -> dict[str, str]:
    """Make the page of a name, and what terminals show of it."""
    page, screens = forms(name, COLUMNS)
    return {"page": page} | dict(zip(map(str, COLUMNS), screens, strict=True))


def digest(text: str) -> str:
    """Return what tells a text from every other."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def recorded() -> dict[str, dict[str, str]]:
    """Return what the pictures were made from, by name."""
    return json.loads(DIGESTS.read_text("utf-8")) if DIGESTS.exists() else {}


def files(name: str) -> Iterator[str]:
    """Name the pictures of a page, but for those of paper."""
    yield from (f"{name}-{view.width}-{view.scheme}.webp" for view in VIEWS)
    yield from (f"{name}-{wide}-columns-{it}.svg" for wide in COLUMNS for it in SCHEMES)


def write(names: Mapping[str, dict[str, str]], *, everything: bool) -> list[str]:
    """Make the pictures whose sources are new; return their names."""
    tools = find(os.environ)
    if isinstance(tools, str):
        sys.exit(tools)
    before = {} if everything else recorded()
    now = {
        name: {kind: digest(text) for kind, text in texts.items()}
        for name, texts in names.items()
    }
    new = [name for name in names if before.get(name) != now[name] or _missing(name)]
    with tempfile.TemporaryDirectory() as temporary:
        looks = []
        for name in new:
            for path in FOLDER.glob(f"{name}-*"):
                path.unlink()
            place = Path(temporary, f"{name}.html")
            place.write_text(names[name]["page"], "utf-8")
            views = [
                View(wide, scheme, False, FOLDER / f"{name}-{wide}-{scheme}.webp", _TALL[wide])
                for wide, scheme, *_ in VIEWS
            ]
            if name == _FRONT:
                views += _FRONT_VIEWS
            looks.append(
                Look(place, views, scripts=1, print_to=FOLDER / f"{name}-A4", first=SHEETS)
            )
            for wide in COLUMNS:
                for scheme in SCHEMES:
                    path = FOLDER / f"{name}-{wide}-columns-{scheme}.svg"
                    path.write_text(drawn(names[name][str(wide)], wide, scheme), "utf-8")
        look(tools, looks, quality=_QUALITY)
    DIGESTS.write_text(json.dumps(now, indent=2) + "\n", "utf-8")
    return new


def _missing(name: str) -> bool:
    return any(not (FOLDER / file).exists() for file in files(name))


def shown() -> str:
    """Write the page that shows them."""
    return _HEAD + "".join(f"\n{''.join(_part(name))}" for name in SHOWN)


def _part(name: str) -> Iterator[str]:
    title, about = SHOWN[name]
    said = "The index" if name in INDEXES else "The report"
    yield f"## {title}\n\n{about[0].upper()}{about[1:]}.\n\n"
    yield "| light | dark |\n| --- | --- |\n|"
    for scheme in SCHEMES:
        yield f" ![{said}, {scheme}: {about}](pictures/{name}-1100-{scheme}.webp) |"
    yield "\n\n"
    narrow = [
        f"[{scheme}, {wide} wide](pictures/{name}-{wide}-{scheme}.webp)"
        for wide in (390, 320)
        for scheme in SCHEMES
    ]
    sheets = sorted(path.name for path in FOLDER.glob(f"{name}-A4-*.webp"))
    paper = [f"[sheet {number}](pictures/{it})" for number, it in enumerate(sheets, 1)]
    yield f"On a telephone: {', '.join(narrow)}. On paper: {', '.join(paper)}.\n\n"
    command = "`status`" if name in INDEXES else "`report ID`"
    alt = f"What {command.strip('`')} prints in a terminal of 80 columns: {about}"
    yield f"![{alt}](pictures/{name}-80-columns-light.svg)\n\n"
    others = [
        f"[{wide} columns, {scheme}](pictures/{name}-{wide}-columns-{scheme}.svg)"
        for wide in COLUMNS
        for scheme in SCHEMES
        if (wide, scheme) != (80, "light")
    ]
    yield f"{command} in a terminal, above; also {', '.join(others)}.\n"


def main() -> None:
    """Make them, and the page that shows them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="Also those that are as before.")
    options = parser.parse_args()
    install(os.environ)
    FOLDER.mkdir(exist_ok=True)
    new = write({name: sources(name) for name in SHOWN}, everything=options.all)
    PAGE.write_text(shown(), "utf-8")
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"Made anew: {', '.join(new) or 'none'}; {size / 1e6:.1f} MB in all")  # noqa: T201


if __name__ == "__main__":
    main()
