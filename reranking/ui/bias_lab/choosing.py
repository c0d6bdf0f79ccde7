"""What to test: documents, strategies and design, with what each design will ask and cost."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from reranking.analysis.bias_plan import BiasPlan
from reranking.analysis.designs import FEWEST_REPEATS, RUNS, offered, runs_needed
from reranking.documents import Document, has_content
from reranking.draft import Draft, Entry, draft_from_json
from reranking.formats.loaded import FormatError, Input
from reranking.strategies.base import Strategy
from reranking.strategies.bias_results import lots_of
from reranking.strategies.catalogue import each, with_defaults
from reranking.strategies.llm import ShowsSeveral
from reranking.ui import names, notices, state, strategy_set
from reranking.ui.bias_lab import kept
from reranking.ui.inputs import all_examples
from reranking.views.amounts import money
from reranking.views.bias_tests import ABOUT_DESIGNS, DESIGNS
from reranking.wording import listed


@dataclass(frozen=True, slots=True)
class Documents:
    """Queries with their documents, and where they are from.

    `session` is the id of another session that they were taken from, empty for none, and `shelf` its strategies.
    """

    inputs: tuple[tuple[str, tuple[Document, ...]], ...] = ()
    source: str = ""
    session: str = ""
    shelf: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be run: queries with their documents, strategies, and a plan for each query."""

    documents: Documents
    strategies: tuple[Strategy, ...]
    plans: tuple[BiasPlan, ...]


def choose(entered: Draft) -> Chosen | None:
    """The widgets; None as long as something is missing, which they say."""
    documents = _documents(entered)
    # Where nothing is entered, a session is tested with its own strategies.
    theirs = entered.is_empty() and documents.shelf
    strategies = _strategies(documents.shelf, documents.session) if theirs else _strategies(entered.shelf)
    if not documents.inputs or not strategies:
        return None
    return _design(documents, strategies)


def start(chosen: Chosen) -> None:
    """Start the test: one job of the session for each query.

    Where nothing was entered, what is tested becomes the session: a saved one is opened, other
    documents are taken as if they had been entered. Raises StoreError if it cannot be stored.
    """
    entered, documents = state.draft(), chosen.documents
    if entered.is_empty() and documents.session:
        state.go_to(documents.session)
    elif entered.is_empty():
        entered.take([Input(query, texts) for query, texts in documents.inputs], documents.source)
        state.refresh_widgets()
    state.keep()
    batch = secrets.token_hex(4) if len(documents.inputs) > 1 else ""
    for (query, texts), plan in zip(documents.inputs, chosen.plans, strict=True):
        state.jobs().start(
            state.session_id(), "bias", query, texts, chosen.strategies, state.registry().resolve,
            plan=replace(plan, batch=batch), budget_usd=state.draft().limit,
        )  # fmt: skip
    kept.choose(None)


def _documents(entered: Draft) -> Documents:
    """The choice of queries with their documents, two at least of each; says what is missing."""
    every = entered.queries()
    here, all_here = f"the {len(entered.documents())} documents entered", f"all {len(every)} queries of this session"
    sources = [here] if _is_usable(entered.query, entered.documents()) else []
    sources += [all_here] if len(every) > 1 else []
    sources += [_EXAMPLE, "a saved session" if entered.is_empty() else "another session", "a file"]
    source = st.selectbox("Documents", sources, key="bias-source", help=_ABOUT_SOURCES)
    if source == here:
        found = Documents(((entered.query, entered.documents()),))
    elif source == all_here:
        found = Documents(tuple((one.query, one.documents()) for one in every))
    elif source == _EXAMPLE:
        found = _from_example()
    elif source == "a file":
        found = _from_file()
    else:
        found = _from_session()
    usable = tuple(one for one in found.inputs if _is_usable(*one))
    if len(usable) < len(found.inputs):
        left = len(found.inputs) - len(usable)
        text = "A bias test needs a query and at least two documents."
        if len(found.inputs) > 1:
            text += f" {left} of {len(found.inputs)} queries are left out."
        notices.notice("info", text)
    return replace(found, inputs=usable)


_EXAMPLE = "an example"
_ABOUT_SOURCES = (
    "What was entered on Compare, an example that comes with the app, a session you worked on before, or a file with a "
    "query and its documents. A CSV of rankings made elsewhere is read below, under Rankings from elsewhere."
)


def _is_usable(query: str, documents: Sequence[Document]) -> bool:
    return has_content(query) and len(documents) > 1


