"""Every random draw inside a model is a pure function of (seed, step, replica, order of the draw in the step).

So a step can be repeated bit for bit, and training resumed from a step number equals training that never stopped.

    with step_rng(seed, step, replica):
        model(...)          # layers call draw_seed() once for each draw
"""

import contextlib
import threading
from collections.abc import Iterator

from tf_utils.keras_gate import tf

_scopes = threading.local()  # MirroredStrategy traces each replica in a thread of its own


@contextlib.contextmanager
def step_rng(seed: int, step: tf.Tensor, replica: tf.Tensor | int = 0) -> Iterator[None]:
    """Opens the random stream of one step on one replica; scopes nest, the innermost counts."""
    key = tf.stack([tf.cast(seed, tf.int32), tf.cast(step, tf.int32)])
    key = tf.random.experimental.stateless_fold_in(key, tf.cast(replica, tf.int32))
    stack = _scopes.__dict__.setdefault("stack", [])
    stack.append([key, 0])
    try:
        yield
    finally:
        stack.pop()


def draw_seed() -> tf.Tensor:
    """int32 [2]: the seed of the next draw of the open scope.

    Raises RuntimeError outside a scope: a layer called with training=True needs one.
    """
    stack = _scopes.__dict__.get("stack")
    if not stack:
        raise RuntimeError("a random layer was called with training=True outside `with step_rng(seed, step):`")
    scope = stack[-1]
    scope[1] += 1  # counted while tracing, so the k-th draw of a step has the same seed in eager and graph mode
    return tf.random.experimental.stateless_fold_in(scope[0], scope[1])
