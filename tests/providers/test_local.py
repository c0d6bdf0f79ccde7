"""The worker thread of a local model, and what a folder's fingerprint depends on."""

import asyncio
import gc
import threading
import time
import weakref

import pytest

from reranking.models import ModelError
from reranking.providers.local import LocalModel, Worker, folder_fingerprint, go_on, loading
from reranking.replies import Choices
from reranking.requests import Choose, Generate, Message


def choose(word="?"):
    return Choose(model="m", task="yes-no", messages=(Message("user", word),), choices=("yes", "no"))


def test_the_weights_are_loaded_once_with_the_first_work_and_away_from_the_event_loop():
    threads = []

    def load():
        threads.append(threading.current_thread())
        return "weights"

    worker = Worker(load)
    assert threads == []

    async def main():
        return await asyncio.gather(*(worker.run(lambda loaded, _: loaded) for _ in range(5)))

    assert asyncio.run(main()) == ["weights"] * 5
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_the_event_loop_goes_on_while_a_model_works():
    ticks, free = [], threading.Event()
    worker = Worker(lambda: None)

    async def main():
        work = asyncio.ensure_future(worker.run(lambda *_: free.wait(30)))
        for _ in range(3):
            await asyncio.sleep(0)
            ticks.append(work.done())
        free.set()
        return await work

    assert asyncio.run(main()) is True
    assert ticks == [False] * 3


def test_work_that_is_cancelled_while_it_waits_is_never_done():
    done, free = [], threading.Event()
    worker = Worker(lambda: None)

    async def main():
        first = asyncio.ensure_future(worker.run(lambda *_: free.wait(30)))
        second = asyncio.ensure_future(worker.run(lambda *_: done.append("second")))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        free.set()
        await first
        await worker.run(lambda *_: done.append("third"))

    asyncio.run(main())
    assert done == ["third"]


