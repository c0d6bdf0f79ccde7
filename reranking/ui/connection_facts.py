"""What is known about each connection, gathered from settings, models, spending and cache. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from reranking.models import ModelError
from reranking.providers.abilities import Abilities
from reranking.providers.connection import LABELS, checked_url
from reranking.providers.prices import PRICED
from reranking.providers.saved import SavedConnection, kind_of
from reranking.providers.settings import (
    DEFAULT_BASE_URLS,
    OWN_URLS,
    KeySource,
    ModelInfo,
    Settings,
    key_variable,
    same_address,
    url_variable,
)
from reranking.store import CacheSize, Spending
from reranking.wording import in_bytes

HOSTED = tuple(OWN_URLS)
RERANKERS = tuple(name for name in HOSTED if kind_of(name) == "rerank")
LOCAL_SERVERS = tuple(DEFAULT_BASE_URLS)
IN_PROCESS = ("hf", "embedded", "simulated")
BY_URL = ("openai-compatible", "rerank")

TITLES = {
    **LABELS,
    "hf": "Hub models and folders",
    "embedded": "Embedded models",
    "simulated": "Simulated models",
    "openai-compatible": "Servers named by their URL",
    "rerank": "Rerank servers named by their URL",
}

KINDS = {
    "openai": "OpenAI-compatible chat",
    "anthropic": "Anthropic messages",
    "rerank": "Rerank endpoint",
    "folder": "Folder of models",
}

_HOW = {
    "openai": "Enter a key, or set OPENAI_API_KEY before the start.",
    "anthropic": "Enter a key, or set ANTHROPIC_API_KEY before the start.",
    "ollama": "Run “ollama serve”, then “ollama pull llama3.2”.",
    "vllm": "Run “vllm serve NAME”.",
    "lmstudio": "Start its server (Developer, Start server).",
    "llamacpp": "Run “llama-server -m FILE.gguf”.",
    "cohere": "Enter a key, or set COHERE_API_KEY before the start.",
    "voyage": "Enter a key, or set VOYAGE_API_KEY before the start.",
    "jina": "Enter a key, or set JINA_API_KEY before the start.",
    "embedded": "They come with the “embedded” install.",
}

_ELSEWHERE = "none: the one that was typed in is for another address. Enter it again for this one"

_ABOUT = {
    "hf": "They run in this process. A model that is not on this machine is downloaded with its first use.",
    "embedded": "Real, but small and weak: for trying things out without key and network, not for judging a method.",
    "simulated": "No models: answers are made from word overlap or given grades, with stated faults. For learning.",
    "openai-compatible": "Asked as openai-compatible:NAME@URL. A connection of your own has a key, limits and prices.",
    "rerank": "Asked as rerank:NAME@URL. A connection of your own has a key, limits and prices.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One connection as its card shows it.

    `word` is its state in a word or two; `todo` says what to do where it is not ready. `key` tells
    where the key comes from, empty where none is needed. `models` can be asked now, by full name.
    `tested` is what tests found out, `failed` those of this browser session that came to nothing
    since; `has_failed` says that the last test of all was one of them.
    """

    name: str
    title: str
    kind: str
    place: str
    about: str
    is_ready: bool
    word: str
    todo: str
    key: str
    takes_key: bool
    key_source: KeySource | None
    saved: SavedConnection | None
    models: tuple[ModelInfo, ...]
    tested: Mapping[str, Abilities]
    failed: Mapping[str, Abilities]
    has_failed: bool
    has_list_price: bool
    calls: int
    cost_usd: float
    calls_of_unknown_cost: int
    cache: CacheSize
    cached_models: tuple[str, ...]

    @property
    def can_be_used(self) -> bool:
        """Whether it can be used now, as far as is known."""
        return self.is_ready and not self.has_failed

    @property
    def key_now(self) -> str:
        """Which key is used and where it goes, or where one would go, in sentences."""
        goes = "It is sent" if self.key_source else "A key that you enter here is sent"
        return f"Key now: {self.key}. {goes} to {self.place} and nowhere else."

    @property
    def is_named(self) -> bool:
        """Whether a person set it up under a name of their own."""
        return self.saved is not None and bool(self.saved.place)

    @property
    def is_used(self) -> bool:
        """Whether something was set, spent or kept for it, so that there is something to show."""
        return self.saved is not None or bool(self.calls or self.cache.replies or self.tested)

    @property
    def is_in_process(self) -> bool:
        """Whether its models run in this process."""
        return self.name in IN_PROCESS or (self.saved is not None and self.saved.kind == "folder")


