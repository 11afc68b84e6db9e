"""A second form, as far as it takes to see that a page can be written in one: tags."""

from html import escape

from meta_experiment.render.blocks import Emphasis


def write(page, style):
    """Write each block as a tag of its kind around all that it says."""
    del style
    return "".join(f"<section>{''.join(map(_block, section))}</section>" for section in page)


def _block(block):
    name = type(block).__name__.lower()
    said = " ".join(_said(getattr(block, field)) for field in block.__match_args__)
    return f"<{name}>{said}</{name}>"


def _said(value):
    if isinstance(value, Emphasis):
        return f"<em>{escape(value.text)}</em>"
    if isinstance(value, tuple):
        return " ".join(map(_said, value))
    if hasattr(value, "__match_args__"):
        return " ".join(_said(getattr(value, field)) for field in value.__match_args__)
    return escape(str(value))
