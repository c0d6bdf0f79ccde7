"""What every strategy is: parameters as fields, and a generator that asks and ranks.

`steps` yields lists of requests and receives their replies in the same order. It may also
yield `together(...)` to run generators side by side, each at its own pace, or `aside(...)` to
compute something slow away from the event loop. A generator of `together` may yield
`until(...)` to wait for what the others do. It does no I/O and knows no provider.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema

from reranking.documents import Candidates
from reranking.models import Model, ModelRef, model_name
from reranking.ranking import Ranking
from reranking.replies import Failed, Reply
from reranking.requests import Request

Answer = Reply | Failed
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Together:
    """Generators to be driven side by side; the engine sends back the list of their results."""

    parts: tuple[Generator[Any, Any, Any], ...]


@dataclass(frozen=True, slots=True)
class Until:
    """A condition that the generators of one `together` bring about; once it holds it must stay so."""

    holds: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Aside:
    """A slow pure computation; the engine runs it in a thread and sends back what it returns."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


Yield = list[Request] | Together | Until | Aside
Steps = Generator[Yield, Any, Ranking]


def together(*parts: Generator[Any, Any, Any]) -> Together:
    """Generators to drive at once, each at its own pace; the yield gives the list of their results."""
    return Together(parts)


def until(holds: Callable[[], bool]) -> Until:
    """Wait within `together` until `holds()` is true; it is asked again whenever another generator has gone on."""
    return Until(holds)


def aside(function: Callable[..., Any], *arguments: Any) -> Aside:
    """A computation for a worker thread; the yield gives what it returns."""
    return Aside(function, arguments)


def _check_model(value: Any) -> ModelRef | None:
    if value is None or isinstance(value, Model):
        return value
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError("a model is a name such as 'openai:gpt-5-mini', or an object with name, answers and answer()")


ModelField = Annotated[
    Any,
    PlainValidator(_check_model),
    PlainSerializer(lambda value: None if value is None else model_name(value)),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}], "format": "model"}),
]
"""A model by name or as an object; None until one is filled in. Serialises to its name."""

Family = Literal[
    "Baseline", "Lexical", "Encoders", "LLM pointwise", "LLM pairwise", "LLM setwise",
    "LLM listwise", "LLM attention", "Combined", "Hosted",
]  # fmt: skip

Guarantee = Literal["exact order", "exact top k", "nothing exact"]

OF_ITS_BASE: Final = "that of its base"

Lots = Literal["none", "part", "whole"]
"""Where the place of a text in a prompt is drawn by lot, and the lots belong to the texts, not to the input's order.

`whole`: everywhere, so that no order of the input can reach the result. `part`: in places.
"""


@dataclass(frozen=True, slots=True)
class Remedy:
    """Values of parameters under which the order of the input should count less.

    `title` names it for people: remedies of equal titles are one remedy, whichever strategies
    have it. `values` maps parameters to what they are to be. `is_dear` says that it asks so much
    more that others are tried first.
    """

    title: str
    values: Mapping[str, Any]
    is_dear: bool = False


class Strategy(BaseModel):
    """A way to order candidates. Fields are its parameters; subclasses add `kind` and `steps`.

    Class attributes say what forms, listings and docs need: `title` and `family`, what it
    `asks` of a model, how many `requests` it makes for n candidates, what it `promises`
    under a model that is always right, and the `source` of the method. `ignores_order` says
    that the order in which candidates are given cannot change what each is worth, as long as the
    model reads each text by itself; `remedies` which parameters may help where it can;
    `keeps_order` that it gives the input order back.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    title: ClassVar[str]
    family: ClassVar[Family]
    asks: ClassVar[tuple[type[Request], ...]] = ()
    requests: ClassVar[str] = "0"
    adaptive: ClassVar[bool] = False
    promises: ClassVar[Guarantee | Literal["that of its base"]] = "nothing exact"
    default_model: ClassVar[str | None] = None
    source: ClassVar[str] = ""
    ignores_order: ClassVar[bool] = False
    keeps_order: ClassVar[bool] = False
    remedies: ClassVar[tuple[Remedy, ...]] = ()

    @abstractmethod
    def steps(self, query: str, candidates: Candidates) -> Steps:
        """Yield what to ask, receive the answers, return the ranking of `candidates`."""

    def wants(self) -> tuple[type[Request], ...]:
        """The kinds of request that this instance, with its parameters, sends to its own model."""
        return self.asks

    def guarantee(self) -> Guarantee:
        """What this instance delivers under a model that is always right; one made of others may override it."""
        return "nothing exact" if self.promises == OF_ITS_BASE else self.promises

    def lots(self) -> Lots:
        """How far this instance draws by what documents say, and not by where they stand, which it shows where.

        A model's preference for places then acts within what is drawn, where no order of the input shows it.
        """
        return "none"

    @property
    def name(self) -> str:
        """Kind, model and the parameters that differ from their defaults, for people."""
        own = cast(Any, self)
        shown = []
        for field, info in type(self).model_fields.items():
            value = getattr(own, field)
            if field in {"kind", "model"} or value == info.get_default(call_default_factory=True):
                continue
            shown.append(f"{field}={describe(value)}")
        text = own.kind + (f"({', '.join(shown)})" if shown else "")
        model = getattr(own, "model", None)
        return f"{text} · {model_name(model)}" if model is not None else text

    def spec(self) -> dict[str, Any]:
        """The strategy as JSON-able values; `catalogue.make` gives an equal one back."""
        values = self.model_dump(mode="json")
        return {"kind": values.pop("kind"), **values}


def describe(value: Any) -> str:
    """A parameter's value as a short text."""
    if isinstance(value, Strategy):
        return value.name
    label = getattr(value, "label", None)
    if isinstance(label, str):
        return label
    if isinstance(value, BaseModel):
        return " ".join(describe(getattr(value, field)) for field in type(value).model_fields)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(describe(item) for item in value) + "]"
    return str(value)


class NeedsModelError(ValueError):
    """A strategy was started without the model that it needs; the message says what to name."""


class AsksModel(Strategy):
    """A strategy that asks one model of its own."""

    model: ModelField = Field(None, description="The model to ask")

    @property
    def asked(self) -> ModelRef:
        """The model, or the strategy's default. Raises NeedsModelError if there is neither."""
        ref = self.model if self.model is not None else self.default_model
        if ref is None:
            kinds = " and ".join(kind.__name__ for kind in self.wants())
            raise NeedsModelError(f"{self.title} needs a model that answers {kinds}. Choose one.")
        return cast(ModelRef, ref)


def failures(replies: Sequence[Answer]) -> list[Failed]:
    """The replies that failed for good."""
    return [reply for reply in replies if isinstance(reply, Failed)]
