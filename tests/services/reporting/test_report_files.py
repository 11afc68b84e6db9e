"""Reports as files: who may read them is for the user to say, not for the program."""

import os
import stat

import pytest

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.services.reporting.report_files import write_pages

PAGE = '<meta name="generator" content="meta-experiment">'


@pytest.fixture(params=[0o022, 0o077])
def mask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_page_is_read_by_whoever_may_read_files_of_the_user(tmp_path, mask):
    page = tmp_path / "index.html"
    write_pages(FileSystem(), {page: PAGE})
    assert mode(page) == 0o666 & ~mask
    assert os.umask(mask) == mask  # as it was


def test_a_page_that_is_made_anew_is_read_by_whoever_could_read_it(tmp_path):
    page = tmp_path / "index.html"
    page.write_text(PAGE)
    page.chmod(0o640)
    write_pages(FileSystem(), {page: f"{PAGE}anew"})
    assert (page.read_text(), mode(page)) == (f"{PAGE}anew", 0o640)
