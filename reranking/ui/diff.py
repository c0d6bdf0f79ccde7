"""Two strategies of a comparison set against each other, in words and as HTML built from escaped text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from itertools import combinations

import streamlit as st

from reranking.analysis.agreement import kendall_tau_b, number
from reranking.analysis.differences import Apart, Place, TwoWay, two_way
from reranking.ui import filters, page, selection
from reranking.views.compared import Compared
from reranking.views.disputed import why

EXPLAINED = 3
SWAPS = 5
LISTED = 20


def show(found: Compared) -> None:
    """A part that can be opened, and is open where the URL names two strategies; nothing with fewer than two."""
    if len(found.documents) > 1 and len(usable(found)) > 1:
        _part(found)


@st.fragment(key="two")
def _part(found: Compared) -> None:
    box = st.expander(
        "Two strategies against each other", expanded=_named(found) is not None, key="open-two", on_change="rerun"
    )
    if not box.open:
        return
    pair = chosen(found)
    with box:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            for side, label in enumerate(("One strategy", "The other")):
                st.session_state[f"two-{side}"] = pair[side]
                st.selectbox(
                    label, usable(found), format_func=lambda at: found.names[at], key=f"two-{side}", width=280,
                    on_change=_choose, args=(found, pair, side),
                )  # fmt: skip
        page.html(report(found, *pair, selection.selected_cut(len(found.documents))))


def _choose(found: Compared, pair: tuple[int, int], side: int) -> None:
    """Put the chosen strategy into the URL; the other side's is exchanged for it."""
    wanted, other = st.session_state[f"two-{side}"], pair[1 - side]
    if wanted == other:
        other = pair[side]
    ordered = (wanted, other) if side == 0 else (other, wanted)
    selection.select_pair(*(found.parts[at].position for at in ordered))


def usable(found: Compared) -> list[int]:
    """The strategies (by number) that gave an order."""
    return [at for at, ranking in enumerate(found.rankings) if ranking.outcome != "failed"]


def chosen(found: Compared) -> tuple[int, int]:
    """The two strategies (by number) that the URL names, else the two that agree least."""
    return _named(found) or least_agreeing(found)


def _named(found: Compared) -> tuple[int, int] | None:
    numbers = {found.parts[at].position: at for at in usable(found)}
    pair = selection.selected_pair(list(numbers))
    return None if pair is None else (numbers[pair[0]], numbers[pair[1]])


@lru_cache(maxsize=16)
def least_agreeing(found: Compared) -> tuple[int, int]:
    """The two strategies with the lowest tau-b, of two or more that did not fail; a baseline for want of others."""
    known = usable(found)
    telling = [at for at in known if found.parts[at].strategy.family != "Baseline"]
    pairs = list(combinations(telling if len(telling) > 1 else known, 2))
    taus = {pair: kendall_tau_b(found.rankings[pair[0]], found.rankings[pair[1]]) for pair in pairs}
    return min(pairs, key=lambda pair: 2.0 if (tau := taus[pair]) is None else tau)


@lru_cache(maxsize=32)
def report(found: Compared, one: int, two: int, k: int) -> str:
    """What two strategies (by number) share, where they differ most and why, and what each has alone in its top k."""
    differing = two_way(found.rankings[one], found.rankings[two], k)
    if differing is None:
        return ""
    said = f"<p class='rl-card-finding'>{_sentence(found, one, two, differing)}</p>"
    apart = [entry for entry in differing.apart if entry.distance][:EXPLAINED]
    why = "".join(_apart(found, one, two, entry) for entry in apart)
    lists = (
        _list(found, one, two, f"In both top {k}", differing.common)
        + _list(found, one, two, f"Only in {found.names[one]}'s", differing.only_first)
        + _list(found, one, two, f"Only in {found.names[two]}'s", differing.only_second)
        + _swaps(found, one, two, differing)
    )
    head = "<h3 class='rl-section'>Furthest apart</h3>" if why else ""
    return f"{said}{head}{why}<div class='rl-two'>{lists}</div>"