def gather(
    settings: Settings,
    listing: Iterable[ModelInfo],
    spending: Iterable[Spending],
    cached: Mapping[str, CacheSize],
    tried: Mapping[str, Abilities] | None = None,
    keys_for_elsewhere: Collection[str] = (),
) -> list[Facts]:
    """The facts of all connections: those with a name of one's own, hosted ones, local servers, models in process.

    Servers that were named by their URL are there if anything was spent or kept. `tried` is what
    tests of this browser session came to, by the full name of the model, where that is not kept
    for all; `keys_for_elsewhere` names the connections that it has keys for at other addresses.
    """
    rows = list(listing)
    spent = list(spending)
    used = {connection_of(model) for model in [*(row.model for row in spent), *cached]}
    named = [name for name, saved in settings.connections.items() if saved.place]
    names = [*named, *HOSTED, *LOCAL_SERVERS, *IN_PROCESS, *(name for name in BY_URL if name in used)]
    found = [_facts(name, settings, rows, spent, cached, tried or {}) for name in names]
    return [replace(one, key=_ELSEWHERE) if one.name in keys_for_elsewhere else one for one in found]


def connection_of(model: str) -> str:
    """The connection that a full model name belongs to."""
    prefix, _, rest = model.partition(":")
    hosted = rest.partition("/")[0]
    return hosted if prefix == "rerank" and hosted in OWN_URLS and "@" not in rest else prefix


def full_name(connection: str, model: str) -> str:
    """The full name of a model as it was written on the card of its connection, with or without its beginning."""
    beginning = f"rerank:{connection}/" if connection in RERANKERS else f"{connection}:"
    return model if connection_of(model) == connection else f"{beginning}{model.removeprefix(f'{connection}/')}"


def cache_words(size: CacheSize) -> str:
    """How much is kept, such as `212 replies, 1.2 MB`."""
    if not size.replies:
        return "empty"
    return f"{size.replies:,} repl{'y' if size.replies == 1 else 'ies'}, {in_bytes(size.bytes)}"


def age(seconds: float) -> str:
    """A length of time for people, such as `3 days`."""
    for length, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // length)
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def ages(oldest: float, newest: float) -> str:
    """How old the oldest and the newest of several things are, in seconds, for people."""
    first, last = age(oldest), age(newest)
    return f"all {first} old" if first == last else f"the oldest {first} old, the newest {last}"


def when(at: float) -> str:
    """A moment for people."""
    return f"{datetime.fromtimestamp(at):%d %b %Y %H:%M}"


def _facts(
    name: str,
    settings: Settings,
    rows: list[ModelInfo],
    spending: list[Spending],
    cached: Mapping[str, CacheSize],
    tried: Mapping[str, Abilities],
) -> Facts:
    saved = settings.connections.get(name)
    mine = [row for row in rows if connection_of(row.name) == name]
    models = tuple(row for row in mine if row.available)
    is_ready, word, todo = _state(name, settings, mine)
    bills = [row for row in spending if connection_of(row.model) == name]
    sizes = {model: size for model, size in cached.items() if connection_of(model) == name}
    kind = saved.kind if saved is not None else kind_of(name)
    place = _place(name, settings)
    takes_key = name not in IN_PROCESS and kind != "folder" and bool(place)
    known, since = _tested(name, place, settings.tested), _tested(name, place, tried)
    since = {model: found for model, found in since.items() if model not in known or found.at > known[model].at}
    last = max([*known.values(), *since.values()], key=lambda found: found.at, default=None)
    has_failed = is_ready and name not in IN_PROCESS and last is not None and bool(last.problem)
    return Facts(
        name=name,
        title=TITLES.get(name, name),
        kind=_kind_words(name, kind),
        place=place,
        about=_ABOUT.get(name, ""),
        is_ready=is_ready,
        word="last test failed" if has_failed else word,
        todo=todo,
        key=_key_words(name, settings) if takes_key else "",
        takes_key=takes_key,
        key_source=settings.key_source(name) if takes_key else None,
        saved=saved,
        models=models,
        tested={**since, **known},
        failed=since,
        has_failed=has_failed,
        has_list_price=place in {OWN_URLS[one] for one in PRICED},
        calls=sum(row.calls for row in bills),
        cost_usd=sum(row.cost_usd for row in bills),
        calls_of_unknown_cost=sum(row.calls_of_unknown_cost for row in bills),
        cache=_together(sizes.values()),
        cached_models=tuple(sizes),
    )