def _from_example() -> Documents:
    known = {example.name: example for example in all_examples()}
    name = st.selectbox("Example", list(known), key="bias-example", format_func=lambda name: known[name].title)
    notices.caption(f"“{known[name].query}”, {len(known[name].documents)} documents.")
    return Documents(((known[name].query, known[name].documents),), f"example “{known[name].title}”")


def _from_session() -> Documents:
    rows = [row for row in state.store().sessions.all() if row.id != st.session_state.session and row.query]
    if not rows:
        notices.notice("info", "There is no other session with a query.")
        return Documents()
    titles = {row.id: row.title or row.query or "without a query" for row in rows}
    wanted = st.selectbox("Session", list(titles), key="bias-session", format_func=lambda id: titles[id][:80])
    found = state.store().sessions.get(wanted)
    if found is None:
        return Documents()
    draft = draft_from_json(found.draft)
    inputs = tuple((one.query, one.documents()) for one in draft.queries())
    return Documents(inputs, session=wanted, shelf=tuple(draft.shelf))


def _from_file() -> Documents:
    from reranking.formats.read import read

    file = st.file_uploader("File with a query and documents", key="bias-file")
    if file is None:
        notices.caption("JSON such as {query, documents}, a list of these, or what Compare reads from one file.")
        return Documents()
    try:
        loaded: Sequence[Input] = read(file.getvalue(), file.name).queries
    except FormatError as error:
        notices.notice("error", str(error))
        return Documents()
    return Documents(tuple((one.query or "", one.documents) for one in loaded), file.name)


def _strategies(shelf: Sequence[Entry], session: str = "") -> list[Strategy]:
    ready = {
        entry.key: with_defaults(strategy)
        for entry in shelf
        if not strategy_set.needs(entry) and (strategy := entry.strategy()) is not None
    }
    if not ready:
        notices.notice("info", "None of the strategies on Compare can run: add one there, or choose its model.")
        return []
    titles = dict(zip(ready, names.short_names(list(ready.values())), strict=True))
    on = [entry.on for entry in shelf if entry.key in ready]
    ran = None if session else state.latest_job("comparison")
    failed = [] if ran is None else [
        part.strategy.spec() for part in ran.parts if part.ranking is not None and part.ranking.outcome == "failed"
    ]  # fmt: skip
    lost = [strategy.spec() in failed for strategy in ready.values()]
    first = list(ready)[first_choice(list(ready.values()), on, lost)]
    wanted = st.multiselect(
        "Strategies", list(titles), default=[first], key=state.widget_key(f"bias-strategies{session}"),
        format_func=lambda key: titles[key], placeholder="Choose one or several",
    )  # fmt: skip
    if not wanted:
        notices.notice("info", "Choose at least one strategy.")
    return [ready[key] for key in wanted]


def first_choice(strategies: Sequence[Strategy], on: Sequence[bool], failed: Sequence[bool]) -> int:
    """Which of them to test first: the one most worth it of those that are on and whose last run did not fail.

    Where all that are on failed, it is one of these; where none is on, one of all.
    """
    every = range(len(strategies))
    wanted = [at for at in every if on[at] and not failed[at]] or [at for at in every if on[at]] or list(every)
    return wanted[worth_testing([strategies[at] for at in wanted])]


def worth_testing(strategies: Sequence[Strategy]) -> int:
    """Which of them to test first: one that shows a model several documents, else one that asks a model at all."""
    several = [any(isinstance(part, ShowsSeveral) for part in each(strategy)) for strategy in strategies]
    asking = [any(part.asks for part in each(strategy)) for strategy in strategies]
    return several.index(True) if any(several) else asking.index(True) if any(asking) else 0


