"""What every strategy must deliver under a model that is always right, and a quick way to find out."""

from __future__ import annotations

import random
from collections.abc import Iterator

from reranking.documents import as_candidates
from reranking.replies import Failed
from reranking.strategies.base import Aside, Together, Until
from reranking.strategies.catalogue import fill_model, make, strategies
from tests.oracles import PerfectOracle

KS = (1, 5, 10, None)
"""Depths of the top that are tried; None stands for n."""

LEVELS = 10
"""Grades of the models that write grades are tenths."""

WRITES_GRADES = {"grade", "grade-all", "aspects"}


def drive(strategy, candidates, model, query="harbour lantern"):
    """The ranking of `strategy`, driven without engine or gateway: fast, and with nothing in between."""
    return _finish(strategy.steps(query, candidates), model)


def _finish(steps, model):
    """The end of a generator that waits for nobody."""
    (result,) = _side_by_side([steps], model)
    return result


def _side_by_side(parts, model):
    """The ends of generators that may wait for each other: each goes on until it has to wait."""
    results, waiting = {}, dict.fromkeys(range(len(parts)), Until(lambda: True))
    while waiting:
        able = [at for at, condition in waiting.items() if condition.holds()]
        assert able, "generators wait for each other"
        for at in able:
            try:
                waiting[at] = _until_it_waits(parts[at], model)
            except StopIteration as stop:
                del waiting[at]
                results[at] = stop.value
    return [results[at] for at in range(len(parts))]


def _until_it_waits(steps, model):
    answer = None
    while True:
        asked = steps.send(answer)
        if isinstance(asked, Until):
            return asked
        if isinstance(asked, Together):
            answer = _side_by_side(asked.parts, model)
        elif isinstance(asked, Aside):
            answer = asked.function(*asked.arguments)
        else:
            answer = [_reply(model, request) for request in asked]


def _reply(model, request):
    try:
        model.answer(request).send(None)
    except StopIteration as stop:
        return stop.value
    return Failed("test", "the oracle waits for something")


def variants() -> list[str]:
    """All strategies that ask a model, or promise something of those they hold, with their modes."""
    modes = {
        "grade": ["mode='written'", "mode='expected'"],
        "listwise": ["reasons=True", "reasons=False"],
        "listwise-window": ["window=20", "window=4, stride=2", "window=5, stride=1, passes=2"],
        "setwise": ["children=2", "children=3", "children=9"],
        "self-consistency": ["", "base='setwise'", "base='pairwise-active', method='borda'", "base='tournament'"],
    }
    named: list[str] = []
    for kind, cls in strategies().items():
        fields = cls.model_fields
        if not cls.asks and cls().guarantee() == "nothing exact":
            continue
        found = modes.get(kind, [""])
        if "log-odds" in str(fields.get("mode")):
            found = ["mode='agreement'", "mode='log-odds'"]
        if "tree" in str(fields.get("method")):
            found = [f"{one}, method='{method}'" for one in found for method in ("heap", "tree")]
        named += [f"{kind}({one})" if one else kind for one in found]
    return named


def cases(variant: str, n: int, lists: int) -> Iterator[tuple[object, list[float]]]:
    """Strategies (without a model) and grades: `lists` random lists of `n`, half of them with ties, for each k."""
    plain = make(variant)
    depth = depth_field(plain)
    chance = random.Random(f"{variant} {n}")
    for number in range(lists):
        kind = _ranker(plain).spec()["kind"]
        if number % 2 or kind in WRITES_GRADES:
            grades = [chance.randrange(LEVELS + 1) / LEVELS for _ in range(n)]
        else:
            grades = [rank / max(n, 1) for rank in chance.sample(range(n), n)]
        for k in KS if depth else (None,):
            yield _with_depth(plain, depth, max(n if k is None else k, 1)) if depth else plain, grades


def depth_field(strategy):
    """The parameter that says how many of the first places are exact; None if it promises no such top."""
    fields = type(_ranker(strategy)).model_fields
    return next((name for name in ("k", "cutoff") if name in fields and strategy.guarantee() == "exact top k"), None)


def _ranker(strategy):
    """What ranks: the strategy, or its base."""
    return getattr(strategy, "base", strategy)


def _with_depth(strategy, field, k):
    """The strategy with depth k, and a window that is large enough for it."""
    if hasattr(strategy, "base"):
        return make({**strategy.spec(), "base": _with_depth(strategy.base, field, k).spec()})
    spec = {**strategy.spec(), field: k}
    return make({**spec, "window": max(spec["window"], k + 1)} if "window" in spec else spec)


def broken_promise(strategy, grades) -> str:
    """What the strategy fails to deliver for documents of these grades under a perfect model; empty if nothing."""
    model = PerfectOracle(grades)
    ready = fill_model(strategy, model, model.answers)
    candidates = as_candidates([f"text number {at}" for at in range(len(grades))])
    ranking = drive(ready, candidates, model)
    found = [grades[index] for index in ranking.order]
    best = sorted(grades, reverse=True)
    if sorted(ranking.order) != list(range(len(grades))):
        return "not a permutation"
    if ranking.outcome != "complete":
        return f"outcome {ranking.outcome}: {ranking.diagnostics}"
    depth = promised_depth(ready, len(grades))
    if found[:depth] != best[:depth]:
        return f"{found} instead of {best[:depth]}"
    if best and found[0] != best[0] and best[0] not in _first_tie(ranking, grades):
        return f"the best document is not among the first: {found}"
    return ""


def promised_depth(strategy, n: int) -> int:
    """How many of the first places are exact under a perfect model."""
    if strategy.guarantee() == "exact order":
        return n
    if strategy.guarantee() == "exact top k":
        return min(n, getattr(_ranker(strategy), depth_field(strategy)))
    if strategy.spec()["kind"] == "listwise-window":
        return n if n <= strategy.window else min(n, strategy.passes * (strategy.window - strategy.stride))
    return 0


def _first_tie(ranking, grades):
    return {grades[item.index] for item in ranking if item.tie == ranking.items[0].tie}
