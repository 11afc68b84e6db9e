"""No folder of a machine, and so no name of its user, in a text that is passed on."""

import pytest

from meta_experiment.services.reporting.shared_text import without_folders

SAME = "and/or, 3/4 of it, 12:30, https://example.org/a/b, .claude/commands/review.md"


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("48 trials from /home/ada/my.csv, /tmp/b.csv", "48 trials from my.csv, b.csv"),
        ("as in ~/notes/why.md", "as in why.md"),
        (r"from C:\Users\ada\data.csv", "from data.csv"),
        (r"from \\server\ada\data.csv", "from data.csv"),
        ("see '/home/ada/my notes/why.md'", "see 'why.md'"),
        ("in /home/ada/", "in ~"),
        ("in '/Users/ada' or C:\\Users\\ada\\", "in '~' or ~"),
        ("~ada/my.csv, file:///home/ada/b.csv, file:c.csv", "my.csv, b.csv, file:c.csv"),
        (SAME, SAME),
        ("/review alone, or /", "/review alone, or /"),
    ],
)  # fmt: skip
def test_paths_keep_their_last_part_alone(text, shared):
    assert without_folders(text) == shared
