"""What one user of the database wrote too much of, and how whoever runs it takes that away."""

from __future__ import annotations

from meta_experiment.errors import as_word, cite
from meta_experiment.store.exchange import UnreadRows
from meta_experiment.types.results.health import Finding


def told_unread(name: str, project: str, unread: UnreadRows) -> Finding:
    """Say that rows are passed over, by whom they are, and what ends it."""
    by = f"the database's user {as_word(unread.by)}" if unread.by else "somebody unknown"
    detail = (
        f"{unread.rows:,} {unread.what} ({unread.size / (1 << 20):,.1f} MB) that {by} wrote "
        "are more than its share, and are passed over; what others wrote is read"
    )
    said = f"('{cite(project)[1:-1]}', '{cite(unread.by or 'USER')[1:-1]}')"
    turned = f"('{cite(unread.by or 'USER')[1:-1]}', '{cite(project)[1:-1]}')"
    hint = (
        "Ask who that is. Whoever owns the schema takes the right to write from it: select "
        f"meta_experiment.disallow{turned}; then takes these away: select "
        f"meta_experiment.clear{said}"
    )
    return Finding(name, ok=False, detail=detail, hint=hint)
