"""Widgets for what an LLM strategy tells its model: the prompt, shown or rewritten, and the domain."""

from __future__ import annotations

from typing import Any

import streamlit as st

from reranking.prompts.domains import Domain, domains, problems
from reranking.strategies.llm import LLMStrategy
from reranking.ui import notices

NO_DOMAIN = ""
OWN = "own"


def prompt_form(strategy: LLMStrategy, key: str) -> dict[str, Any] | None:
    """The prompt as it is; switched on, two text areas for the user's own words."""
    given = strategy.template()
    own = st.toggle("Own prompt", value=strategy.prompt is not None, key=f"{key}-own", help="Rewrite the prompt.")
    if not own:
        with st.expander("The prompt"):
            st.code(f"{given.system.strip()}\n\n{given.user.strip()}", language=None, wrap_lines=True)
        return None
    must = ", ".join(f"{{{{ {name} }}}}" for name in given.placeholders)
    may = ", ".join(f"{{{{ {name} }}}}" for name in given.optional)
    notices.caption(f"Must show {must}." + (f" May use {may}." if may else ""))
    system = st.text_area("What the model is told about its task", given.system.strip(), key=f"{key}-system", height=90)
    user = st.text_area("The question", given.user.strip(), key=f"{key}-user", height=220)
    same = strategy.prompt is None and (system, user) == (given.system.strip(), given.user.strip())
    return None if same else {"system": system, "user": user}


def domain_form(value: Domain | None, key: str, help_text: str | None) -> Any:
    """None, one of the data files by its full text, or one written here."""
    known = domains()
    current = NO_DOMAIN if value is None else next((name for name, found in known.items() if found == value), OWN)
    titles = {NO_DOMAIN: "none", **{name: found.title for name, found in known.items()}, OWN: "your own"}
    options = list(titles)
    chosen = st.selectbox(
        "Domain", options, index=options.index(current), key=f"{key}-name", help=help_text,
        format_func=lambda name: titles[name],
    )  # fmt: skip
    for problem in problems():
        notices.caption(f"{problem[0].upper()}{problem[1:]}.")
    if chosen == NO_DOMAIN:
        return None
    if chosen != OWN:
        return known[chosen].model_dump(mode="json")
    given = value if value is not None and current == OWN else Domain(title="My field")
    title = st.text_input("Name of the field", given.title, key=f"{key}-title")
    preamble = st.text_area("Who searches, and for what", given.preamble, key=f"{key}-preamble", height=80)
    priorities = st.text_area(
        "What counts, one per line, the most important first", "\n".join(given.priorities), key=f"{key}-priorities"
    )
    lines = [line.strip() for line in priorities.splitlines() if line.strip()]
    return {"title": title.strip(), "preamble": preamble.strip(), "priorities": lines}
