"""An experiment that rests or ends while sessions are open: each trial stands to the token."""

import pytest
from tests.client.endpoint import Endpoint
from tests.client.live import (
    AGENT,
    COMMAND,
    TYPED_SKILL,
    Model,
    begin,
    ledger,
)

pytestmark = pytest.mark.client

KINDS = [COMMAND, *(pytest.param(k, marks=pytest.mark.long) for k in (TYPED_SKILL, AGENT))]


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("verb", ["pause", pytest.param("panic", marks=pytest.mark.long)])
def test_a_use_after_the_end_is_in_no_trial(client, kind, verb):
    """Nor one in the seconds after the experiment went on, when the old text still runs."""
    live = begin(client, kind)
    with Endpoint(respond=Model(kind)) as endpoint:
        live.hold_back()
        with live.client.session(endpoint, "--allowedTools=Skill") as session:
            for item in (1, 2):
                session.say(live.prompt(item))
            live.meta(verb, *([] if verb == "panic" else [live.experiment]))
            assert len(live.trials()) == 2
            session.say(live.prompt(4))
            live.meta("resume", live.experiment)
            session.say(live.prompt(5))
            session.close()
        sent = ledger([turn for turn in endpoint.turns if "arm" in str(turn.body)])
    rows = live.rows()
    assert set(rows) <= set(sent.values())
    assert {sent[1], sent[2]} <= set(rows)
    assert sent[4] not in rows