def _state(name: str, settings: Settings, rows: list[ModelInfo]) -> tuple[bool, str, str]:
    """Whether it can be used now, in a word, and what to do if not."""
    reason = next((row.reason for row in rows if not row.available), "")
    is_available = any(row.available for row in rows)
    if problem := _address_problem(name, settings):
        return False, "check", problem
    if name in HOSTED:
        return (True, "ready", "") if settings.key_source(name) else (False, "no key", _HOW[name])
    if name in LOCAL_SERVERS:
        place = urlsplit(settings.base_url(name) or "").netloc
        how = f"{_HOW[name]} It is looked for at {place}; {url_variable(name)} names another address."
        return (True, "running", "") if is_available else (False, "not running", how)
    if name == "embedded":
        return (True, "ready", reason) if is_available else (False, "not installed", reason or _HOW[name])
    if name == "hf":
        return True, f"{sum(row.available for row in rows) or 'none'} downloaded", ""
    if name in settings.connections and settings.connections[name].place:
        return (True, "ready", "") if is_available else (False, "check", reason)
    return True, "ready", ""


def _kind_words(name: str, kind: str) -> str:
    if name in IN_PROCESS:
        return "in this process"
    if name in LOCAL_SERVERS:
        return "server on your side, OpenAI-compatible"
    return KINDS[kind]


def _place(name: str, settings: Settings) -> str:
    """Where it is asked; empty where that is not one place, or must not be shown because it may hold a key."""
    if name in IN_PROCESS or name in BY_URL or _address_problem(name, settings):
        return ""
    return settings.address(name)


def _address_problem(name: str, settings: Settings) -> str:
    """What is wrong with the address that the environment gives a built-in server; empty if nothing is."""
    if name not in (*HOSTED, *LOCAL_SERVERS):
        return ""
    try:
        checked_url(settings.address(name), name)
    except ModelError as error:
        return f"{error.message} It is set by {url_variable(name)}."
    return ""


def _tested(name: str, place: str, tests: Mapping[str, Abilities]) -> dict[str, Abilities]:
    """Those of `tests` that were made of models of the connection where they are asked today."""
    mine = {model: found for model, found in tests.items() if connection_of(model) == name}
    asked = {model: model.rpartition("@")[2] if name in BY_URL else place for model in mine}
    return {
        model: found
        for model, found in mine.items()
        if found.place == asked[model] or same_address(found.place, asked[model])
    }


def _key_words(name: str, settings: Settings) -> str:
    source = settings.key_source(name)
    variable = key_variable(name)
    if source == "session":
        return "typed in, for this browser session only"
    if source == "environment":
        return f"environment variable {variable}"
    if source == "secrets":
        return f"Streamlit secrets, {variable}"
    if name in HOSTED:
        return "none"
    return "none; needed only if the server asks for one"


def _together(sizes: Iterable[CacheSize]) -> CacheSize:
    found = [size for size in sizes if size.replies]
    return CacheSize(
        sum(size.replies for size in found),
        sum(size.bytes for size in found),
        sum(size.needed for size in found),
        min((size.oldest for size in found if size.oldest is not None), default=None),
        max((size.newest for size in found if size.newest is not None), default=None),
    )
