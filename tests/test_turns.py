"""Whose turn it is: runs share a connection fairly, and nobody keeps a seat that is not used."""

import asyncio
from itertools import permutations
from types import SimpleNamespace

import pytest

from reranking.gateway import Budget, Common, Run, lines
from reranking.gateway.lines import Limits, Line
from reranking.models import ModelError, pauses
from reranking.replies import Text
from tests.clock import virtually
from tests.gateways import generate, make, slow_reply
from tests.oracles import Scripted


class Sent:
    """A model that notes the texts it is asked, in order, and answers a moment later."""

    def __init__(self, concurrency):
        self.order = []
        self.model = Scripted(self.answer, fingerprint="f", concurrency=concurrency)

    def answer(self, request, number):
        self.order.append(request.messages[0].text)
        return slow_reply(Text(text="x"), 0.0005)

    def requests(self, name, count):
        return [generate(self.model, f"{name}{at}") for at in range(count)]

    def of(self, name, until=None):
        return sum(text.startswith(name) for text in self.order[:until])


def test_a_run_that_asks_one_after_the_other_does_not_wait_for_all_that_another_has_in_line():
    sent = Sent(concurrency=4)

    async def run():
        door = make()
        many = asyncio.ensure_future(door.ask(sent.requests("many", 400), Run()))
        few = Run()
        for request in sent.requests("few", 9):
            await door.ask([request], few)
        before = sent.of("many")
        await many
        return before

    # Between two of the few, each seat can be taken at most twice: before the request and beside it.
    assert asyncio.run(run()) <= 10 * 4 * 2
    assert (sent.of("many"), sent.of("few")) == (400, 9)


def test_runs_with_equally_many_requests_under_way_take_turns():
    sent = Sent(concurrency=2)

    async def run():
        door = make()
        await asyncio.gather(*(door.ask(sent.requests(name, 20), Run()) for name in "abc"))

    asyncio.run(run())
    for until in range(2, 50):  # the first run found both seats free
        assert max(sent.of(name, until) for name in "abc") - min(sent.of(name, until) for name in "abc") <= 2


def test_a_request_that_two_runs_have_in_line_goes_once_and_in_the_first_turn_of_either():
    sent = Sent(concurrency=2)

    async def run():
        door = make()
        first = asyncio.ensure_future(door.ask(sent.requests("x", 100), Run()))
        await asyncio.sleep(0)
        await door.ask([generate(sent.model, "x99")], Run())
        before = len(sent.order)
        await first
        return before

    assert asyncio.run(run()) <= 8
    assert sorted(sent.order) == sorted(f"x{at}" for at in range(100))


def test_a_request_in_line_that_is_still_wanted_by_another_run_is_sent_after_the_first_was_cancelled():
    sent = Sent(concurrency=1)

    async def run():
        door = make()
        first = asyncio.ensure_future(door.ask(sent.requests("x", 10), Run()))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(door.ask([generate(sent.model, "x9")], Run()))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(run())[0].text == "x"
    assert "x9" in sent.order
    assert len(sent.order) < 5


def test_a_connection_gives_its_seats_back_after_failures_and_cancelled_requests():
    async def stuck():
        await asyncio.sleep(60)

    def answer(request, number):
        if number <= 2:
            return stuck()
        if number % 2:
            raise ModelError("server", "The server failed (500).")
        return Text(text="x")

    model = Scripted(answer, concurrency=2)

    async def run():
        door = make()
        first = asyncio.ensure_future(door.ask([generate(model, str(at)) for at in range(6)], Run()))
        await asyncio.sleep(0.005)
        first.cancel()
        return await asyncio.wait_for(door.ask([generate(model, str(at)) for at in range(20)], Run()), 10)

    assert len(asyncio.run(run())) == 20


@pytest.fixture
def jumping(monkeypatch):
    """Rates are kept to by the clock of the loop, which jumps."""
    monkeypatch.setattr(lines, "time", SimpleNamespace(monotonic=lambda: asyncio.get_running_loop().time()))


@pytest.mark.usefixtures("jumping")
def test_no_more_requests_begin_in_a_minute_than_the_connection_allows():
    """Nine requests, three in any minute."""
    begun = []

    def answer(request, number):
        begun.append(asyncio.get_running_loop().time())
        return Text(text="x")

    model = Scripted(answer, per_minute=3, fingerprint="f")

    replies, seconds = virtually(make().ask([generate(model, str(at)) for at in range(9)], Run()))
    assert len(replies) == 9
    assert all(later - earlier >= lines.MINUTE - 1e-6 for earlier, later in zip(begun, begun[3:], strict=False))
    assert seconds == pytest.approx(2 * lines.MINUTE, rel=0.01)


