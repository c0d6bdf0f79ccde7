"""The bump chart: a line is followed while the pointer is on it, and a click opens its document."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import streamlit as st

from reranking.charts import palette
from reranking.charts.bump import LABEL_LENGTH, LABEL_OFFSET, bump_chart, least_width
from reranking.charts.frame import cut
from reranking.ui import page, selection
from reranking.ui.drawing import draw
from reranking.views.bump import bump_columns
from reranking.views.compared import Compared

KEY = "bump"
CARD = "card"
LINE = "line"
CHOSEN = (CARD, LINE)
"""The parts of the page, by their fragments' keys, that show which document is chosen."""

# plotly draws lines without a style of their own under the pointer, and draws all anew to change one.
_FOLLOW = """
const linesOf = plot => [...plot.querySelectorAll(".scatterlayer .trace")];

function label(plot, line, toLeft, { title, offset }) {
  const points = [...line.querySelectorAll(".point")], layout = plot._fullLayout, parts = line.__data__;
  const at = toLeft ? 0 : points.length - 1;
  const [x, y] = points[at].getAttribute("transform").match(/-?[0-9.]+/g).map(Number);
  const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
  const words = [title, parts[at].y];
  text.textContent = (toLeft ? words : words.reverse()).join("  ");
  text.setAttribute("class", "rl-bump-label");
  text.setAttribute("text-anchor", toLeft ? "end" : "start");
  text.setAttribute("x", layout.xaxis._offset + x + (toLeft ? -offset : offset));
  text.setAttribute("y", layout.yaxis._offset + y + 4);
  plot.querySelector(".infolayer").append(text);
}

function mark(plot, look) {
  const { selected, grey, colour } = look;
  plot.style.setProperty("--rl-selected", colour);
  for (const old of plot.querySelectorAll(".rl-bump-label")) old.remove();
  for (const line of linesOf(plot)) {
    const trace = line.__data__?.[0]?.trace;
    const wanted = selected !== null && trace?.customdata?.[0]?.[0] === selected;
    line.classList.toggle("rl-bump-selected", wanted);
    line.classList.toggle("rl-bump-grey", wanted && trace.line.color === grey);
    if (!wanted) continue;
    line.parentElement.append(line);
    if (!trace.meta) for (const toLeft of [true, false]) label(plot, line, toLeft, look);
  }
}

export default function({ parentElement, data }) {
  parentElement.rlData = data;
  const follow = plot => {
    plot.rlFollowed = true;
    plot.on("plotly_hover", event => {
      const wanted = event.points?.[0]?.curveNumber;
      for (const line of linesOf(plot)) {
        line.classList.toggle("rl-followed", line.__data__?.[0]?.trace?.index === wanted);
      }
      plot.classList.add("rl-following");
    });
    plot.on("plotly_unhover", () => {
      plot.classList.remove("rl-following");
      for (const line of linesOf(plot)) line.classList.remove("rl-followed");
    });
    plot.on("plotly_afterplot", () => mark(plot, parentElement.rlData));
  };
  const look = () => {
    const plot = document.querySelector(".st-key-bump .js-plotly-plot");
    if (!plot?.on || plot.rlFollowed) return;
    follow(plot);
    mark(plot, parentElement.rlData);
  };
  parentElement.rlWatching?.disconnect();
  const watching = parentElement.rlWatching = new MutationObserver(look);
  watching.observe(document.querySelector("[data-testid=stMain]") || document.body, { childList: true, subtree: true });
  const known = document.querySelector(".st-key-bump .js-plotly-plot");
  if (known?.rlFollowed) mark(known, data);
  look();
  return () => watching.disconnect();
}
"""
_follower = st.components.v2.component("rerank_lens_follow_line", js=_FOLLOW)


@st.fragment(key="bump")
def show(found: Compared) -> None:
    """The chart with the input order as its first column; nothing for a single document."""
    count = len(found.documents)
    if count < 2:
        return

    def clicked() -> None:
        index = _clicked(count)
        if index is not None:
            selection.select_document(index)
            page.draw_again(CHOSEN)

    page.html(f"<style>.st-key-{KEY} > div {{ min-width: {least_width(len(found.parts) + 1)}px; }}</style>")
    draw(_figure(found, page.is_dark()), KEY, f"Ranks by {', '.join(found.names)}", clicked)


@st.fragment(key=LINE)
def follow(found: Compared) -> None:
    """Follow the line under the pointer, and make that of the document that the URL names stand out.

    It looks at all that is put into the page, and so is drawn after the rest.
    """
    selected, dark = selection.selected_document(len(found.documents)), page.is_dark()
    data = {
        "selected": selected,
        "title": "" if selected is None else cut(found.titles[selected], LABEL_LENGTH),
        "grey": palette.faint(dark),
        "colour": palette.text(dark),
        "offset": LABEL_OFFSET,
    }
    with st.container(key="bump-follower"):
        _follower(key="follow-line", data=data)


def _clicked(documents: int) -> int | None:
    """The document (original position) whose point was clicked; None if a point was left."""
    points = st.session_state[KEY].selection.points
    index = points[0]["customdata"][0] if points and points[0].get("customdata") else None
    return index if isinstance(index, int) and 0 <= index < documents else None


@lru_cache(maxsize=16)
def _figure(found: Compared, dark: bool) -> Any:
    return bump_chart(bump_columns(found), found.titles, dark)
