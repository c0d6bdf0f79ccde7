"""The current session: one per browser tab, in the URL, kept as a draft from the first entry."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import streamlit as st

from reranking.documents import Document
from reranking.draft import Draft as Draft
from reranking.draft import Entered as Entered
from reranking.draft import Entry as Entry
from reranking.draft import draft_from_json
from reranking.jobs import Jobs, JobStatus
from reranking.models import ModelError
from reranking.providers.registry import Registry
from reranking.providers.settings import ModelInfo, Settings, same_address
from reranking.store import JobKind, Store, StoreError, open_store
from reranking.store.sessions import ChangedElsewhereError, MissingSessionError
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import each
from reranking.ui import notices
from reranking.views.grades import ASSESSOR as ASSESSOR
from reranking.views.grades import GRADES as GRADES
from reranking.views.grades import SCALE as SCALE
from reranking.views.grades import Grades, given
from reranking.views.grades import grades as grades_that_count
from reranking.views.latest import latest_job as latest_job_of
from reranking.views.naming import label_in

MODELS_SECONDS = 60.0
CHANGED = (
    "This session was changed in another tab. What you entered here is kept in this new session; "
    "the other one stays as it was changed there."
)
DELETED = "This session was deleted in another tab. What is entered here is kept as a new session."


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The jobs of this process, on the one store."""
    opened = open_store()
    opened.sessions.erase_old()
    return Jobs(opened, Registry().resolve)


def store() -> Store:
    """The store of this process. Stops the page with what to do if it cannot be used."""
    try:
        return jobs().store
    except StoreError as error:
        notices.notice("error", str(error))
        st.stop()


def registry() -> Registry:
    """The models as this browser session sees them, with its own keys."""
    connections, tested = store().connections.all(), store().connections.tested()
    known = Settings(secrets=_secret, connections=connections, tested=tested)
    keys = {name: key for name, (key, place) in _keys().items() if same_address(place, known.address(name))}
    if st.session_state.get("registry_of") != (keys, connections, tested):
        st.session_state.registry = Registry(replace(known, keys=keys))
        st.session_state.registry_of = (keys, connections, tested)
    found: Registry = st.session_state.registry
    return found


def type_key(name: str, key: str, place: str = "") -> None:
    """Keep a key for this browser session only; a blank one is forgotten.

    `place` is the address that it is typed for: should the connection get another, by whomever, the key does not
    go there.
    """
    if key.strip():
        _keys()[name] = (key.strip(), place)
    else:
        _keys().pop(name, None)


def keys_for_elsewhere() -> set[str]:
    """The connections that have another address than that which a key was typed in for."""
    return _keys().keys() - registry().settings.keys.keys()


def _keys() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = st.session_state.setdefault("keys", {})
    return found


def models() -> list[ModelInfo]:
    """The models that can be named; asked again after a minute, since local servers come and go."""
    known = registry()
    found, at, of = st.session_state.get("models", ([], 0.0, None))
    if of is not known or time.monotonic() - at > MODELS_SECONDS:
        found = known.listing()
        st.session_state.models = (found, time.monotonic(), known)
    return list(found)


def model_note(name: str) -> str:
    """What must be known before a model is trusted, such as `embedded (weak)`; empty if nothing. Asks no server."""
    try:
        return str(getattr(registry().resolve(name), "note", ""))
    except ModelError:
        return ""


def _secret(name: str) -> str | None:
    """A Streamlit secret, or None; a missing secrets file is no error."""
    from streamlit.errors import StreamlitSecretNotFoundError

    try:
        value = st.secrets.get(name)
    except StreamlitSecretNotFoundError:
        return None
    return value if isinstance(value, str) else None


def draft() -> Draft:
    """The current draft. Reads the session that the URL names, if it is another one."""
    wanted = st.query_params.get("session")
    if wanted and wanted != st.session_state.get("session"):
        _open(wanted)
    if "draft" not in st.session_state:
        _begin(None, Draft())
    if st.session_state.session and wanted != st.session_state.session:
        st.query_params["session"] = st.session_state.session
    found: Draft = st.session_state.draft
    return found


def keep() -> None:
    """Store the draft if it changed. The first entry makes a session and puts it into the URL.

    Where the session was changed or deleted in another tab, what is entered here goes into a new
    one. Where it cannot be stored, that is said, and the next run of the page tries again.
    """
    current: Draft = st.session_state.draft
    new = current.to_json()
    session = st.session_state.session
    if new == st.session_state.kept or (session is None and current.is_empty()):
        return
    with explained():
        try:
            if session is None:
                _move_into_new()
            else:
                store().sessions.save_draft(session, new, was=st.session_state.stored)
        except ChangedElsewhereError:
            _move_into_new(CHANGED)
        except MissingSessionError:
            _move_into_new(DELETED)
        st.session_state.kept = st.session_state.stored = new


def session_id() -> str:
    """The id of the current session, which is made if there is none yet, or none any more.

    Raises StoreError if it cannot be made.
    """
    session: str | None = st.session_state.session
    if session is None:
        return _move_into_new()
    return session if store().sessions.exists(session) else _move_into_new(DELETED)


@contextmanager
def explained() -> Iterator[None]:
    """Do something with the store; where that fails, say why instead of ending the page."""
    try:
        yield
    except StoreError as error:
        say("error", str(error))


