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
# So the line that stands out is drawn a second time, over its own.
_FOLLOW = """
const traceOf = point => point.closest(".trace").__data__[0].trace;
const documentOf = point => traceOf(point).customdata?.[point.__data__.i]?.[0];
const placeOf = point => point.getAttribute("transform").match(/-?[0-9.]+/g).map(Number);

function made(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  return element;
}

function label(plot, point, toLeft, { title, offset }) {
  const [x, y] = placeOf(point), layout = plot._fullLayout;
  const words = [title, point.__data__.y];
  const text = made("text", {
    class: "rl-bump-label",
    "text-anchor": toLeft ? "end" : "start",
    x: layout.xaxis._offset + x + (toLeft ? -offset : offset),
    y: layout.yaxis._offset + y + 4,
  });
  text.textContent = (toLeft ? words : words.reverse()).join("  ");
  plot.querySelector(".infolayer").append(text);
}

function drawOver(plot, kind, wanted, grey) {
  for (const old of plot.querySelectorAll(`.${kind}`)) old.remove();
  if (wanted === null) return [];
  const points = [...plot.querySelectorAll(".scatterlayer .trace .point")].filter(each => documentOf(each) === wanted);
  if (!points.length) return points;
  const { color, width } = traceOf(points[0]).line;
  const line = made("path", { class: "js-line", d: "M" + points.map(placeOf).join("L") });
  line.style.cssText = `fill: none; stroke: ${color}; stroke-width: ${width}px`;
  const group = made("g", { class: color === grey ? `${kind} rl-bump-grey` : kind });
  group.append(line, ...points.map(each => each.cloneNode(true)));
  points[0].closest(".scatterlayer").append(group);
  return points;
}

function highlight(plot, look) {
  const points = drawOver(plot, "rl-followed", plot.rlWanted ?? null, look.grey);
  plot.classList.toggle("rl-following", points.length > 0);
}

function mark(plot, look) {
  plot.style.setProperty("--rl-selected", look.colour);
  for (const old of plot.querySelectorAll(".rl-bump-label")) old.remove();
  const points = drawOver(plot, "rl-bump-selected", look.selected, look.grey);
  if (!points.length || traceOf(points[0]).meta) return;
  for (const toLeft of [true, false]) label(plot, points.at(toLeft ? 0 : -1), toLeft, look);
}

export default function({ parentElement, data }) {
  parentElement.rlData = data;
  const follow = plot => {
    plot.rlFollowed = true;
    plot.on("plotly_hover", event => {
      plot.rlWanted = event.points?.[0]?.customdata?.[0] ?? null;
      highlight(plot, parentElement.rlData);
    });
    plot.on("plotly_unhover", () => {
      plot.rlWanted = null;
      highlight(plot, parentElement.rlData);
    });
    plot.on("plotly_afterplot", () => {
      highlight(plot, parentElement.rlData);
      mark(plot, parentElement.rlData);
    });
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
