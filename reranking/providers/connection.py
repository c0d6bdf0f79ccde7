"""One address that models are asked at: its key, its SDK client, and how a call ends.

All models of a server share one connection, and with it the pool of sockets.
"""

from __future__ import annotations

import asyncio
import re
import time
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from sniffio import current_async_library_cvar

from reranking.models import ModelError, tries
from reranking.providers.errors import Problem, explain, no_more_tries, scrub, scrub_reply, took_too_long
from reranking.providers.settings import OWN_URLS, KeySource, Settings, key_variable, no_key
from reranking.providers.tries import NoMoreTriesError
from reranking.providers.waiting import tries_within

if TYPE_CHECKING:
    from reranking.providers.saved import SavedConnection

RETRIES = 4
TIMEOUT = 120.0
"""Seconds for one try; rate limits, server errors and broken connections are tried again RETRIES times."""

CONNECT_TIMEOUT = 10.0

TOTAL = 300.0
"""Seconds for one call with all its tries and the pauses between them."""

LABELS = {
    "openai": "OpenAI", "anthropic": "Anthropic", "ollama": "Ollama", "vllm": "vLLM",
    "lmstudio": "LM Studio", "llamacpp": "llama.cpp", "cohere": "Cohere", "voyage": "Voyage", "jina": "Jina",
}  # fmt: skip

_ADDRESS = re.compile(r"(?<=://).*", re.DOTALL)

MakeClient = Callable[["Connection"], Any]


@dataclass(frozen=True, slots=True)
class Received:
    """The body of a reply as text, without keys; how often the call was retried and how long it took."""

    text: str
    retries: int
    seconds: float


class Connection:
    """An address, its key, and one SDK client per event loop (a client belongs to a loop).

    `sdk` is the SDK's module, imported with the first call; `make` makes its client.
    `http_client` makes the HTTP client to use instead of the SDK's own. `saved` is what a person
    set for it, as of the settings with the number `as_of`. `key_source` is where the key was found.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        key: str | None,
        *,
        sdk: str,
        make: MakeClient,
        retries: int = RETRIES,
        timeout: float = TIMEOUT,
        connect_timeout: float = CONNECT_TIMEOUT,
        total: float = TOTAL,
        http_client: Callable[[], Any] | None = None,
        saved: SavedConnection | None = None,
        as_of: int = 0,
        key_source: KeySource | None = None,
    ) -> None:
        self.saved = saved
        self.as_of = as_of
        self.asked = 0  # requests that were sent, without the SDK's own repetitions
        self.provider = provider
        self.base_url = base_url
        self.key = key
        self.key_source = key_source
        self.retries = retries
        self.timeout = timeout
        self.connect_timeout = connect_timeout
        self.total = total
        self.http_client = http_client
        self._sdk = sdk
        self._make = make
        self._clients: dict[AbstractEventLoop, asyncio.Task[Any]] = {}

    @property
    def own(self) -> bool:
        """Whether this is the hosted provider's own address."""
        return OWN_URLS.get(self.provider) == self.base_url

    @property
    def is_paid(self) -> bool:
        """Whether somebody charges for calls there, whether or not their price is known."""
        return self.base_url in OWN_URLS.values()

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return urlsplit(self.base_url).netloc

    @property
    def is_named(self) -> bool:
        """Whether a person set it up under a name of their own."""
        return self.saved is not None and bool(self.saved.place)

    @property
    def is_of_environment(self) -> bool:
        """Whether the SDK is that of the provider, at the address that the environment gives it.

        Then whatever else the environment holds for the SDK, such as headers, may be sent there.
        """
        return not self.is_named and self.provider == self._sdk

    @property
    def speaks(self) -> str:
        """Whose way of asking and whose prices hold: the provider's, or the kind of a named connection."""
        return self.saved.kind if self.saved is not None and self.is_named else self.provider

    @property
    def line(self) -> str:
        """What shares one limit: the connection, at one address."""
        return f"{self.provider} {self.base_url}"

    def identity(self, model: str) -> str:
        """What tells the replies of `model` here from all others. A name that a person gave is no part of it."""
        speaks = {"openai": "openai-compatible"}.get(self.speaks, self.speaks) if self.is_named else self.provider
        return f"{self.base_url} {speaks} {model}"

    @property
    def label(self) -> str:
        """What to call the server in a message."""
        if self.own:
            return LABELS[self.provider]
        if self.is_named:
            return f"'{self.provider}' at {self.place}"
        name = LABELS.get(self.provider, "") if self.provider not in OWN_URLS else ""
        return f"{name or 'The server'} at {self.place}"

    async def send(
        self, create: Callable[[Any], Awaitable[Any]], model: str, sent: Mapping[str, Any]
    ) -> Received | Problem:
        """Make one call: `create(client)` through the SDK's raw responses. Raises only `no-key`.

        `sent` are its parameters, for whoever wants to know what became of it.
        """
        if self.key is None and self.provider in OWN_URLS:
            raise ModelError("no-key", no_key(self.provider, self.base_url))
        client = await self._client()
        base = import_module(self._sdk)
        errors = (getattr(base, "OpenAIError", None) or base.AnthropicError,)
        token = current_async_library_cvar.set("asyncio")  # which the HTTP libraries find out for each step otherwise
        clock = time.perf_counter()
        self.asked += 1
        now = tries.get()
        if now is not None:
            now.call(sent)
        try:
            async with asyncio.timeout(self.total) as limit:
                with tries_within(limit):
                    response = await create(client)
        except TimeoutError:
            return Problem(took_too_long(self), seconds=time.perf_counter() - clock)
        except NoMoreTriesError:
            return Problem(no_more_tries(self), seconds=time.perf_counter() - clock)
        except errors as error:
            return replace(explain(error, self, model), seconds=time.perf_counter() - clock)
        finally:
            current_async_library_cvar.reset(token)
        text = scrub_reply(_text(response.http_response), self.key)
        return Received(text, response.retries_taken, time.perf_counter() - clock)

    async def aclose(self) -> None:
        """Close the sockets of the running event loop."""
        task = self._clients.pop(asyncio.get_running_loop(), None)
        if task is not None:
            await (await task).close()

    async def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        task = self._clients.get(loop)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            self._clients = {known: kept for known, kept in self._clients.items() if not known.is_closed()}
            # Importing an SDK takes seconds: not on the loop that everybody's calls run on.
            task = self._clients[loop] = loop.create_task(asyncio.to_thread(self._prepare))
        return await asyncio.shield(task)

    def _prepare(self) -> Any:
        import_module(self._sdk)
        return self._make(self)


