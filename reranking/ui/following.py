"""The bump chart: a line is followed while the pointer is on it, and a click opens its document."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import streamlit as st

from reranking.charts.bump import BumpColumn, bump_chart, least_width
from reranking.ranking import by_order
from reranking.ui import page, selection
from reranking.ui.compared import Compared
from reranking.ui.drawing import draw

FRAGMENT = "bump"
KEY = "bump"
CARD = "card"

# plotly draws lines without a hover style of their own.
_FOLLOW = """
export default function({ parentElement }) {
  const follow = plot => {
    plot.rlFollowed = true;
    const lines = () => [...plot.querySelectorAll(".scatterlayer .trace")];
    plot.on("plotly_hover", event => {
      const wanted = event.points?.[0]?.curveNumber;
      for (const line of lines()) {
        line.classList.toggle("rl-followed", line.__data__?.[0]?.trace?.index === wanted);
      }
      plot.classList.add("rl-following");
    });
    plot.on("plotly_unhover", () => {
      plot.classList.remove("rl-following");
      for (const line of lines()) line.classList.remove("rl-followed");
    });
  };
  const look = () => {
    const plot = document.querySelector(".st-key-bump .js-plotly-plot");
    if (plot?.on && !plot.rlFollowed) follow(plot);
  };
  parentElement.rlWatching?.disconnect();
  const watching = parentElement.rlWatching = new MutationObserver(look);
  watching.observe(document.querySelector("[data-testid=stMain]") || document.body, { childList: true, subtree: true });
  look();
  return () => watching.disconnect();
}
"""
_follower = st.components.v2.component("rerank_lens_follow_line", js=_FOLLOW)


@st.fragment(key=FRAGMENT)
def show(found: Compared) -> None:
    """The chart with the input order as its first column; nothing for a single document."""
    count = len(found.documents)
    if count < 2:
        return

    def clicked() -> None:
        index = _clicked(count)
        if index is not None:
            selection.select_document(index)
            page.draw_again([FRAGMENT, CARD])

    page.html(f"<style>.st-key-{KEY} > div {{ min-width: {least_width(len(found.parts) + 1)}px; }}</style>")
    figure = _figure(found, page.is_dark(), selection.selected_document(count))
    alt = f"Ranks by {', '.join(found.names)}"
    draw(figure, KEY, alt, clicked)
    with st.container(key="bump-follower"):
        _follower(key="follow-line")


def _clicked(documents: int) -> int | None:
    """The document (original position) whose point was clicked; None if a point was left."""
    points = st.session_state[KEY].selection.points
    index = points[0]["customdata"][0] if points and points[0].get("customdata") else None
    return index if isinstance(index, int) and 0 <= index < documents else None


@lru_cache(maxsize=16)
def _figure(found: Compared, dark: bool, selected: int | None) -> Any:
    drawn = [BumpColumn(name, ranking) for name, ranking in zip(found.names, found.rankings, strict=True)]
    if not any(part.strategy.keeps_order for part in found.parts):
        came_in = by_order(found.job.candidates, range(len(found.documents)))
        drawn.insert(0, BumpColumn("Input order", came_in))
    return bump_chart(drawn, found.titles, dark, selected)
