"""The mark of a strategy beside its name: its shape in its colour, the same on every panel and chart."""

from __future__ import annotations

from reranking.charts import palette


def mark(position: int, dark: bool) -> str:
    """The mark of the strategy at that place of the comparison, as HTML; a name has to stand beside it."""
    return f"<i class='{kind(position)}' style='background:{palette.colour(position, dark)}'></i>"


def kind(position: int) -> str:
    """The classes (style.css) that give an element the shape of a strategy's mark."""
    return f"rl-mark rl-{palette.shape(position)}"