def say(kind: notices.Kind, text: str) -> None:
    """Show a sentence at the top of the page, in this run or, if it is run again, in the next."""
    said = st.session_state.setdefault("said", [])
    if (kind, text) not in said:
        said.append((kind, text))


def said() -> list[tuple[notices.Kind, str]]:
    """What was said since it was last asked for."""
    found: list[tuple[notices.Kind, str]] = st.session_state.pop("said", [])
    return found


def _move_into_new(why: str = "") -> str:
    """Make what is entered a new session of its own, say why, and return its id."""
    current = st.session_state.draft.to_json()
    session = store().sessions.new(current)
    st.session_state.session = st.query_params["session"] = session
    st.session_state.kept = st.session_state.stored = current
    if why:
        say("warning", why)
    return session


def start_new() -> None:
    """Leave the current session, which stays as it is, and begin one with its strategies and nothing else."""
    _begin(None, Draft(shelf=[entry.copy() for entry in draft().shelf]))
    if "session" in st.query_params:
        del st.query_params["session"]


def go_to(session: str) -> None:
    """Make a stored session the current one."""
    _open(session)
    st.query_params["session"] = session


def refresh_widgets() -> None:
    """Make the input widgets take their values from the draft again."""
    st.session_state.generation = st.session_state.get("generation", 0) + 1


def widget_key(name: str) -> str:
    """A key for an input widget that changes when the draft is replaced."""
    return f"{name}-{st.session_state.get('generation', 0)}"


def latest_job(kind: JobKind) -> JobStatus | None:
    """The newest job for the current query and documents; else the newest for an earlier state of them.

    One that is still running comes first. Jobs of the session's other queries are left out.
    """
    session = st.session_state.session
    if session is None:
        return None
    entered = draft()
    return latest_job_of(store().jobs.of(session, kind), jobs().status, entered, entered.others)


def is_at_work(kind: JobKind) -> bool:
    """Whether a job for the current query is running."""
    job = latest_job(kind)
    return job is not None and job.state == "running"


def label_of(strategy: Strategy) -> str:
    """What the user calls this strategy with these parameters; empty for the name made from them."""
    entered: Draft | None = st.session_state.get("draft")
    return "" if entered is None else label_in(entered, strategy)


def grades(query: str, documents: Sequence[Document]) -> dict[int, int]:
    """One's own grades, which judging blind shows: position -> grade. Equal documents share theirs."""
    return given(store(), ASSESSOR, query, documents)


def counted_grades(query: str, documents: Sequence[Document]) -> Grades:
    """Every grade of the documents that counts, an example's that was taken over too."""
    return grades_that_count(store(), query, documents)


def judged_texts() -> list[tuple[str, str, float, int]]:
    """Everything that was graded here, in any session: query, text, grade, best grade."""
    entered, best = draft(), max(GRADES)
    documents = entered.documents()
    own = [(entered.query, documents[at].text, grade) for at, grade in grades(entered.query, documents).items()]
    return [(query, text, grade, best) for query, text, grade in [*store().judgments.texts(SCALE, ASSESSOR), *own]]


def saved_at() -> str:
    """`saved 14:02`, `draft` or `nothing to save`, for the line at the top."""
    session = st.session_state.session
    row = store().sessions.get(session) if session else None
    if row is None:
        return "nothing entered yet" if session is None else "deleted in another tab"
    if row.title is None:
        return "draft"
    return f"saved as “{row.title}” {datetime.fromtimestamp(row.saved or row.updated):%H:%M}"


def start_comparison(entered: Draft, documents: Sequence[Document]) -> None:
    """Run the strategies that are on. Raises StoreError if the job cannot be stored."""
    keep()
    jobs().start(
        session_id(), "comparison", entered.query, documents, entered.strategies(), registry().resolve,
        budget_usd=entered.limit, nonces=entered.nonces(),
    )  # fmt: skip


def warm_up(entered: Draft) -> None:
    """Load the local models of the strategies that are on, away from the screen, once there is something to rank."""
    if entered.is_empty():
        return
    registry().warm_up(
        model for strategy in entered.strategies() for part in each(strategy) if (model := part_model(part))
    )


def loading_since(name: str) -> float | None:
    """When the model began to load on this machine, in seconds since the epoch; None unless it does so now."""
    try:
        model = registry().resolve(name)
    except ModelError:
        return None
    found: float | None = getattr(model, "loading_since", None)
    return found


def part_model(strategy: Strategy) -> str | None:
    """The name of the strategy's own model, if it has one."""
    model = getattr(strategy, "model", None)
    return model if isinstance(model, str) else None


def _open(session: str) -> None:
    found = store().sessions.get(session)
    if found is None:
        st.session_state.pop("draft", None)
        _begin(None, Draft())
        del st.query_params["session"]
        st.toast("That session is not here any more. This is a new one.")
        return
    _begin(session, draft_from_json(found.draft))
    st.session_state.stored = found.draft


def _begin(session: str | None, entered: Draft) -> None:
    st.session_state.session = session
    st.session_state.draft = entered
    st.session_state.kept = st.session_state.stored = entered.to_json()
    st.session_state.drafts = st.session_state.get("drafts", 0) + 1
    refresh_widgets()
