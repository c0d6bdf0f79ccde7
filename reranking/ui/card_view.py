"""The card of the selected document, beside the results, and the ways to choose and leave one."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from reranking.ui import card, example_grades, following, notices, page, picking, selection, state
from reranking.views.compared import Compared
from reranking.views.grades import Grades

MARKED = "marked"
# A rule of style, so that the columns themselves stay as they are when another document is chosen.
_CHOSEN = """<style>
.rl-by-rank td[data-doc='INDEX'], .rl-by-document tr[data-doc='INDEX'] > * {
  background: color-mix(in srgb, var(--rl-up) 14%, var(--rl-page));
}
</style>"""


@st.fragment(key=following.CARD)
def show(found: Compared, grades: Grades) -> None:
    """Listen for choices, and show the card of the document that the URL names."""
    count = len(found.documents)
    picking.listener(count, _again)
    index = selection.selected_document(count)
    if index is None:
        return
    page.html(_CHOSEN.replace("INDEX", str(index)))
    with st.container(key="document-card"):
        _card(found, grades, index)


def _again() -> None:
    """What shows the chosen document is drawn anew, and nothing else."""
    page.draw_again(following.CHOSEN)


def _close() -> None:
    selection.select_document(None)
    _again()


def _card(found: Compared, grades: Grades, index: int) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        page.html("<div class='rl-caption'>Document</div>")
        st.button("Close", key="close-card", on_click=_close, help="Esc")
    page.html(card.heading(found, index, grades.words.get(index, "")))
    known = card.marks(found, index)
    if known:
        chosen = st.pills(
            "Marked in the text", list(known), selection_mode="multi", default=_usual(known), key=f"{MARKED}-{index}",
            format_func=lambda key: notices.label(known[key].label),
        )  # fmt: skip
    else:
        chosen = []
    candidate = found.job.candidates[index]
    fingerprint = candidate.document.fingerprint
    # An example's grades are shown once they are taken over, and not before.
    hidden = ["grade"] if fingerprint in example_grades.offered(found.job.query, found.documents) else []
    page.html(
        f"{card.text(candidate, [known[key] for key in chosen])}{card.metadata(candidate, hidden)}"
        f"<h3 class='rl-section'>By every strategy</h3>{card.placed(found, index, None, _calls(found, index))}"
        "<h3 class='rl-section'>Judgments</h3>"
        f"{card.judgments(state.store().judgments.history(found.job.query, fingerprint))}"
    )


def _usual(known: Mapping[str, card.Mark]) -> list[str]:
    return [key for key in known if key == "words" or key.startswith("quotes")]


def _calls(found: Compared, index: int) -> dict[int, int]:
    """How many calls of each strategy (by number) showed the document."""
    calls = state.store().calls
    return {
        at: calls.count(found.job.id, part.position, index, once=True)
        for at, part in enumerate(found.parts)
        if found.rankings[at].usage.requests
    }
