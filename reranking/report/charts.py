"""Figures in a page that draws them itself: their data inline, for light and dark."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import plotly.graph_objects as go
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

Path = tuple[str | int, ...]


def chart(make: Callable[[bool], go.Figure], title: str, words: str = "", *, least_width: int = 0) -> Markup:
    """A figure as HTML. `make` draws it, given whether the theme is dark; `report.js` puts it onto the page.

    `title` says what it shows to those who cannot see it, `words` all that it holds, for everyone.
    """
    light, dark = _values(make(False)), _values(make(True))
    data = htmlsafe_json_dumps({"light": light, "dark": _changes(light, dark)})
    height = int(light["layout"]["height"])
    style = f"height:{height}px" + (f";min-width:{least_width}px" if least_width else "")
    told = Markup("<details class='rl-words'><summary>In words</summary><p>{}</p></details>").format(words)
    return Markup(
        "<figure class='rl-chart'><div class='rl-wide'><div class='rl-plot' role='img' aria-label='{}' style='{}'>"
        "</div></div><script type='application/json'>{}</script><figcaption>{}</figcaption></figure>"
    ).format(title, style, data, told if words else escape(title))


def template() -> Markup:
    """What all figures take their defaults from, as JSON, so that it stands in the page once."""
    return htmlsafe_json_dumps(json.loads(go.Figure().to_json())["layout"]["template"])


def _values(figure: go.Figure) -> dict[str, Any]:
    """Data and layout as JSON-able values, without the template."""
    values: dict[str, Any] = json.loads(figure.to_json())
    values["layout"].pop("template")
    return {"data": values["data"], "layout": values["layout"]}


def _changes(light: Any, dark: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """What has to be set, and where, to make one value of the other."""
    if isinstance(light, Mapping) and isinstance(dark, Mapping) and light.keys() == dark.keys():
        return [change for key in light for change in _changes(light[key], dark[key], (*path, key))]
    if isinstance(light, list) and isinstance(dark, list) and len(light) == len(dark):
        pairs = enumerate(zip(light, dark, strict=True))
        return [change for at, (one, other) in pairs for change in _changes(one, other, (*path, at))]
    return [] if light == dark else [(path, dark)]
