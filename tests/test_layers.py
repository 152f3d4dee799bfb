"""Each layer against its float64 twin, result and gradient, and what every layer must keep (LEDGER section 8)."""

import numpy as np
import pytest

from models.layers.attention import MaskedAttention
from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions, PaddedEmbedding, UnitBall
from models.layers.norm import LayerNorm
from models.layers.tcn import DepthwiseTCN
from models.layers.transformer import PointwiseFeedForward, SASRecBlock
from tests.oracles import layers_oracle as oracle
from tests.tiny import close, perturb_weights, precision, weights_of
from tf_utils.keras_gate import tf
from tf_utils.masks import causal, masked_softmax, valid
from tf_utils.rng import step_rng

LENGTHS = (5, 3, 1, 0)
T, D = 5, 6
MASK = np.array([[step >= T - length for step in range(T)] for length in LENGTHS])
CELLS = [(row, slice(T - length, T)) for row, length in enumerate(LENGTHS) if length]


def inputs(seed=0):
    """[B, T, d], zeros where padded."""
    return np.random.default_rng(seed).normal(size=(len(LENGTHS), T, D)) * MASK[..., None]


def double(layer_class, *args, **kwargs):
    """The layer, and the layers inside it, in float64."""
    with precision("float64"):
        return layer_class(*args, **kwargs)


def variables(layer):
    return {name: weight.numpy() for name, weight in weights_of(layer).items()}


def check_gradient(layer, call, twin, x, directions=3):
    """Tape against the twin's central differences, along random directions of the input and of each weight alone."""
    rng = np.random.default_rng(9)
    weight_list = weights_of(layer)
    x = tf.Variable(x)
    mixing = rng.normal(size=call(x).shape)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(call(x) * mixing)
    gradients = tape.gradient(value, {"x": x} | weight_list, unconnected_gradients="zero")
    arrays = {"x": x.numpy()} | {name: weight.numpy() for name, weight in weight_list.items()}
    close(value, np.sum(twin(arrays) * mixing))
    for name, array in arrays.items():
        for _ in range(directions if name == "x" else 1):
            direction = rng.normal(size=array.shape) * (MASK[..., None] if name == "x" else 1.0)
            expected = oracle.slope(lambda moved: np.sum(twin(moved) * mixing), arrays, {name: direction})
            np.testing.assert_allclose(np.sum(gradients[name] * direction), expected, rtol=2e-7, atol=2e-8)


def rowwise(twin, x):
    """Runs a twin on each row's valid cells; padded cells stay 0."""
    y = np.zeros(x.shape)
    for row, cells in CELLS:
        y[row, cells] = twin(x[row, cells])
    return y


ATTENTIONS = {
    "plain": dict(),
    "heads": dict(heads=2),
    "heads, scaled as one": dict(heads=3, scale="model"),
    "all keys": dict(heads=2, causal=False),
    "no biases": dict(use_bias=False),
    "projected": dict(heads=2, output_projection=True),
}


@pytest.mark.parametrize("options", ATTENTIONS.values(), ids=ATTENTIONS)
def test_attention(options):
    layer = double(MaskedAttention, D, name="a", **options)
    x, mask = inputs(), tf.constant(MASK)
    layer(x, x, mask)
    perturb_weights(layer)
    shape = {name: options[name] for name in ("heads", "causal", "scale") if name in options}
    # A query of padding may show anything: it is left out on both sides.
    call = lambda x: layer(x, x, mask)[0] * MASK[..., None]  # noqa: E731

    def twin(arrays):
        return rowwise(lambda row: oracle.attention(row, row, arrays, "a", **shape)[0], arrays["x"])

    check_gradient(layer, call, twin, x)

    result, maps = layer(x, x, mask)
    assert maps.shape == (len(LENGTHS), options.get("heads", 1), T, T)
    for row, cells in CELLS:
        close(
            maps[row, :, cells, cells],
            oracle.attention(x[row, cells], x[row, cells], variables(layer), "a", **shape)[1],
        )
    close(tf.reduce_sum(maps, -1), (causal_reach(options.get("causal", True)) > 0)[:, None] * np.ones(maps.shape[:3]))
    hidden = ~MASK[:, None, None, :] & np.ones(maps.shape, bool)
    assert (maps.numpy()[hidden] == 0).all()
    # The history of nothing: zero weights; its result is zero too, but for the bias of W_O.
    if not options.get("output_projection"):
        assert (result[LENGTHS.index(0)].numpy() == 0).all()


