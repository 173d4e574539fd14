"""Order and batches. Oracle: Philox4x64-10 written out in Python integers, and NumPy slicing."""

from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest
from typing_extensions import override

from specc.data import order as orders
from specc.data.batches import Batches
from specc.data.order import Order, order
from specc.data.prefetch import Prefetch
from specc.data.rows import Array, Index, Rows
from specc.data.source import Samples

MASK = 2**64 - 1


def philox(key: tuple[int, int], words: int) -> list[int]:
    """The first words of Philox4x64-10, from its paper: counter 1, 2, ... in the low word."""
    out: list[int] = []
    for count in range(1, -(-words // 4) + 1):
        c, k = [count, 0, 0, 0], list(key)
        for _ in range(10):
            a, b = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
            c = [(b >> 64) ^ c[1] ^ k[0], b & MASK, (a >> 64) ^ c[3] ^ k[1], a & MASK]
            k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
        out += c
    return out[:words]


@pytest.mark.parametrize(("seed", "epoch", "n"), [(0, 0, 10), (7, 3, 101), (2**40, 1, 64)])
def test_order_sorts_philox_words(seed: int, epoch: int, n: int) -> None:
    words = philox((seed, epoch), n)
    expected = sorted(range(n), key=words.__getitem__)
    assert order(seed, epoch, n).tolist() == expected


def test_order_is_frozen() -> None:
    # Runs made with one version are resumed with the next: these numbers may never change.
    assert order(0, 0, 12).tolist() == [0, 2, 11, 9, 1, 8, 5, 4, 3, 10, 6, 7]
    assert order(1, 2, 12).tolist() == [4, 11, 2, 0, 6, 1, 5, 10, 9, 8, 7, 3]
    assert order(1, 2, 5, shuffle=False).tolist() == [0, 1, 2, 3, 4]


def network(seed: int, epoch: int, n: int) -> list[int]:
    """The permutation of `Order` in Python integers."""
    keys = philox((seed, epoch), 8)
    a = next(a for a in range(n) if a * a >= n)
    b = -(-n // a)

    def mixed(z: int) -> int:
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        return z ^ (z >> 31)

    def permuted(x: int) -> int:
        left, right = divmod(x, b)
        for i in range(0, 8, 2):
            left = (left + mixed(right ^ keys[i])) % a
            right = (right + mixed(left ^ keys[i + 1])) % b
        x = left * b + right
        return x if x < n else permuted(x)

    return [permuted(x) for x in range(n)]


@pytest.mark.parametrize("n", [99, 100, 101, 10_007])
def test_long_orders_are_looked_up(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "SORTED", 90)
    expected = network(3, 4, n)
    assert sorted(expected) == list(range(n))
    assert order(3, 4, n).tolist() == expected
    assert Order(3, 4, n)[n - 7 : n + 5].tolist() == expected[n - 7 :]
    assert Order(3, 4, n, shuffle=False)[5:9].tolist() == [5, 6, 7, 8]


def test_long_orders_look_random() -> None:
    """Chi-squared of where each of 64 stretches of neighbours goes, and no neighbours stay."""
    n = orders.SORTED + 64
    index = Order(0, 0, n)[0:n]
    assert np.bincount(index, minlength=n).max() == 1
    counts, *_ = np.histogram2d(np.arange(n), index, bins=64)
    chi = ((counts - n / 64**2) ** 2 / (n / 64**2)).sum()
    assert abs(chi - 63**2) < 5 * (2 * 63**2) ** 0.5
    assert (np.diff(index) == 1).sum() < 10


def samples(n: int) -> Samples:
    x = np.arange(n * 3, dtype=np.float32).reshape(n, 3)
    return Samples((x, x[:, :1] * 2), (np.arange(n),))


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("n", "size"), [(10, 4), (8, 4), (3, 5), (1, 1)])
def test_batches_cover_the_epoch_in_order(n: int, size: int, shuffle: bool) -> None:
    data = samples(n)
    batches = Batches(data, size, seed=5, shuffle=shuffle)
    with batches.epoch(2) as epoch:
        got = list(epoch)
    assert [b.step for b in got] == list(range(batches.steps)) == list(range(-(-n // size)))
    assert [len(b.samples) for b in got[:-1]] == [size] * (len(got) - 1)
    index = order(5, 2, n, shuffle)
    np.testing.assert_array_equal(np.concatenate([b.index for b in got]), index)
    for position, arrays in enumerate((data.x[0], data.x[1])):
        joined = np.concatenate([b.samples.x[position] for b in got])
        np.testing.assert_array_equal(joined, arrays[index])
    np.testing.assert_array_equal(np.concatenate([b.samples.y[0] for b in got]), index)


def test_batches_of_neighbours() -> None:
    data = samples(23)
    batches = Batches(data, 4, seed=3, shuffle="batch")
    found = [batch.index.tolist() for batch in batches.produce(1)]
    blocks = order(3, 1, 5)
    assert found[:5] == [list(range(4 * b, 4 * b + 4)) for b in blocks]
    assert found[5] == [20, 21, 22]
    assert [b.index.tolist() for b in batches.produce(1, 2)] == found[2:]
    for batch in batches.produce(1):
        np.testing.assert_array_equal(batch.samples.x[0], data.x[0][batch.index])


def test_epochs_of_some_steps_go_on_where_the_last_ended() -> None:
    """Six batches in all, four in an epoch: two epochs take one pass and a third of the next."""
    every = [b.index.tolist() for n in range(3) for b in Batches(samples(23), 4, 1).produce(n)]
    some = Batches(samples(23), 4, 1, limit=4)
    found = [b.index.tolist() for epoch in range(4) for b in some.produce(epoch)]
    assert found == every[:16]
    assert [b.step for b in some.produce(1)] == [0, 1, 2, 3]
    assert [b.index.tolist() for b in some.produce(1, 3)] == found[7:8]
    assert Batches(samples(23), 4, limit=9).steps == 6


def test_an_epoch_continues_at_any_step() -> None:
    batches = Batches(samples(23), 4, seed=1)
    whole = [b.index.tolist() for b in batches.produce(3)]
    for start in range(batches.steps + 1):
        with batches.epoch(3, start) as rest:
            assert [b.index.tolist() for b in rest] == whole[start:]


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    with Batches(samples(1000), 2).epoch(0) as epoch:
        assert next(epoch).step == 0
    assert threading.active_count() == before
    assert list(epoch) == []


def test_an_abandoned_iterator_ends_its_thread() -> None:
    before = threading.active_count()
    epoch = Batches(samples(1000), 2).epoch(0)
    next(epoch)
    del epoch
    gc.collect()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_it_runs_ahead_but_not_further_than_asked() -> None:
    made: list[int] = []
    third = threading.Event()

    def produce():
        for i in range(100):
            made.append(i)
            if i == 2:
                third.set()
            yield i

    with Prefetch(produce, ahead=2) as items:
        assert third.wait(10)  # two wait in the queue, the third is in the thread's hands
        assert made == [0, 1, 2]
        assert next(items) == 0


def test_an_exception_arrives_in_its_place() -> None:
    def produce():
        yield 1
        raise OSError("disk gone")

    with Prefetch(produce, ahead=2) as items:
        assert next(items) == 1
        with pytest.raises(OSError, match="disk gone"):
            next(items)
        assert list(items) == []


def test_small_items_are_handed_over_together_and_the_first_alone() -> None:
    made: list[int] = []
    gate, waiting = threading.Event(), threading.Event()

    def produce():
        for i in range(11):
            if i == 8:
                waiting.set()
                assert gate.wait(10)
            made.append(i)
            yield i
        raise OSError("disk gone")

    with Prefetch(produce, ahead=16, together=4) as items:
        assert next(items) == 0
        assert waiting.wait(10)
        # Two after one, then four; the eighth waits for three more.
        assert [next(items) for _ in range(6)] == [1, 2, 3, 4, 5, 6]
        assert items.behind
        gate.set()
        assert [next(items) for _ in range(4)] == [7, 8, 9, 10]
        with pytest.raises(OSError, match="disk gone"):
            next(items)
        assert list(items) == []


def test_closing_ends_a_thread_that_hands_over_its_last_items() -> None:
    last = threading.Event()

    def produce():
        yield from range(3)
        last.set()
        yield 3

    # One place: [1, 2] are in it, and [3] waits for it, when the thread is told to end.
    items = Prefetch(produce, ahead=2, together=2)
    assert next(items) == 0
    assert last.wait(10)
    time.sleep(0.01)
    closing = threading.Thread(target=items.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()


def test_texts_of_unknown_length_do_not_get_far_ahead() -> None:
    class Texts(Rows):
        shape, dtype = (400, 1), np.dtype(np.object_)

        @override
        def take(self, rows: Index) -> Array:
            taken.append(len(rows))
            if len(taken) == 5:
                fifth.set()
            return np.full((len(rows), 1), "x", np.object_)

    taken: list[int] = []
    fifth = threading.Event()
    with Batches(Samples((Texts(),), ()), 4).epoch(0) as prepared:
        assert next(prepared).step == 0
        # Two wait, and one is in the thread's hands.
        assert not fifth.wait(0.2)
