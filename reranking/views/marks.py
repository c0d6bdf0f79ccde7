"""The mark of a strategy beside its name: its shape in its colour, the same on every panel and chart."""

from __future__ import annotations

from reranking.charts import palette


def mark(position: int, dark: bool | None = None) -> str:
    """The mark of the strategy at that place of the comparison, as HTML; a name has to stand beside it.

    `dark` is None where the theme is not known: what is black in the light then takes the colour of words.
    """
    return f"<i class='{kind(position)}' style='background:{colour(position, dark)}'></i>"


def kind(position: int) -> str:
    """The classes (style.css) that give an element the shape of a strategy's mark."""
    return f"rl-mark rl-{palette.shape(position)}"


def colour(position: int, dark: bool | None) -> str:
    """The colour of a strategy's mark as CSS takes it; `dark` as for `mark`."""
    light, night = palette.colour(position, dark=False), palette.colour(position, dark=True)
    if dark is None:
        return light if light == night else "currentColor"
    return night if dark else light
