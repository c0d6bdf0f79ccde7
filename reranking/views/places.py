"""Ranks and movement, as HTML."""

from __future__ import annotations

from reranking.analysis.differences import Place, moved


def movement(before: Place | None, after: Place, against: str) -> str:
    """An arrow with how many places up or down a document went at least, or `=`; nothing without a place before."""
    if before is None:
        return ""
    places = moved(before, after)
    was = f"{before} in {against}"
    if places > 0:
        return f"<span class='rl-move rl-up' title='up from {was}'>▲{places}</span>"
    if places < 0:
        return f"<span class='rl-move rl-down' title='down from {was}'>▼{-places}</span>"
    return f"<span class='rl-move' title='same as {was}'>=</span>"


def rank(place: Place) -> str:
    """A rank, or the places that a tied document shares."""
    tied = " rl-tied' title='tied: shares these places, listed in input order" if place.tied else ""
    return f"<span class='rl-rank{tied}'>{place}</span>"
