"""Where prompt files lie and where sessions begin: packages, plugins, links."""

from dataclasses import replace

import pytest
from tests.client.endpoint import Endpoint
from tests.client.live import (
    AGENT,
    CALLED_SKILL,
    COMMAND,
    TYPED_SKILL,
    Model,
    begin,
    git,
    ledger,
)

pytestmark = [pytest.mark.client, pytest.mark.long]


@pytest.mark.parametrize(
    "kind", [COMMAND, TYPED_SKILL, CALLED_SKILL, AGENT], ids=lambda kind: kind.name
)
def test_the_prompt_of_a_package_is_served_where_the_client_loads_it(client, kind):
    """In sessions that begin in the package or below; each use is a trial of the package."""
    inner = replace(kind, path=f"apps/web/{kind.path}")
    live = begin(client, inner, before={"apps/web/src/index.ts": "", ".claude/x.md": ""})
    web = client.project / "apps" / "web"
    live = replace(live, root=web)
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 5), directory=web)
        live.work(endpoint, range(5, 9), directory=web / "src")
        assert live.rows() == sorted(ledger(endpoint.turns).values())
    assert len(live.trials()) == 8
    assert (
        git(client.project, "status", "--short", "-uall", "--", ".", ":!apps/web/.claude/meta")
        == ""
    )
    live.meta("stop", live.experiment)
    assert (client.project / inner.path).read_text() == kind.control


LINKS = {
    "all of .claude": (".claude", "config", "config/"),
    "the folder of a kind": (".claude/{folder}", "../shared/{folder}", "shared/"),
}


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize(
    "kind", [COMMAND, TYPED_SKILL, CALLED_SKILL, AGENT], ids=lambda kind: kind.name
)
def test_a_prompt_behind_a_link_is_served_under_its_name(client, kind, link):
    """The client follows the link; the experiment is on the file where it lies."""
    inner = kind.path.removeprefix(".claude/")
    place, target, real = (part.format(folder=inner.split("/")[0]) for part in LINKS[link])
    (client.project / real / inner).parent.mkdir(parents=True)
    (client.project / place).parent.mkdir(parents=True, exist_ok=True)
    (client.project / place).symlink_to(target)
    live = begin(client, kind, before={"sub/x.txt": ""})
    file = client.project / real / inner
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 5))
        live.work(endpoint, range(5, 7), directory=client.project / "sub")
        assert live.rows() == sorted(ledger(endpoint.turns).values())
    assert len(live.trials()) == 6
    records = f":!{real if real == 'config/' else '.claude/'}meta"
    assert live.git("status", "--short", "-uall", "--", ".", records) == ""
    live.meta("stop", live.experiment)
    assert file.read_text() == kind.control
    assert (client.project / place).is_symlink()