def causal_reach(is_causal):
    """[B, T]: the number of valid keys that each query sees."""
    return np.cumsum(MASK, axis=1) if is_causal else np.repeat(MASK.sum(1, keepdims=True), T, axis=1)


@pytest.mark.parametrize("queries", [1, 2, 3])
def test_newest_queries_alone(queries):
    layer = double(MaskedAttention, D, 2)
    x, mask = inputs(), tf.constant(MASK)
    result, maps = layer(x, x, mask)
    few, few_maps = layer(x[:, -queries:], x, mask)
    close(few, result[:, -queries:], 1e-14)
    close(few_maps, maps[:, :, -queries:], 1e-14)


def test_attention_arguments():
    with pytest.raises(ValueError, match="multiple of heads"):
        MaskedAttention(6, heads=4)
    with pytest.raises(ValueError, match="scale"):
        MaskedAttention(6, scale="root")


TOLERANCE = {"float16": 1e-3, "bfloat16": 4e-3, "float32": 1e-7, "float64": 1e-15}


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_masked_softmax(dtype):
    logits = tf.cast([[1.0, 2.0, 3.0], [60000.0, 0.0, 0.0], [-60000.0, -60000.0, 5.0], [1.0, 1.0, 1.0]], dtype)
    mask = tf.constant([[1, 0, 1], [1, 1, 1], [1, 1, 0], [0, 0, 0]]) > 0
    one_over = 1 / (1 + np.exp(2))
    expected = [[one_over, 0, 1 - one_over], [1, 0, 0], [0.5, 0.5, 0], [0, 0, 0]]
    found = masked_softmax(logits, mask)
    assert found.dtype == logits.dtype
    np.testing.assert_allclose(np.asarray(found, np.float64), expected, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_attention_in_half_precision(policy):
    with precision(policy):
        layer = MaskedAttention(D, 2)
    x, mask = inputs(), tf.constant(MASK)
    result, maps = layer(x, x, mask)
    full = double(MaskedAttention, D, 2)
    full(x, x, mask)
    full.set_weights(layer.get_weights())
    assert result.dtype == maps.dtype == layer.compute_dtype
    assert np.isfinite(np.asarray(result, np.float64)).all()
    assert (np.asarray(maps, np.float64)[~MASK[:, None, None, :] & np.ones(maps.shape, bool)] == 0).all()
    for found, expected in zip((result, maps), full(x, x, mask), strict=True):
        np.testing.assert_allclose(np.asarray(found, np.float64), expected, atol=0.03)


def test_masks():
    assert valid(tf.constant([[0, 3, 1]])).numpy().tolist() == [[False, True, True]]
    assert causal(2, 3).numpy().tolist() == [[True, True, False], [True, True, True]]


def test_layer_norm():
    layer = double(LayerNorm, name="n")
    layer(inputs())
    perturb_weights(layer)
    # No row is constant: there the derivative is of the order of 1 / sqrt(epsilon).
    x = np.random.default_rng(1).normal(size=(len(LENGTHS), T, D))
    check_gradient(layer, layer, lambda arrays: oracle.layer_norm(arrays["x"], arrays, "n"), x)
    close(layer(np.zeros((2, D))), np.tile(layer.beta.numpy(), (2, 1)))
    by_hand = double(LayerNorm, epsilon=0.0)(np.array([[1.0, 2.0, 3.0]]))
    close(by_hand, [[-np.sqrt(1.5), 0.0, np.sqrt(1.5)]])


@pytest.mark.parametrize("alignment", ["causal", "centered"])
@pytest.mark.parametrize("sharing", ["depthwise", "shared"])
@pytest.mark.parametrize("taps", [1, 2, 3, 4, 7])
def test_convolution(alignment, sharing, taps):
    layer = double(DepthwiseTCN, taps, alignment, sharing, name="c")
    x = inputs()
    layer(x)
    assert layer.count_params() == taps * (D if sharing == "depthwise" else 1)

    def twin(arrays):
        # Centred taps of the last padded cells do see the first events: compare the valid cells.
        return rowwise(lambda row: oracle.convolution(row, arrays["c/kernel"][:, 0], alignment), arrays["x"])

    check_gradient(layer, lambda x: layer(x) * MASK[..., None], twin, x)


def test_initial_kernel_of_the_convolution():
    """A truncated normal of 0.02 as in ASLI's code, whatever l and d: cut at two standard deviations."""
    layer = DepthwiseTCN(10)
    layer(np.zeros((1, 3, 2000), np.float32))
    kernel = layer.kernel.numpy()
    assert 0.017 < kernel.std() < 0.018 and np.abs(kernel).max() <= 0.04  # the cut takes an eighth of the deviation


def test_convolution_by_hand():
    """l = 10: the printed index reads i - 5 .. i + 4, the causal one i - 9 .. i (LEDGER A6)."""
    impulse = np.zeros((1, 21, 1))
    impulse[0, 10, 0] = 1.0
    for alignment, reached in (("centered", range(6, 16)), ("causal", range(10, 20))):
        layer = double(DepthwiseTCN, 10, alignment)
        layer(impulse)
        layer.kernel.assign(np.arange(1.0, 11.0).reshape(10, 1, 1))
        y = layer(impulse).numpy()[0, :, 0]
        assert np.flatnonzero(y).tolist() == list(reached)
        # Tap j = l reads the newest step, so an impulse meets tap l first.
        assert y[list(reached)].tolist() == list(range(10, 0, -1))
    with pytest.raises(ValueError, match="alignment"):
        DepthwiseTCN(3, "same")
    with pytest.raises(ValueError, match="at least 1"):
        DepthwiseTCN(0)


@pytest.mark.parametrize("residual", [False, True])
def test_feed_forward(residual):
    layer = double(PointwiseFeedForward, D, inner=9, residual=residual, name="f")
    layer(inputs())
    perturb_weights(layer)
    check_gradient(
        layer, layer, lambda arrays: oracle.feed_forward(arrays["x"], arrays, "f", residual), inputs(2) + 0.1
    )


def test_sasrec_block():
    layer = double(SASRecBlock, D, heads=2, name="b")
    x, mask = inputs(), tf.constant(MASK)
    layer(x, x, mask)
    perturb_weights(layer)

    def twin(arrays):
        return rowwise(lambda row: oracle.sasrec_block(row, arrays, "b", heads=2), arrays["x"])

    check_gradient(layer, lambda x: layer(x, x, mask)[0], twin, x)
    close(layer(x[:, -1:], x, mask)[0], layer(x, x, mask)[0][:, -1:], 1e-13)


def test_padded_embedding():
    layer = double(PaddedEmbedding, 4, 3)
    ids = tf.constant([[0, 0, 2], [4, 2, 0]])
    with tf.GradientTape(persistent=True) as tape:
        vectors, matrix = layer(ids), layer.matrix()
    table = layer.table.numpy()
    assert (table[0] != 0).any()  # the row exists, but reads as zeros
    close(vectors, table[ids] * (ids.numpy() > 0)[..., None], 0)
    close(matrix, np.vstack([np.zeros(3), table[1:]]), 0)
    close(tf.convert_to_tensor(tape.gradient(vectors, layer.table)), np.array([0, 0, 2, 0, 1])[:, None] * np.ones(3))
    close(tf.convert_to_tensor(tape.gradient(matrix, layer.table)), np.array([0, 1, 1, 1, 1])[:, None] * np.ones(3))


def test_positions():
    ids = tf.constant([[0, 0, 5], [7, 8, 9]])
    newest, oldest = double(LearnedPositions, 4, 2), double(LearnedPositions, 4, 2, anchor="oldest")
    at = lambda layer: np.broadcast_to(layer(ids), (2, 3, 2))  # noqa: E731
    found = at(newest)
    table = newest.table.numpy()
    close(found[ids > 0], table[[3, 1, 2, 3]], 0)
    found, table = at(oldest), oldest.table.numpy()
    close(found[ids > 0], table[[0, 0, 1, 2]], 0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?i)incompatible shapes|broadcast"):
        tf.zeros([1, 5, 2], newest.table.dtype) + newest(tf.ones([1, 5], tf.int32))  # longer than the table
    with pytest.raises(ValueError, match="anchor"):
        LearnedPositions(4, 2, anchor="last")


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5])
def test_dropout(rate):
    layer, ones = StatelessDropout(rate), tf.ones([401, 499])
    dropped = round(rate * 256) / 256
    assert abs(dropped - rate) <= 1 / 512
    with step_rng(1, tf.constant(5)):
        first, second = layer(ones, training=True).numpy(), layer(ones, training=True).numpy()
    with step_rng(1, tf.constant(5)):
        again = layer(ones, training=True).numpy()
    assert set(np.unique(first)) == {0.0, np.float32(1 / (1 - dropped))}  # exactly the inverse of the kept share
    np.testing.assert_array_equal(first, again)
    for share in ((first == 0).mean(), (first == 0).mean(0).mean(), ((first == 0) & (second == 0)).mean() ** 0.5):
        assert abs(share - dropped) < 5 * np.sqrt(dropped * (1 - dropped) / first.size) * 2
    # Neighbours, and the four masks of one random word, are independent.
    flat = (first == 0).ravel().astype(float)
    for lag in (1, 2, 3, 4, 499):
        assert abs(np.corrcoef(flat[lag:], flat[:-lag])[0, 1]) < 5 / np.sqrt(flat.size)
    assert layer(ones, training=False) is ones