def _sentence(found: Compared, one: int, two: int, differing: TwoWay) -> str:
    """What they share, in words."""
    first, second, k = escape(found.names[one]), escape(found.names[two]), differing.k
    tau = kendall_tau_b(found.rankings[one], found.rankings[two])
    how = f" (tau {number(tau)}: 1 = same order, 0 = unrelated)" if tau is not None else ""
    top = f"their top {min(k, len(found.documents))}"
    shared = f"<b>{len(differing.common)}</b> of {top}"
    said = f"{first} and {second} have {shared} in common{how}."
    said += _pairs(differing.pairs, len(differing.swaps))
    if differing.undecided:
        count = len(differing.undecided)
        said += (
            f" {count} document{'s' if count > 1 else ''} cannot be counted: "
            "a tie goes across the cut, so that only the order of listing decides."
        )
    return said


def _pairs(pairs: int, swapped: int) -> str:
    """How many pairs of what is shared are in opposite order."""
    if not pairs:
        return ""
    if pairs == 1:
        return f" The two of them that both tell apart stand in {'opposite' if swapped else 'the same'} order."
    if not swapped:
        return f" All {pairs} pairs among these stand in the same order."
    return f" Of the {pairs} pairs among these, {swapped} stand{'s' * (swapped == 1)} in opposite order."


def _apart(found: Compared, one: int, two: int, entry: Apart) -> str:
    first, second = escape(found.names[one]), escape(found.names[two])
    return (
        f"<div class='rl-apart'>{_name(found, entry.index)}"
        f"<div>{first} puts it at <b>{entry.first}</b>, {second} at <b>{entry.second}</b>.</div>"
        f"{why(found, entry.index, (one, two))}</div>"
    )


def _list(found: Compared, one: int, two: int, title: str, indexes: Sequence[int]) -> str:
    here, there = filters.held(found)[one], filters.held(found)[two]
    rows = "".join(
        f"<tr><td>{_name(found, index)}</td><td class='rl-num'>{here[index]}</td>"
        f"<td class='rl-num'>{there[index]}</td></tr>"
        for index in indexes[:LISTED]
    )
    left = len(indexes) - LISTED
    more = f"<div class='rl-more'>and {left} more</div>" if left > 0 else ""
    if not indexes:
        return f"<div><h3 class='rl-section'>{escape(title)}: none</h3></div>"
    heads = "".join(f"<th class='rl-num'>{escape(found.names[at])}</th>" for at in (one, two))
    return (
        f"<div><h3 class='rl-section'>{escape(title)}: {len(indexes)}</h3><table class='rl-table'><thead><tr><th></th>"
        f"{heads}</tr></thead><tbody>{rows}</tbody></table>{more}</div>"
    )


def _swaps(found: Compared, one: int, two: int, differing: TwoWay) -> str:
    """The pairs that stand in opposite order, the furthest apart first."""
    if not differing.swaps:
        return ""
    here, there = filters.held(found)[one], filters.held(found)[two]
    first, second = escape(found.names[one]), escape(found.names[two])

    def places(held: Sequence[Place]) -> str:
        return f"{held[0]}, {held[1]}"

    rows = "".join(
        f"<li>{_name(found, upper)} before {_name(found, lower)} by {first} ({places((here[upper], here[lower]))}), "
        f"after it by {second} ({places((there[upper], there[lower]))})</li>"
        for upper, lower in differing.swaps[:SWAPS]
    )
    left = len(differing.swaps) - SWAPS
    more = f"<div class='rl-more'>and {left} more</div>" if left > 0 else ""
    title = f"<h3 class='rl-section'>In opposite order: {len(differing.swaps)}</h3>"
    return f"<div>{title}<ul class='rl-why'>{rows}</ul>{more}</div>"


def _name(found: Compared, index: int) -> str:
    """A document's title as a button that opens its card."""
    return (
        f"<button type='button' class='rl-title rl-open' dir='auto' data-doc='{index}'>"
        f"{escape(found.titles[index])}</button>"
    )
