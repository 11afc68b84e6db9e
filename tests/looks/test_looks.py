"""Every page that people look at, in a real browser: light and dark, wide, narrow, on paper."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.looks import installed
from tests.looks.browser import VIEWS, Look, View, look, told
from tests.looks.made_up import INDEXES, NAMES, pages

ROOT = Path(__file__).parents[2]
TOOLS = installed.find(os.environ)  # before a test has its own home
BUILT = os.environ.get("SITE_UNDER_TEST")  # the site where somebody has built it already
pytestmark = pytest.mark.skipif(isinstance(TOOLS, str), reason=f"Nobody looks: {TOOLS}")
SITE = ("index", "quick-start", "report", "pictures", "reference/verbs-act")
BAD = """<!doctype html><html lang="en"><head><title>Bad</title><style>
.faint{color:#999}.away{position:absolute;left:1300px;width:9px;height:9px}
p{overflow-wrap:anywhere}a:focus{outline:none}@media print{.away{left:900px}}</style>
</head><body><main><h1>Bad</h1>
<p class="faint">Faint</p><img src="here.png" alt="x"><script>alert("ran")</script>
<a href="#a">unseen</a><input tabindex="-1" aria-label="i"><div class="away"></div>
<svg width="200" height="40"><text y="20">one</text><text x="9" y="20" fill="#ccc">two</text>
<text x="-90" y="30">three</text></svg></main><div tabindex="0" onfocus="this.blur();trap()">x
</div><a href="#b">past a trap</a><p style="width:2em">Impossible</p></body></html>"""
TRAP = "<script>function trap(){document.querySelector('a').focus()}</script>"


def test_nothing_is_amiss_with_a_page_where_it_is_narrowest(tmp_path):
    """Of every day; all other pages and views are looked at by the long tests."""
    (path,) = pages(tmp_path, ["decided"])
    (found,) = look(TOOLS, [Look(path, [View(320, "dark")], paper=False)])
    assert told(found.faults) == []


@pytest.mark.long(100)
def test_nothing_is_amiss_with_a_page(tmp_path):
    found = look(TOOLS, [Look(path, scripts=path.stem in INDEXES) for path in pages(tmp_path)])
    amiss = {item.page: told(item.faults) for item in found}
    assert amiss == {name: [] for name in NAMES}


@pytest.mark.long(80)
def test_nothing_is_amiss_with_the_site(tmp_path):
    site = Path(BUILT or tmp_path)
    if not BUILT:  # by the tools that are there, not by others in the home of this test
        tools = os.environ | {"XDG_CACHE_HOME": str(Path(sys.prefix).parents[1])}
        subprocess.run([ROOT / "docs/build", site], check=True, env=tools)
    found = look(TOOLS, [Look(site / f"docs/{page}.html", site=True) for page in SITE])
    assert [told(item.faults) for item in found] == [[] for _ in SITE]


@pytest.mark.long
def test_what_is_amiss_is_seen(tmp_path):
    """Each kind of fault is found on a page that has it."""
    page = tmp_path / "bad.html"
    page.write_text(BAD + TRAP)
    (found,) = look(TOOLS, [Look(page)])
    kinds = {fault.kind for fault in found.faults}
    assert kinds == {
        "dialog", "script", "request", "console", "overflow", "collision", "cut off",
        "broken words", "contrast", "axe color-contrast", "axe region", "keyboard",
    }  # fmt: skip
    words = "\n".join(told(found.faults))
    assert "focus unseen" in words
    assert "not reached" in words
    assert any(fault.where == "A4" for fault in found.faults)


@pytest.mark.long
def test_a_picture_of_each_view_is_made(tmp_path):
    (page,) = pages(tmp_path, ["empty"])
    views = [View(width, scheme, check=False) for width, scheme, *_ in VIEWS]
    shots = [tmp_path / f"{view.width}-{view.scheme}.webp" for view in views]
    views = [view._replace(shot=shot) for view, shot in zip(views, shots, strict=True)]
    (found,) = look(TOOLS, [Look(page, views, print_to=tmp_path / "A4", first=1)])
    assert len({shot.read_bytes() for shot in shots}) == len(VIEWS)
    assert found.sheets > 1
    assert [path.name for path in tmp_path.glob("A4*")] == ["A4-1.webp"]
