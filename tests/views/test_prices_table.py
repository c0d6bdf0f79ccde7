"""The table of what every strategy took: what was paid all together, and why a strategy failed."""

import asyncio
import re
from dataclasses import replace
from html import unescape

from reranking.documents import as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Common, Gateway
from reranking.jobs import Part
from reranking.ranking import Diagnostic, Usage, by_order, failed
from reranking.replies import Choices, Receipt
from reranking.strategies.catalogue import make
from reranking.views import prices
from tests.oracles import Scripted
from tests.ui.made import compared

CANDIDATES = as_candidates([f"text {at}" for at in range(4)])


def rows(found):
    """The cells of each row of the table, as plain text."""
    return [
        [unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td.*?>(.*?)</td>", row)]
        for row in re.findall(r"<tr.*?>(.*?)</tr>", prices.table(found, {}).split("<tbody>")[1])
    ]


def of(*usages):
    return compared([replace(by_order(CANDIDATES, range(4)), usage=usage) for usage in usages])


def paid(found):
    return [(row[0], row[2], row[6]) for row in rows(found) if row[0].startswith("paid")]


def test_a_reply_that_two_strategies_share_is_paid_once_in_the_last_row():

    model = Scripted(
        lambda request, number: Choices(logprobs=(-0.1, -2.0), receipt=Receipt(cost_usd=0.25)), fingerprint="f"
    )
    strategies = [make({"kind": kind, "model": model}) for kind in ("pairwise-all", "pairwise-sort")]

    async def both():
        door, common = Gateway(lambda ref: ref), Common()
        return [
            await run_strategy(strategy, "q", CANDIDATES, door, common=common, label=f"j/{at}/0")
            for at, strategy in enumerate(strategies)
        ]

    rankings = asyncio.run(both())
    assert rankings[1].usage.requests > 0
    assert paid(compared(rankings, strategies=strategies)) == [
        ("paid in this run", f"{model.count} sent", f"${model.count * 0.25:.2f}")
    ]


def test_what_was_sent_before_a_run_was_resumed_is_paid_in_it():
    usage = Usage(requests=30, cached=20, resumed=12, cost_usd=0.3, spent_usd=0.22)
    assert paid(of(usage, Usage())) == [("paid in this run", "22 sent", "$0.2200")]


def test_the_total_is_unknown_where_the_cost_of_any_strategy_is():
    known, unknown = Usage(requests=3, cost_usd=0.3, spent_usd=0.3), Usage(requests=2, cost_usd=None, spent_usd=None)
    assert paid(of(known, unknown)) == [("paid in this run", "5 sent", "unknown")]


def test_there_is_no_total_where_nothing_was_paid_or_one_strategy_ran():
    free = Usage(requests=5, cached=5, cost_usd=0.4, spent_usd=0.0)
    assert paid(of(free, free)) == []
    assert paid(of(Usage(requests=3, cost_usd=0.3, spent_usd=0.3))) == []


def test_the_total_of_a_run_that_is_not_over_is_said_to_be_that_of_the_strategies_above_it():
    usage = Usage(requests=3, cost_usd=0.3, spent_usd=0.3)
    found = of(usage, usage)
    found.job.parts.append(Part(2, 0, make("bm25"), (0, 1, 2, 3)))
    assert paid(found) == [("paid for these", "6 sent", "$0.6000")]


def test_the_row_of_a_failed_strategy_says_why_in_full():
    reason = "No API key for 'my-box' at http://127.0.0.1:8672/v1. Enter one under Connections, or set both " + (
        "MY_BOX_API_KEY and, to this address, MY_BOX_BASE_URL: a key goes to the address that it was set for only."
    )
    note = Diagnostic("request-failed", reason, (0, 1, 2, 3))
    assert len(reason) > 160
    assert [reason] in [row[1:] for row in rows(compared([failed(CANDIDATES, [note])]))]
