"""What strategies are called, made from their class and their fields, and from what the user calls them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reranking.draft import Draft
from reranking.models import model_name
from reranking.strategies.base import Strategy, describe
from reranking.strategies.catalogue import each, with_defaults


def unlabelled(strategy: Strategy) -> str:
    """No label, whatever the strategy."""
    return ""


@dataclass(frozen=True, slots=True)
class Naming:
    """Names of strategies. `label_of` gives what the user calls one, empty for the name made from it."""

    label_of: Callable[[Strategy], str] = unlabelled

    def title(self, strategy: Strategy) -> str:
        """What the user calls it, else its title; of one that is not installed any more, what the store knows of it."""
        return self.label_of(strategy) or _own_title(strategy)

    def with_parameters(self, strategy: Strategy) -> str:
        """What the user calls it, else title and changed parameters, such as `BM25 (k1=2.0)`."""
        return self.label_of(strategy) or _named_by(_own_title(strategy), changed(strategy))

    def parameters_and_model(self, strategy: Strategy) -> str:
        """What stands below a title: changed parameters, model, and the strategy's own title if a label stands above.

        Empty if there is none of them.
        """
        return told(strategy, with_title=bool(self.label_of(strategy)))

    def full_name(self, strategy: Strategy) -> str:
        """Title, changed parameters and model."""
        return " · ".join(part for part in (self.with_parameters(strategy), model_of(strategy)) if part)

    def short_names(self, strategies: Sequence[Strategy]) -> list[str]:
        """A name per strategy, as short as it can be while all differ.

        Equal titles get the changed parameters in which they differ, then the model; what is
        still equal is numbered.
        """

        def with_differing(at: int, equal: list[int]) -> str:
            return _named_by(self.title(strategies[at]), _differing(at, equal, strategies))

        def with_model(at: int, _: list[int]) -> str:
            return " · ".join(part for part in (names[at], model_of(strategies[at])) if part)

        names = [self.title(strategy) for strategy in strategies]
        names = _told_apart(names, with_differing)
        names = _told_apart(names, with_model)
        taken: set[str] = set()
        for at, name in enumerate(names):
            number = 1
            while names[at] in taken:
                number += 1
                names[at] = f"{name} ({number})"
            taken.add(names[at])
        return names


def label_in(draft: Draft, strategy: Strategy) -> str:
    """What the user calls a strategy with these parameters in a draft; empty for the name made from them."""
    named = [entry for entry in draft.shelf if entry.label]
    spec = with_defaults(strategy).spec() if named else {}
    for entry in named:
        if (made := entry.strategy()) is not None and with_defaults(made).spec() == spec:
            return entry.label
    return ""


def told(strategy: Strategy, *, with_title: bool) -> str:
    """Changed parameters and model, after the strategy's own title if that is to be told too."""
    own = _own_title(strategy) if with_title else ""
    shown = ", ".join(f"{field}={text}" for field, text in changed(strategy).items())
    return " · ".join(part for part in (own, shown, model_of(strategy)) if part)


def generated(strategy: Strategy) -> str:
    """The name made from the strategy itself: title, changed parameters and model."""
    return Naming().full_name(strategy)


def changed(strategy: Strategy) -> dict[str, str]:
    """The parameters that differ from their defaults, as texts."""
    if not is_installed(strategy):
        return {}
    return {
        field: describe(getattr(strategy, field))
        for field, info in type(strategy).model_fields.items()
        if field not in {"kind", "model"} and getattr(strategy, field) != info.get_default(call_default_factory=True)
    }


def model_of(strategy: Strategy) -> str:
    """The name of the strategy's own model, empty if it has none."""
    model = getattr(strategy, "model", None)
    return "" if model is None else model_name(model)


def model_notes(strategy: Strategy, note_of: Callable[[str], str]) -> str:
    """What must be known of the models that a strategy asks, such as `embedded (weak)`; `note_of` knows it of each."""
    models = {model for part in each(strategy) if isinstance(model := getattr(part, "model", None), str)}
    return ", ".join(sorted({note for model in models if (note := note_of(model))}))


def is_installed(strategy: Strategy) -> bool:
    """Whether it is of the catalogue, where every strategy has a kind, not one that a stored job is left with."""
    return "kind" in type(strategy).model_fields


def _told_apart(names: list[str], longer: Callable[[int, list[int]], str]) -> list[str]:
    """The names, each one that occurs more than once replaced by its longer form."""
    count = Counter(names)
    return [
        longer(at, [other for other, same in enumerate(names) if same == name]) if count[name] > 1 else name
        for at, name in enumerate(names)
    ]


def _differing(at: int, equal: Sequence[int], strategies: Sequence[Strategy]) -> dict[str, str]:
    others = [changed(strategies[other]) for other in equal]
    own = changed(strategies[at])
    return {field: text for field, text in own.items() if any(other.get(field) != text for other in others)}


def _named_by(name: str, parameters: dict[str, str]) -> str:
    shown = ", ".join(f"{field}={text}" for field, text in parameters.items())
    return f"{name} ({shown})" if shown else name


def _own_title(strategy: Strategy) -> str:
    return strategy.title if is_installed(strategy) else strategy.name