def _design(documents: Documents, strategies: Sequence[Strategy]) -> Chosen | None:
    inputs = documents.inputs
    kinds = offered(max(len(texts) for _, texts in inputs))
    left, second, third = st.columns(3)
    runs = int(
        left.number_input(
            "Shuffles", 2, 200, RUNS, step=2, key="bias-runs",
            help="How many input orders each query is ranked in. More make the interval of the bias narrower.",
        )
    )  # fmt: skip
    noisy = [at for at, strategy in enumerate(strategies) if not kept.is_steady(strategy)]
    repeats = int(
        second.number_input(
            "Repeats of one order", 0, 50, FEWEST_REPEATS, key="bias-repeats", disabled=not noisy,
            help="What moves between runs of the same order is noise; bias is only what exceeds it. 0: not measured.",
        )
    )  # fmt: skip
    seed = int(
        third.number_input(
            "Seed", 0, 2**31 - 1, 1, key="bias-seed",
            help="The same seed draws the same shuffles; another one tells whether a finding holds in others.",
        )
    )  # fmt: skip
    if 0 < repeats < FEWEST_REPEATS:
        notices.notice("info", f"Noise shows from {FEWEST_REPEATS} repeats on; 0 leaves it out.")
        return None
    steady = tuple(at for at in range(len(strategies)) if at not in noisy)
    plans = {
        kind: [
            BiasPlan(kind, runs_needed(kind, len(texts), runs), repeats if noisy else 0, seed, steady)
            for _, texts in inputs
        ]
        for kind in kinds
    }
    kind = st.radio(
        "Design", list(plans), key="bias-design", format_func=lambda one: DESIGNS[one],
        captions=[notices.label(f"{ABOUT_DESIGNS[one]}: {told(inputs, strategies, plans[one])}") for one in plans],
    )  # fmt: skip
    if kind == "pairs" and runs % 2:
        notices.notice("info", "Orders and their reverses come in pairs: take an even number of shuffles.")
        return None
    within = None if kind == "balanced" else _within()
    chosen = [replace(plan, within=within) for plan in plans[kind]]
    notices.caption(" ".join(_remarks(strategies, noisy, repeats)))
    return Chosen(documents, tuple(strategies), tuple(chosen))


def _within() -> float | None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    early = left.checkbox(
        "Stop early", key="bias-early",
        help="Looks at the interval up to 4 times while the shuffles run, and saves the rest once it is narrow enough. "
        "For these looks the intervals are computed more strictly, so that they still hold in 95 of 100 tests.",
    )  # fmt: skip
    width = right.number_input(
        "Once known to ± places", 0.1, 50.0, 1.0, step=0.1, key="bias-within", disabled=not early,
        help="How precisely the bias has to be known: with 1, the shuffles stop as soon as the interval of what a "
        "document gains by moving from last to first reaches no more than 1 place to either side, as in 4.2 ± 1.",
    )  # fmt: skip
    return float(width) if early else None


def told(
    inputs: Sequence[tuple[str, tuple[Document, ...]]], strategies: Sequence[Strategy], plans: Sequence[BiasPlan]
) -> str:
    """What a design asks and costs, for all queries and strategies together: `13 runs, 130 requests, at most $0.02`."""
    requests, tokens, exact = 0, 0, True
    cost: float | None = 0.0
    for (query, documents), plan in zip(inputs, plans, strict=True):
        for position, strategy in enumerate(strategies):
            found = strategy_set.prediction(strategy.spec(), query, documents)
            runs = plan.runs(position)
            requests += runs * found.requests
            tokens += runs * found.input_tokens
            exact &= found.exact
            if found.requests and (found.input_usd is None or found.output_usd is None):
                cost = None
            elif cost is not None:
                cost += runs * ((found.input_usd or 0.0) + (found.output_usd or 0.0))
    shuffles = plans[0].shuffles if len(plans) == 1 else sum(plan.shuffles for plan in plans)
    repeats = sum(plan.repeats for plan in plans)
    what = f"{shuffles} shuffles" + (f" and {repeats} repeats" if repeats else "")
    if not requests:
        return f"{what}, no requests, free"
    about = "" if exact else "about "
    price = "cost not known" if cost is None else f"at most {money(cost)}" if cost else "free"
    return f"{what}, {about}{requests:,} requests, ~{_thousands(tokens)} tokens, {price}"


def _thousands(number: int) -> str:
    return f"{number / 1000:,.0f}k" if number >= 10_000 else f"{number:,}"


def _remarks(strategies: Sequence[Strategy], noisy: Sequence[int], repeats: int) -> list[str]:
    """What is known before anything runs."""
    titles = names.short_names(strategies)
    blind = [name for name, strategy in zip(titles, strategies, strict=True) if kept.ignores_order(strategy)]
    drawing = [name for name, strategy in zip(titles, strategies, strict=True) if lots_of(strategy) == "whole"]
    steady = [name for at, name in enumerate(titles) if at not in noisy]
    found = []
    if blind:
        found.append(f"The order cannot matter to {listed(blind)}: the test must show exactly no effect.")
        if len(blind) == len(titles):
            found.append(
                "To see a bias, choose a strategy that shows a model several documents at once, or add one on Compare."
            )
    if drawing:
        found.append(
            f"{listed(drawing)}: the shuffles are drawn by what the documents say. The test shows that the order of "
            "the input does not matter; it cannot show the model's preference for places, which acts within them."
        )
    if steady and repeats:
        found.append(f"No repeats for {listed(steady)}: the same order always gives the same ranking.")
    if any(part.asks for strategy in strategies for part in each(strategy)):
        found.append("Each run asks anew, so that no shuffle is answered from another's replies.")
    return found