def test_work_that_is_cancelled_while_it_is_done_stops_at_its_next_step():
    steps, started = [], threading.Event()
    worker = Worker(lambda: None)

    def work(_, unwanted):
        started.set()
        for step in range(10_000):
            go_on(unwanted)
            steps.append(step)
            time.sleep(0.001)

    async def main():
        task = asyncio.ensure_future(worker.run(work))
        await asyncio.to_thread(started.wait, 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await worker.run(lambda *_: None)

    asyncio.run(main())
    assert len(steps) < 10_000


def test_a_load_that_fails_is_told_to_all_who_wait_and_tried_again_for_who_asks_later():
    tries, all_wait = [], threading.Event()

    def load():
        tries.append(len(tries))
        if len(tries) == 1:
            all_wait.wait(30)
            raise ModelError("connection", "no connection")
        return "weights"

    worker = Worker(load)

    async def main():
        waiting = [asyncio.ensure_future(worker.run(lambda loaded, _: loaded)) for _ in range(4)]
        await asyncio.sleep(0.01)
        all_wait.set()
        first = await asyncio.gather(*waiting, return_exceptions=True)
        return first, await worker.run(lambda loaded, _: loaded)

    first, later = asyncio.run(main())
    assert [error.code for error in first] == ["connection"] * 4
    assert later == "weights"
    assert len(tries) == 2


def test_warming_up_loads_in_the_background_and_a_failure_is_logged(caplog):
    loaded = threading.Event()
    Worker(loaded.set).warm_up()
    assert loaded.wait(30)

    def load():
        raise ModelError("connection", "no connection to the hub")

    worker = Worker(load)
    worker.warm_up()
    with pytest.raises(ModelError):
        asyncio.run(worker.run(lambda *_: None))
    assert "no connection to the hub" in caplog.text


def test_the_weights_are_freed_and_the_thread_ends_when_nothing_refers_to_the_model_any_more():
    class Weights:
        pass

    threads = []

    def load():
        threads.append(threading.current_thread())
        return Weights()

    worker = Worker(load)
    weights = weakref.ref(asyncio.run(worker.run(lambda loaded, _: loaded)))
    del worker
    threads[0].join(30)
    assert not threads[0].is_alive()
    gc.collect()
    assert weights() is None


def test_a_model_is_freed_once_its_answer_is_given():
    threads = []
    worker = Worker(lambda: threads.append(threading.current_thread()))
    model = LocalModel("embedded:x", "x 1", worker, {Choose: lambda *_: Choices(logprobs=(0.0, -1.0))})
    asyncio.run(model.answer(choose()))
    gone = weakref.ref(model)
    del model, worker
    threads[0].join(30)
    gc.collect()
    assert gone() is None


def test_what_a_model_raises_reaches_who_asked_and_the_next_one_is_answered():
    worker = Worker(lambda: "weights")

    def fails(*_):
        raise ZeroDivisionError

    async def main():
        with pytest.raises(ZeroDivisionError):
            await worker.run(fails)
        return await worker.run(lambda loaded, _: loaded)

    assert asyncio.run(main()) == "weights"


def test_a_receipt_names_the_model_and_costs_nothing():
    model = LocalModel("embedded:x", "x 1", Worker(lambda: None), {Choose: lambda *_: Choices(logprobs=(0.0, -1.0))})
    reply = asyncio.run(model.answer(choose()))
    assert reply.receipt.model == "embedded:x"
    assert reply.receipt.cost_usd == 0.0
    assert reply.receipt.seconds >= 0


def test_a_kind_of_request_that_a_model_does_not_answer_is_refused_with_what_it_answers():
    model = LocalModel("embedded:x", "x 1", Worker(lambda: None), {Choose: lambda *_: Choices(logprobs=(0.0, -1.0))})
    with pytest.raises(ModelError) as caught:
        asyncio.run(model.answer(Generate(model="m", task="grade", messages=())))
    assert caught.value.code == "cannot-answer"
    assert "answers Choose" in caught.value.message


def test_the_fingerprint_of_a_folder_changes_with_every_byte_that_is_loaded_and_with_nothing_else(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "modules.json").write_text('[{"path": ""}, {"path": "1_Pooling"}]')
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text('{"a": 1}')
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    seen = [folder_fingerprint(tmp_path)]
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "checkpoint-500").mkdir()
    (tmp_path / "checkpoint-500" / "optimizer.pt").write_bytes(b"state")
    assert folder_fingerprint(tmp_path) == seen[0]
    (tmp_path / "model.safetensors").write_bytes(b"weightz")
    seen.append(folder_fingerprint(tmp_path))
    (tmp_path / "1_Pooling" / "config.json").write_text('{"a": 2}')
    seen.append(folder_fingerprint(tmp_path))
    (tmp_path / "added.json").write_text("{}")
    seen.append(folder_fingerprint(tmp_path))
    assert len(set(seen)) == 4


def test_equal_folders_in_two_places_have_the_same_fingerprint(tmp_path):
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "config.json").write_text("{}")
    assert folder_fingerprint(tmp_path / "one") == folder_fingerprint(tmp_path / "two")


def test_a_model_says_since_when_it_loads_and_only_while_it_does():
    begun, go = threading.Event(), threading.Event()

    def load():
        begun.set()
        go.wait(30)
        return "weights"

    def answer(loaded, request, unwanted):
        return Choices(logprobs=(0.0, -1.0))

    model = LocalModel("m", "f", Worker(load), {Choose: answer})
    assert model.loading_since is None
    before = time.time()
    model.warm_up()
    assert begun.wait(30)
    assert before <= model.loading_since <= time.time()
    go.set()
    asyncio.run(model.answer(choose()))
    assert model.loading_since is None


def test_a_load_that_fails_is_no_longer_under_way():
    def load():
        raise ModelError("internal", "no weights")

    model = LocalModel("m", "f", Worker(load), {})
    with pytest.raises(ModelError):
        asyncio.run(model.worker.run(lambda *_: None))
    assert model.loading_since is None


def test_the_libraries_progress_bars_stay_off_stderr_while_a_model_loads_and_come_back_after(capfd):
    pytest.importorskip("safetensors")
    from tqdm.auto import tqdm

    with loading("m"):
        assert list(tqdm(range(3), desc="Converting")) == [0, 1, 2]
        assert capfd.readouterr().err == ""
        list(tqdm(range(3), desc="Downloading", disable=False))
        assert "Downloading" in capfd.readouterr().err
    list(tqdm(range(3), desc="Elsewhere"))
    assert "Elsewhere" in capfd.readouterr().err
