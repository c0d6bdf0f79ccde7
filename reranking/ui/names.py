"""What strategies are called on the screens, made from their class and their fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from reranking.models import model_name
from reranking.strategies.base import Strategy, describe
from reranking.ui import state


def title(strategy: Strategy) -> str:
    """What the user calls it, else its title; of one that is not installed any more, what the store knows of it."""
    return state.label_of(strategy) or _own_title(strategy)


def with_parameters(strategy: Strategy) -> str:
    """What the user calls it, else title and changed parameters, such as `BM25 (k1=2.0)`."""
    return state.label_of(strategy) or _named(strategy, _changed(strategy))


def parameters_and_model(strategy: Strategy) -> str:
    """What stands below a title: changed parameters and model, and the strategy's own title if the user's stands above.

    Empty if there is none of them.
    """
    return told(strategy, with_title=bool(state.label_of(strategy)))


def told(strategy: Strategy, *, with_title: bool) -> str:
    """Changed parameters and model, after the strategy's own title if that is to be told too."""
    own = _own_title(strategy) if with_title else ""
    shown = ", ".join(f"{field}={text}" for field, text in _changed(strategy).items())
    return " · ".join(part for part in (own, shown, _model(strategy)) if part)


def generated(strategy: Strategy) -> str:
    """The name made from the strategy itself: title, changed parameters and model."""
    return " · ".join(part for part in (_named_by(_own_title(strategy), _changed(strategy)), _model(strategy)) if part)


def full_name(strategy: Strategy) -> str:
    """Title, changed parameters and model."""
    return " · ".join(part for part in (with_parameters(strategy), _model(strategy)) if part)


def short_names(strategies: Sequence[Strategy]) -> list[str]:
    """A name per strategy, as short as it can be while all differ.

    Equal titles get the changed parameters in which they differ, then the model; what is
    still equal is numbered.
    """
    names = [title(strategy) for strategy in strategies]
    names = _told_apart(names, lambda at, equal: _named(strategies[at], _differing(at, equal, strategies)))
    names = _told_apart(names, lambda at, _: " · ".join(part for part in (names[at], _model(strategies[at])) if part))
    taken: set[str] = set()
    for at, name in enumerate(names):
        number = 1
        while names[at] in taken:
            number += 1
            names[at] = f"{name} ({number})"
        taken.add(names[at])
    return names


def _told_apart(names: list[str], longer: Callable[[int, list[int]], str]) -> list[str]:
    """The names, each one that occurs more than once replaced by its longer form."""
    count = Counter(names)
    return [
        longer(at, [other for other, same in enumerate(names) if same == name]) if count[name] > 1 else name
        for at, name in enumerate(names)
    ]


def _differing(at: int, equal: Sequence[int], strategies: Sequence[Strategy]) -> dict[str, str]:
    others = [_changed(strategies[other]) for other in equal]
    own = _changed(strategies[at])
    return {field: text for field, text in own.items() if any(other.get(field) != text for other in others)}


def _changed(strategy: Strategy) -> dict[str, str]:
    """The parameters that differ from their defaults, as texts."""
    if not is_installed(strategy):
        return {}
    return {
        field: describe(getattr(strategy, field))
        for field, info in type(strategy).model_fields.items()
        if field not in {"kind", "model"} and getattr(strategy, field) != info.get_default(call_default_factory=True)
    }


def _named(strategy: Strategy, parameters: dict[str, str]) -> str:
    return _named_by(title(strategy), parameters)


def _named_by(name: str, parameters: dict[str, str]) -> str:
    shown = ", ".join(f"{field}={text}" for field, text in parameters.items())
    return f"{name} ({shown})" if shown else name


def _own_title(strategy: Strategy) -> str:
    return strategy.title if is_installed(strategy) else strategy.name


def is_installed(strategy: Strategy) -> bool:
    """Whether it is of the catalogue, where every strategy has a kind, not one that a stored job is left with."""
    return "kind" in type(strategy).model_fields


def _model(strategy: Strategy) -> str:
    model = getattr(strategy, "model", None)
    return "" if model is None else model_name(model)