def test_dropout_is_fresh_for_each_step_replica_seed_and_draw():
    layer, ones = StatelessDropout(0.5), tf.ones([64])

    def mask(seed, step, replica, skip=0):
        with step_rng(seed, step, replica):
            return tuple([layer(ones, training=True).numpy().tobytes() for _ in range(skip + 1)][-1:])

    keys = [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1), (1, 0, 0, 1), (1, 0, 0, 2)]
    assert len({mask(*key) for key in keys}) == len(keys)


def test_dropout_gradient_and_arguments():
    layer, x = StatelessDropout(0.5), tf.Variable(tf.ones([100]))
    with step_rng(1, 0), tf.GradientTape() as tape:
        y = layer(x, training=True)
    close(tape.gradient(y, x), y)
    with pytest.raises(RuntimeError, match="step_rng"):
        layer(x, training=True)
    assert StatelessDropout(0.0)(x, training=True) is x
    for rate in (-0.1, 1.0):
        with pytest.raises(ValueError, match="rate"):
            StatelessDropout(rate)
    assert (layer.get_config()["rate"], StatelessDropout(0.999)._dropped_levels) == (0.5, 255)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_unit_ball_moves_only_rows_that_are_too_long(dtype):
    """AttRec eq. 12: rows with |x| <= 1 stay to the bit, zeros too; longer ones keep their direction."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(200, 7))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    short = np.concatenate([directions * rng.uniform(0, 0.999, (200, 1)), np.zeros((1, 7)), np.eye(7)]).astype(dtype)
    assert np.array_equal(UnitBall()(tf.constant(short)).numpy(), short)
    long = (directions * rng.uniform(1.001, 50, (200, 1))).astype(dtype)
    close(UnitBall()(tf.constant(long)), directions, 1e-6)
