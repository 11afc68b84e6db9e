"""What a promotion, a rollback or an end did, or would do."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.style import Style
from meta_experiment.types.results.action import ActionResult


def action(done: ActionResult, style: Style) -> str:
    """Write what was done, or with a dry run what would be."""
    head = f"{words.name(done.experiment_id)}: {words.one_line(done.message)}"
    lines = [style.dim("Dry run, nothing was changed.")] if done.dry_run else []
    lines.append(style.strong(head))
    lines += [f"  {change.change:<9} {words.name(change.path)}" for change in done.files]
    if done.override:
        lines.append(style.warn(f"  OVERRIDE  {words.quoted(done.override)}"))
    if done.commit:
        lines.append(f"  commit    {done.commit[:12]}")
    elif done.commit_note:
        lines.append(f"  not committed: {words.one_line(done.commit_note)}")
    if done.hint:
        lines.append(f"  Next      {words.one_line(done.hint)}")
    if done.diff:
        lines += ["", _coloured(done.diff, style)]
    return "\n".join(lines)


def _coloured(diff: str, style: Style) -> str:
    paint = {"+": style.good, "-": style.bad}
    return "\n".join(
        paint.get(line[:1], str)(words.printable(line.replace("\t", "    ")))
        for line in diff.splitlines()
    )
