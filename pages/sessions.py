"""Sessions: find, open, report and delete what was saved."""

from datetime import datetime

import streamlit as st

from reranking.ui import deleting, page, reporting, state
from reranking.views.amounts import spent

page.begin()
search = st.text_input("Search", placeholder="Search titles and queries", label_visibility="collapsed", key="search")
for gone in state.store().sessions.discarded():
    deleting.offer_back(gone)
rows = state.store().sessions.all(search or "")
if not rows:
    page.html(
        "<p class='rl-hint'>"
        + ("No session matches." if search else "No sessions yet. What you enter on Compare appears here.")
        + "</p>"
    )

for row in rows:
    with st.container(border=True, key=f"session-{row.id}"):
        text, buttons = st.columns([2, 1], vertical_alignment="center")
        title = row.title or "Draft"
        cost = "cost unknown" if row.cost_usd is None else spent(row.cost_usd)
        changed = datetime.fromtimestamp(row.updated)
        facts = [
            f"{row.strategies} strategies",
            f"judged {row.judged} of {row.documents}" if row.documents else "not run yet",
            cost,
            f"{changed:%d %b %Y %H:%M}",
        ]
        with text:
            page.session_row(title, row.query, facts, draft=row.title is None)
        with buttons, st.container(horizontal=True, gap="small"):
            if st.button("Open", key=f"open-{row.id}", width="stretch"):
                state.go_to(row.id)
                st.switch_page("pages/compare.py", query_params={"session": row.id})
            reporting.button(row.id, row.title or row.query, f"report-{row.id}")
            if st.button("Delete", key=f"delete-{row.id}", width="stretch"):
                deleting.discard(row)
