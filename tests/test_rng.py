"""The random stream of a step is a pure function of (seed, step, replica, order of the draw)."""

import threading

import pytest

from tf_utils.keras_gate import tf
from tf_utils.rng import draw_seed, step_rng


def draws(seed, step, replica, n=3):
    with step_rng(seed, step, replica):
        return [tuple(draw_seed().numpy().tolist()) for _ in range(n)]


def test_repeatable_and_never_the_same():
    assert draws(1, 2, 0) == draws(1, tf.constant(2, tf.int64), tf.constant(0))
    keys = [(seed, step, replica) for seed in (0, 1, 7) for step in range(5) for replica in range(3)]
    seen = [seed for key in keys for seed in draws(*key)]
    assert len(set(seen)) == len(seen)


def test_eager_and_graph_agree():
    @tf.function
    def graph(step):
        with step_rng(3, step, 1):
            return draw_seed(), draw_seed()

    for step in (0, 1, 2**31 - 1):
        found = [tuple(x.numpy().tolist()) for x in graph(tf.constant(step, tf.int64))]
        assert found == draws(3, step, 1, n=2)


def test_scopes_nest():
    with step_rng(1, 0):
        first = draw_seed().numpy().tolist()
        with step_rng(2, 0):
            inner = draw_seed().numpy().tolist()
        second = draw_seed().numpy().tolist()
    assert [tuple(first), tuple(second)] == draws(1, 0, 0, n=2)
    assert [tuple(inner)] == draws(2, 0, 0, n=1)


def test_closed_scope():
    with pytest.raises(RuntimeError, match="step_rng"):
        draw_seed()
    with pytest.raises(ZeroDivisionError), step_rng(1, 0):
        raise ZeroDivisionError
    with pytest.raises(RuntimeError, match="step_rng"):
        draw_seed()


def test_threads_have_scopes_of_their_own():
    found = {}

    def work(replica):
        found[replica] = draws(5, 1, replica)

    with step_rng(9, 9):
        threads = [threading.Thread(target=work, args=(replica,)) for replica in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = tuple(draw_seed().numpy().tolist())
    assert found == {replica: draws(5, 1, replica) for replica in range(2)}
    assert [after] == draws(9, 9, 0, n=1)