def tries_of(count):
    """When tries began, and a way to answer with so many of them that each waits for the rate."""
    begun = []

    async def answer(request, number):
        for _ in range(count):
            await asyncio.sleep(pauses.get()())
            begun.append(asyncio.get_running_loop().time())
        return Text(text="x")

    return begun, answer


@pytest.mark.usefixtures("jumping")
def test_a_rate_counts_what_began_in_the_minute_before_it_was_set():
    """Two calls of two tries each without a rate; ten seconds later four a minute are set, and two more calls asked."""
    begun, answer = tries_of(2)
    free = Scripted(answer, fingerprint="f", limits_as_of=1)
    limited = Scripted(answer, fingerprint="f", limits_as_of=2, per_minute=4)

    async def run():
        door = make()
        await door.ask([generate(free, str(at)) for at in range(2)], Run())
        await asyncio.sleep(10)
        await door.ask([generate(limited, str(at)) for at in range(2, 4)], Run())

    virtually(run())
    assert begun == pytest.approx([0] * 4 + [lines.MINUTE] * 4)


@pytest.fixture
def short_minutes(monkeypatch):
    """Minutes of 0.3 seconds."""
    monkeypatch.setattr(lines, "MINUTE", 0.3)
    return 0.3


@pytest.mark.usefixtures("jumping")
def test_every_try_of_a_call_counts_as_a_request_of_its_minute():
    """Calls of three tries each, two tries in a minute: six calls begin 18 tries."""
    begun, answer = tries_of(3)
    model = Scripted(answer, per_minute=2, fingerprint="f")

    replies, seconds = virtually(make().ask([generate(model, str(at)) for at in range(6)], Run()))
    assert len(replies) == 6
    assert len(begun) == 18
    assert all(later - earlier >= lines.MINUTE - 1e-6 for earlier, later in zip(begun, begun[2:], strict=False))
    assert seconds == pytest.approx(8 * lines.MINUTE, rel=0.01)


def test_a_connection_without_a_rate_does_not_wait_for_that_of_another(short_minutes):
    """The second connection's requests are sent while replies of the first come in; no try of theirs waits."""
    waited = []

    async def answer(request, number):
        waited.extend((request.model.name, pauses.get()()) for _ in range(2))
        await asyncio.sleep(0.001)
        return Text(text="x")

    slow = Scripted(answer, name="slow", fingerprint="slow", per_minute=3, concurrency=1)
    fast = Scripted(answer, name="fast", fingerprint="fast", concurrency=1)

    async def run():
        common = Common(Budget(100.0))  # with which each end of a call looks at all lines
        door = make()
        asked = (door.ask([generate(model, str(at)) for at in range(5)], Run(common=common)) for model in (slow, fast))
        await asyncio.wait_for(asyncio.gather(*asked), 20)

    asyncio.run(run())
    assert {seconds for name, seconds in waited if name == "fast"} == {0.0}
    assert any(seconds for name, seconds in waited if name == "slow")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_a_connection_may_be_asked_does_not_depend_on_which_model_was_asked_last(order):
    said = [("a", Limits(1, 8, None)), ("b", Limits(1, 4, 60)), ("a", Limits(0, 1, 1))]
    line = Line(16)
    for at in order:
        line.hear(*said[at])
    assert (line.limit, line.per_minute) == (4, 60)


def crowded():
    """How many requests were under way as each began, and a way to answer that takes note of it."""
    now, most = 0, []

    async def answer(request, number):
        nonlocal now
        now += 1
        most.append(now)
        await asyncio.sleep(0.001)
        now -= 1
        return Text(text="x")

    return most, answer


def test_limits_that_were_set_last_hold_for_runs_that_began_before(short_minutes):
    most, answer = crowded()

    old, new = (
        Scripted(answer, name="m", fingerprint="f", connection="c", concurrency=limit, limits_as_of=at)
        for at, limit in ((1, 8), (2, 2))
    )

    async def run():
        door = make()
        before = asyncio.ensure_future(door.ask([generate(old, f"old{at}") for at in range(24)], Run()))
        await asyncio.sleep(0.0005)
        await door.ask([generate(new, "new")], Run())
        await before
        seen = len(most)
        await door.ask([generate(old, f"later{at}") for at in range(20)], Run())
        return max(most[seen:])

    assert asyncio.run(run()) == 2
    assert max(most) == 8


def test_a_limit_of_a_connection_that_is_changed_holds_from_then_on():
    most, answer = crowded()

    model = Scripted(answer, concurrency=2)

    async def run():
        door = make()
        await door.ask([generate(model, str(at)) for at in range(6)], Run())
        before = max(most)
        model.concurrency = 5
        await door.ask([generate(model, str(at)) for at in range(20)], Run())
        return before, max(most)

    assert asyncio.run(run()) == (2, 5)