def _text(response: Any) -> str:
    """The body of a reply: UTF-8, as JSON is, and only where it cannot be that what its header names."""
    try:
        text = str(response.content, "utf-8")
    except UnicodeDecodeError:
        return str(response.text)
    return text if "\0" not in text else str(response.text)


_shared: WeakKeyDictionary[Settings, dict[tuple[str, str], Connection]] = WeakKeyDictionary()
_lock = Lock()


def connect(provider: str, base_url: str, settings: Settings, *, sdk: str, make: MakeClient) -> Connection:
    """The connection to `base_url` under these settings; all models of a server get the same one.

    Raises ModelError for an address that is none, or that carries a key.
    """
    address = checked_url(base_url, provider)
    key = checked_key(settings.key(provider, address), provider)
    with _lock:
        known = _shared.setdefault(settings, {})
        if (provider, address) not in known:
            saved = settings.connections.get(provider)
            known[provider, address] = Connection(
                provider, address, key, sdk=sdk, make=make, saved=saved, as_of=settings.serial,
                key_source=settings.key_source(provider, address),
            )  # fmt: skip
        return known[provider, address]


def checked_url(url: str, provider: str) -> str:
    """`url` without a slash at its end. Raises ModelError if it is no base URL or carries more than one."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise ModelError("bad-request", f"The base URL of '{provider}' cannot be read. Write http://host:port/v1.")
    if parts.username is not None or parts.query or "#" in url:
        raise ModelError(
            "bad-request",
            f"The base URL of '{provider}' may hold only a host, a port and a path. "
            f"A key belongs into {key_variable(provider)}.",
        )
    if holds_key(url):
        raise ModelError(
            "bad-request",
            f"The base URL of '{provider}' looks as if it held a key. A key belongs into {key_variable(provider)}.",
        )
    return url.rstrip("/")


def holds_key(name: str) -> bool:
    """Whether a model's name or an address carries a key: as a URL's user or query, or by its look."""
    address = _ADDRESS.search(name)
    return scrub(name, None) != name or (address is not None and not {"@", "?"}.isdisjoint(address[0]))


def checked_key(key: str | None, provider: str) -> str | None:
    """`key` itself. Raises ModelError if it cannot be a key, as after copying too much."""
    if key is not None and not all("!" <= character <= "~" for character in key):
        raise ModelError(
            "bad-key", f"The API key for '{provider}' holds spaces or other strange characters. Copy it again."
        )
    return key
