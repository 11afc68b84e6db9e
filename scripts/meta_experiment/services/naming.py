"""Choice of the id that a user means."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from meta_experiment.errors import ConflictError, NotFoundError, UsageError, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.prompts.slug import slug


def pick(
    ids: Iterable[str],
    selector: str,
    live: Container[str] = (),
    files: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Return the id that was given, or the only one it begins, with or without the day.

    Before a beginning, the name of a prompt under experiment counts, with its slash or without:
    whole, or its last part, as `ship` for `/team:ship`, or its file; `files` are the prompt
    files by id.
    Where several fit, the only one that is `live` (not yet ended) is meant.

    Raises:
        UsageError: it is empty, as a variable of a shell may be.
        NotFoundError: there is none; the nearest id is named.
        ConflictError: several fit.
    """
    if not selector.strip():
        raise UsageError(
            "No experiment is named: what stands in its place is empty.",
            hint="List them with: meta-experiment status",
        )
    known = list(ids)
    if selector in known:
        return selector
    wanted = slug(selector)
    exact = [item for item in known if _subject(item) == wanted]
    near = (
        exact
        or _called(selector.strip().removeprefix("/"), files or {})
        or [
            item
            for item in known
            if item.startswith(selector) or _subject(item).startswith(wanted)
        ]
    )
    for fitting in (near, [item for item in near if item in live]):
        if len(fitting) == 1:
            return fitting[0]
    if near:
        raise ConflictError(
            f"{cite(selector)} fits {len(near)} experiments: {', '.join(near[:5])}.",
            hint="Give the whole id.",
        )
    raise NotFoundError(
        f"There is no experiment {cite(selector)}.",
        hint=suggestion(selector, known) or "List them with: meta-experiment status",
    )


def pick_watched(
    ids: Iterable[str],
    selector: str,
    watching: Container[str],
    live: Container[str],
    files: Mapping[str, Sequence[str]],
) -> str:
    """Return the same, a holdout (`watching`) by its whole id alone, the day left out or not.

    Raises as `pick`.
    """
    every, wanted = list(ids), slug(selector)
    named = [it for it in every if it in watching and wanted in (slug(it), _subject(it))]
    if named:
        return pick(named, selector)
    first = {item: files.get(item, ()) for item in every if item not in watching}
    return pick(first, selector, live, first)


def _called(prompt: str, files: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the experiments on a prompt of that name, else those on one that ends in it."""
    from meta_experiment.prompts.identity import identify

    on_file = [item for item, paths in files.items() if prompt.removeprefix("./") in paths]
    if on_file:
        return on_file
    names = {item: [identify(path).name for path in paths] for item, paths in files.items()}
    whole = [item for item, known in names.items() if prompt in known]
    ending = f":{prompt}"
    return whole or [
        item for item, known in names.items() if any(name.endswith(ending) for name in known)
    ]


def _subject(experiment_id: str) -> str:
    """Return an id without its day: what the experiment is about."""
    return experiment_id.split("-", 4)[-1]
