"""The current session: one per browser tab, in the URL, kept as a draft from the first entry."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import streamlit as st

from reranking.documents import Document, as_document
from reranking.jobs import Jobs, JobStatus
from reranking.models import ModelError
from reranking.providers.registry import Registry
from reranking.providers.settings import ModelInfo, Settings
from reranking.store import JobKind, Store, StoreError, open_store
from reranking.store.sessions import ChangedElsewhereError, MissingSessionError
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import UnknownStrategyError, each, make
from reranking.ui import notices

ASSESSOR = "me"
SCALE = "0-3"
GRADES = (0, 1, 2, 3)
MODELS_SECONDS = 60.0
CHANGED = (
    "This session was changed in another tab. What you entered here is kept in this new session; "
    "the other one stays as it was changed there."
)
DELETED = "This session was deleted in another tab. What is entered here is kept as a new session."

_FIRST_SET: tuple[tuple[dict[str, Any], bool], ...] = (
    ({"kind": "input-order"}, True),
    ({"kind": "bm25"}, True),
    ({"kind": "dense", "model": "embedded:minilm"}, True),
    ({"kind": "late-interaction", "model": "embedded:minilm"}, False),
    ({"kind": "yes-no", "model": "embedded:smollm2"}, False),
)


@dataclass
class Entry:
    """One line of the strategy set. `key` tells lines apart, also two of the same strategy.

    `problem` is what is wrong with the form as it stands; `spec` is then still the one before.
    """

    spec: dict[str, Any]
    on: bool = True
    problem: str = ""
    key: str = field(default_factory=lambda: secrets.token_hex(4))

    def strategy(self) -> Strategy | None:
        """The strategy, or None if this installation does not know it (any more)."""
        try:
            return make(self.spec)
        except UnknownStrategyError:
            return None


@dataclass
class Draft:
    """What has been entered: kept in the store as it is, also where it cannot be run yet.

    `text` is what was pasted. `loaded` holds documents of a file or an example instead, and
    `source` says where they are from.
    """

    query: str = ""
    text: str = ""
    split: str = "auto"
    loaded: list[dict[str, Any]] | None = None
    source: str = ""
    shelf: list[Entry] = field(default_factory=lambda: [Entry(dict(spec), on) for spec, on in _FIRST_SET])

    def documents(self) -> tuple[Document, ...]:
        """The documents as entered: those loaded, else the pasted text as it is split."""
        from reranking.formats.pasted import split_text

        if self.loaded is not None:
            return tuple(as_document(item) for item in self.loaded)
        return split_text(self.text, self.split).documents  # type: ignore[arg-type]  # the widget offers modes only

    def strategies(self) -> list[Strategy]:
        """The strategies that are switched on."""
        return [made for entry in self.shelf if entry.on and (made := entry.strategy()) is not None]

    def load(self, documents: Sequence[Document], source: str) -> None:
        """Take these documents instead of the pasted text, which stays as it is."""
        self.loaded = [
            {"text": item.text, "id": item.id, "title": item.title, "metadata": dict(item.metadata)}
            for item in documents
        ]
        self.source = source

    def is_empty(self) -> bool:
        """Whether nothing has been entered yet."""
        return not (self.query or self.text or self.loaded)

    def to_json(self) -> dict[str, Any]:
        """The draft as JSON-able values. `strategies` is there for the list of sessions."""
        # What is wrong with a form belongs to the form on the screen, not to what is kept.
        shelf = [{"spec": entry.spec, "on": entry.on, "key": entry.key} for entry in self.shelf]
        return {**asdict(self), "shelf": shelf, "strategies": [entry.spec for entry in self.shelf if entry.on]}


def draft_from_json(value: Mapping[str, Any]) -> Draft:
    """The draft that `Draft.to_json` wrote."""
    known = {key: value[key] for key in ("query", "text", "split", "loaded", "source") if key in value}
    found = Draft(**known)
    if "shelf" in value:
        found.shelf = [Entry(**entry) for entry in value["shelf"]]
    return found


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The jobs of this process, on the one store."""
    return Jobs(open_store(), Registry().resolve)


def store() -> Store:
    """The store of this process. Stops the page with what to do if it cannot be used."""
    try:
        return jobs().store
    except StoreError as error:
        notices.notice("error", str(error))
        st.stop()


def registry() -> Registry:
    """The models as this browser session sees them, with its own keys."""
    keys = tuple(sorted((name, key) for name, key in st.session_state.get("keys", {}).items() if key))
    if st.session_state.get("registry_keys") != keys or "registry" not in st.session_state:
        st.session_state.registry = Registry(Settings(keys=dict(keys), secrets=_secret))
        st.session_state.registry_keys = keys
    found: Registry = st.session_state.registry
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
    """What must be known before a model is trusted, such as `embedded (weak)`; empty if nothing."""
    listed = next((row.note for row in models() if row.name == name), "")
    try:
        return listed or getattr(registry().resolve(name), "note", "")
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
    _begin(None, Draft(shelf=[Entry(dict(entry.spec), entry.on) for entry in draft().shelf]))
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
    """The newest job of the current session, if there is one."""
    session = st.session_state.session
    if session is None:
        return None
    rows = store().jobs.of(session, kind)
    return jobs().status(rows[0].id) if rows else None


def grades(query: str, documents: Sequence[Document]) -> dict[int, int]:
    """The grades given so far: position -> grade. Equal documents share theirs."""
    found = store().judgments.grades(query, SCALE, ASSESSOR)
    return {at: found[item.fingerprint] for at, item in enumerate(documents) if item.fingerprint in found}


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
    jobs().start(session_id(), "comparison", entered.query, documents, entered.strategies(), registry().resolve)


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
    refresh_widgets()
