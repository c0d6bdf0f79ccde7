"""What a position-bias test found, in words with its numbers. Plain text; nothing in it comes from documents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from reranking.analysis.bias import Bias
from reranking.analysis.bias_model import Estimate
from reranking.analysis.pairwise_bias import PairwiseBias, Side
from reranking.analysis.slots import SlotBias

Finding = Literal[
    "primacy", "recency", "middle-loss", "middle-gain", "none found", "no effect",
    "all tied", "cannot tell", "repairs", "failed",
]  # fmt: skip
"""What a verdict can say. `no effect` is exactly none: all rankings are the same. `repairs` and
`cannot tell` are no verdict."""

ALPHA = 0.05
REPAIR_LIMIT = 0.1
FEWEST_GROUPS = 3
TIES_WORTH_SAYING = 0.2
RARELY = 0.01
"""How often chance alone may explain more than what is called its most."""

BIASED: frozenset[Finding] = frozenset({"primacy", "recency", "middle-loss", "middle-gain"})
"""Findings that are an effect of the input position."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`sentence` is the finding with its numbers, `also` what belongs to it, `remarks` say what else to know.

    `finding` is about the order of the input. `side` is the place in the prompt that the model picks nearly always,
    for a strategy that compares two: the sentence then says so first, unless the finding is what comes of it.
    """

    finding: Finding
    sentence: str
    also: str = ""
    remarks: tuple[str, ...] = ()
    side: Side | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(part for part in (self.sentence, self.also, *self.remarks) if part)

    @property
    def biased(self) -> bool:
        """Whether an effect of the position was found."""
        return self.finding in BIASED


def verdict(bias: Bias, pairwise: PairwiseBias | None = None, *, deterministic: bool = False) -> Verdict:
    """The verdict on a test. `pairwise` says what the answers to pairs were, for a strategy that compares two.

    `deterministic` says that the model gives equal answers to equal requests, so that there is
    no noise to control for.
    """
    found = _of_the_input(bias, pairwise, deterministic)
    side = None if pairwise is None else pairwise.side
    if pairwise is None or side is None or found.finding in {"failed", "repairs"}:
        return found
    if found.finding == "all tied":
        return replace(found, sentence=_picks(pairwise, side, bias), also=_SAYS_NOTHING, side=side)
    if pairwise.p is None or pairwise.p >= ALPHA:
        return found
    if found.biased and not pairwise.cancels:  # what the order does to the ranking comes of it
        return replace(found, also=_joined(found.also, _picks(pairwise, side, bias)), side=side)
    return replace(
        found,
        sentence=_picks(pairwise, side, bias),
        also=_joined(found.sentence, found.also),
        remarks=tuple(remark for remark in found.remarks if not pairwise.cancels or remark not in _ties(bias)),
        side=side,
    )


def _of_the_input(bias: Bias, pairwise: PairwiseBias | None, deterministic: bool) -> Verdict:
    """The verdict on the order of the input."""
    remarks = (*_counted(pairwise), *_left_out(bias))
    if not bias.used:
        return Verdict("failed", "Every run failed: there is nothing to say about positions.")
    if bias.n < 2:
        return Verdict("cannot tell", "With fewer than 2 documents there is no order to depend on.", "", remarks)
    if broken(bias):
        mended = percent(bias.repaired or 0.0)
        sentence = (
            f"No verdict: {mended} of the places come from mending broken replies, which keeps the "
            "input order and looks like a preference for earlier documents. Let the model reply in a form that can "
            "be read, or show it fewer documents at once."
        )
        return Verdict("repairs", sentence, "", remarks)
    stable = bias.shuffled
    if stable is not None and stable.tied_pairs == 1:
        return Verdict("all tied", _all_tied(pairwise), "", remarks)
    if bias.unmoved:
        return Verdict("no effect", _no_effect(bias), "", (*_sides(pairwise), *_ties(bias), *remarks))
    effect, test = bias.model.last_to_first, bias.test
    if effect is None or test is None or effect.detectable is None or bias.model.groups < FEWEST_GROUPS:
        return Verdict("cannot tell", _too_few(bias), "", remarks)
    if test.least >= ALPHA:
        return Verdict("cannot tell", _too_few(bias), "", remarks)
    remarks = (*_noise(bias, deterministic), *_sides(pairwise), *_ties(bias), *remarks)
    middle = bias.model.middle
    trend = _trend(effect, test.linear_adjusted) if test.linear_adjusted < ALPHA else ""
    curve = _curve(middle, test.middle_adjusted) if middle and test.middle_adjusted < ALPHA else ""
    if trend:
        faint = _faint(middle) if curve and middle else ()
        remarks = (*_uncertain(effect), *faint, *_explained(bias), *remarks)
        return Verdict("primacy" if effect.value > 0 else "recency", trend, curve, remarks)
    if curve and middle:
        remarks = (*_uncertain(middle), *_explained(bias), *remarks)
        return Verdict("middle-loss" if middle.value > 0 else "middle-gain", curve, "", remarks)
    if effect.detectable > bias.n - 1:  # more than a strategy that returns its input
        return Verdict("cannot tell", _too_few(bias), "", remarks)
    found = f"No effect of the input position was found (p {p_value(min(test.linear_adjusted, test.middle_adjusted))})."
    size = f" A gain of {places(effect.detectable)} or more from last to first would probably have been found."
    uneven = " ".join(_explained(bias))
    if uneven:
        uneven += " That is neither a trend nor a difference between the ends and the middle, but some places differ."
    return Verdict("none found", found + size * (effect.detectable > 0), uneven, remarks)


def broken(bias: Bias) -> bool:
    """Whether so many places come from mending replies that nothing can be said of positions."""
    return bias.repaired is not None and bias.repaired > REPAIR_LIMIT


def slot_finding(slots: SlotBias) -> str:
    """What the slots of the prompts show, in a sentence; empty if the prompts cannot tell."""
    trend = slots.first_to_last
    if trend is None or trend.low is None or trend.high is None:
        return ""
    prompts = f"Within its prompts of {slots.size} passages"
    if trend.low <= 0 <= trend.high:
        return f"{prompts} the model was not found to favour the first or the last slots {numbers(trend, digits=2)}."
    side, other = ("first", "last") if trend.value > 0 else ("last", "first")
    gain = f"{abs(trend.value):.2f} {numbers(trend, digits=2)}"
    return (
        f"{prompts} the model favours the {side} slots: of equally good passages, the one in the {side} slot has a "
        f"chance of winning against the {other} that exceeds its chance of losing by {gain}."
    )


def _trend(effect: Estimate, p: float) -> str:
    favoured, source, target = ("Earlier", "last", "first") if effect.value > 0 else ("Later", "first", "last")
    return (
        f"{favoured} documents are favoured: moving a document from {source} to {target} raises it "
        f"{places(abs(effect.value))} {numbers(effect, p)}."
    )


def _curve(effect: Estimate, p: float) -> str:
    if effect.value > 0:
        return (
            "Documents in the middle are at a disadvantage: moving a document from either end to the middle lowers it "
            f"{places(effect.value)} {numbers(effect, p)}."
        )
    return (
        "Documents in the middle are favoured: moving a document from either end to the middle raises it "
        f"{places(-effect.value)} {numbers(effect, p)}."
    )


def _faint(middle: Estimate) -> tuple[str, ...]:
    if not _reaches_0(middle):
        return ()
    return ("What is said of the middle is hardly above chance: its interval reaches 0.",)


def _reaches_0(effect: Estimate) -> bool:
    return effect.low is not None and effect.high is not None and effect.low <= 0 <= effect.high


def _uncertain(effect: Estimate) -> tuple[str, ...]:
    if not _reaches_0(effect):
        return ()
    return ("That there is an effect is plain; how large it is, these runs hardly tell.",)


def _no_effect(bias: Bias) -> str:
    return (
        f"The order of the input changed nothing: all {bias.used} shuffles gave every document the same rank "
        "(effect 0, W = 1)."
    )


def _all_tied(pairwise: PairwiseBias | None) -> str:
    base = "All documents tie in every run, so the strategy says nothing about their order"
    if pairwise is None or not pairwise.pairs:
        return f"{base}, and positions cannot matter."
    agreeing = f"{pairwise.consistent} of {_count(pairwise.pairs, 'pair')}"
    return f"{base}: in both orders of a pair the model named the same document in {agreeing}."


_SAYS_NOTHING = "The ranking says nothing about the documents, in whatever order they are given."


def _picks(pairwise: PairwiseBias, side: Side, bias: Bias) -> str:
    """That the model goes by the side, and what comes of it."""
    decided, pairs = pairwise.one_sided, pairwise.pairs
    always = pairwise.named_first in {0, 1}
    picks = f"The model {'always' if always else 'nearly always'} picks the {side} passage"
    told = f"{decided} of {_count(pairs, 'pair')}"
    if not pairwise.cancels:
        return f"{picks} of a pair: in {told}, whichever stands there."
    tied = _tied(bias)
    if always and pairs == pairwise.possible:
        clash = "every pair contradicts itself"
    else:
        clash = f"{told} contradict{'s itself' if decided == 1 else ' themselves'}{'' if always else ' in most runs'}"
    ties = ", so everything ties" if tied == 1 else f", and {_tying(tied)} in the ranking" if _many(tied) else ""
    return f"{picks}: {clash}{ties}."


def _too_few(bias: Bias) -> str:
    return (
        f"Too few runs to tell: {_count(bias.used, 'run')} of {bias.n} documents cannot tell the effect of the "
        "position from chance. Take more shuffles."
    )


def _noise(bias: Bias, deterministic: bool) -> tuple[str, ...]:
    if deterministic:
        return ("Equal requests get equal answers from this model, so there is no noise to control for.",)
    if bias.noise is None or bias.noise.stability.moved is None:
        return ("How much the model varies by itself was not measured.",)
    moved = bias.noise.stability.moved
    if moved == 0:
        return ("Repeating the same order moves nothing.",)
    return (f"Repeating the same order moves documents {places(moved)}.",)


def _sides(pairwise: PairwiseBias | None) -> tuple[str, ...]:
    """A preference for a side that leaves many pairs to the documents."""
    if pairwise is None or pairwise.side or pairwise.p is None or pairwise.p >= ALPHA:
        return ()
    side = "first" if pairwise.first > pairwise.second else "second"
    pairs = f"{pairwise.one_sided} of {_count(pairwise.pairs, 'pair')}"
    return (f"Within the prompt the model names the {side} of two passages in both orders for {pairs}.",)


def _counted(pairwise: PairwiseBias | None) -> tuple[str, ...]:
    """Which pairs are meant wherever a number of pairs is told; empty where nothing was asked."""
    return () if pairwise is None or not pairwise.documents else (pairs_counted(pairwise),)


def pairs_counted(pairwise: PairwiseBias) -> str:
    """Which of the pairs count, in a sentence: those that were answered in both orders."""
    documents, possible = len(pairwise.documents), pairwise.possible
    if pairwise.pairs == possible:
        return f"Pairs: all {possible} that {documents} documents make, each answered in both orders."
    missing = possible - pairwise.pairs - pairwise.unanswered
    lack = "lacks" if pairwise.unanswered == 1 else "lack"
    why = [f"{pairwise.unanswered} {lack} an answer to one order or both"] if pairwise.unanswered else []
    why += [f"{missing} {'was' if missing == 1 else 'were'} not asked about"] if missing else []
    return (
        f"Pairs: {pairwise.pairs} of the {possible} that {documents} documents make were answered in both orders; "
        f"{' and '.join(why)}."
    )


def share_by_chance(n: int, runs: int) -> float | None:
    """The most that positions explain by chance alone in 99 of 100 tests (0 to 1); None for fewer than 3 runs.

    It is what `position_share` of `n` documents is compared with. Where positions do nothing,
    it follows the beta distribution of the F test, as over randomly drawn orders.
    """
    if n < 2 or runs < 3:
        return None
    from scipy.special import betaincinv  # most of scipy takes long to import

    return float(betaincinv((n - 1) / 2, (n - 1) * (runs - 2) / 2, 1 - RARELY))


def _explained(bias: Bias) -> tuple[str, ...]:
    """How much of the variation positions explain, where that is more than chance does."""
    share, most = bias.model.position_share, share_by_chance(bias.n, bias.used)
    if bias.model.effects is None or share is None or most is None or share <= most:
        return ()
    return (
        f"The place at which documents are given explains {percent(share)} of how they move between the shuffles "
        f"(chance alone: hardly more than {percent(most)}).",
    )


def _ties(bias: Bias) -> tuple[str, ...]:
    return (f"{_tying(_tied(bias))}.",) if _many(_tied(bias)) else ()


def _tied(bias: Bias) -> float:
    return 0.0 if bias.shuffled is None or bias.shuffled.tied_pairs is None else bias.shuffled.tied_pairs


def _many(tied: float) -> bool:
    return tied >= TIES_WORTH_SAYING


def _tying(tied: float) -> str:
    return f"{percent(tied)} of the pairs of documents tie"


def _left_out(bias: Bias) -> tuple[str, ...]:
    if not bias.failed:
        return ()
    return (
        f"{bias.failed} of {bias.failed + bias.used} runs failed and {'is' if bias.failed == 1 else 'are'} left out.",
    )


def numbers(effect: Estimate, p: float | None = None, digits: int = 1) -> str:
    """Interval and p-value in brackets, in the direction of the effect: `(95 % 4.8 to 7.5, p < .001)`."""
    if effect.low is None or effect.high is None:
        return ""
    low, high = (effect.low, effect.high) if effect.value >= 0 else (-effect.high, -effect.low)
    told = "" if p is None else f", p {p_value(p)}"
    return f"(95\N{NO-BREAK SPACE}% {decimal(low, digits)} to {decimal(high, digits)}{told})"


def p_value(p: float) -> str:
    """`< .001` or `= .03`."""
    if p < 0.001:
        return "< .001"
    text = f"{p:.3f}" if p < 0.01 else f"{p:.2f}"
    return f"= {'1' if float(text) == 1 else text.removeprefix('0')}"


def places(value: float) -> str:
    """`1 place`, `6.2 places`."""
    text = decimal(value)
    return f"{text} place{'' if text == '1' else 's'}"


def decimal(value: float, digits: int = 1) -> str:
    """One decimal, two below 0.1 or where asked for, none where it is zero; the minus is a real one."""
    text = f"{value:.2f}" if 0 < abs(value) < 0.095 else f"{value:.{digits}f}"
    text = text.removesuffix(".0")
    return "0" if float(text) == 0 else text.replace("-", "−")


def percent(share: float) -> str:
    """A share as a whole percentage; never rounded to 0 or 100."""
    if 0 < share < 0.005:
        return "less than 1\N{NO-BREAK SPACE}%"
    if 0.995 <= share < 1:
        return "more than 99\N{NO-BREAK SPACE}%"
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
