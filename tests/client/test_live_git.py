"""A running experiment and what people do with git meanwhile."""

import pytest
from tests.client.endpoint import Endpoint
from tests.client.live import AGENT, COMMAND, TYPED_SKILL, Model, begin, ledger

pytestmark = [pytest.mark.client, pytest.mark.long]
KINDS = [COMMAND, TYPED_SKILL, AGENT]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_git_sees_no_experiment(client, kind):
    """commit -a, stash and branches under a running experiment, and it goes on after each."""
    live = begin(client, kind, before={"notes.txt": "one\n"})
    items = iter(range(1, 100))
    with Endpoint(respond=Model(kind)) as endpoint:

        def use():
            item = next(items)
            run = live.client.ask(endpoint, live.prompt(item))
            assert run.exit_code == 0
            return ledger(endpoint.turns).get(item)

        def expect_trials():
            assert live.rows() == sorted(ledger(endpoint.turns).values())
            assert live.changes() == ""
            assert live.git("diff", "HEAD") == ""

        use()
        expect_trials()

        (live.root / "notes.txt").write_text("two\n")
        live.git("commit", "--quiet", "-a", "-m", "notes")
        assert live.git("show", "--name-only", "--format=").split() == ["notes.txt"]
        assert live.git("show", f"HEAD:{kind.path}") == kind.control
        use()
        expect_trials()

        (live.root / "notes.txt").write_text("three\n")
        live.git("stash")
        use()
        expect_trials()
        live.git("stash", "pop")
        assert (live.root / "notes.txt").read_text() == "three\n"
        live.git("commit", "--quiet", "-a", "-m", "more notes")
        use()
        expect_trials()

        known = len(live.trials())
        live.git("switch", "--quiet", "-c", "other")
        other = kind.control.replace("[arm control", "[arm other")
        live.file.write_text(other)
        live.git("commit", "--quiet", "-a", "-m", "another text")
        assert use().variant == "other"
        assert len(live.trials()) == known

        live.git("switch", "--quiet", "main")
        assert live.git("show", f"HEAD:{kind.path}") == kind.control
        use()
        use()
        assert len(live.trials()) == known + 2
        assert live.changes() == ""

    live.meta("stop", live.experiment)
    assert live.file.read_text() == kind.control
    assert live.changes() == ""
