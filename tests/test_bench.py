"""The benchmark's arithmetic, and that what it compares is the same computation. Nothing here is timed."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from experiments import bench
from experiments.benchmarks import feeding, flops, gemm, growth, ranking, steps, workload
from experiments.benchmarks.measure import Block, Row, interleaved, ratios
from experiments.benchmarks.naive_sasrec import NaiveSASRec
from experiments.benchmarks.settings import Settings
from tests import tiny
from tf_utils.cli import UserError
from tf_utils.evaluation import Evaluator
from tf_utils.keras_gate import tf
from tf_utils.training import packed

TINY = Settings(
    rounds=2,
    steps=2,
    batch=8,
    length=12,
    dim=8,
    blocks=1,
    groups=1,
    side=16,
    users=30,
    items=150,
    growth_rounds=2,
    growth_batch=4,
    growth_lengths=(4, 8),
    growth_dims=(4,),
    growth_items=(60,),
    growth_dim=4,
    growth_length=6,
    cost_models=("pop", "attrec", "cafe"),
    cost_batch=4,
    cost_length=6,
    cost_dim=4,
    paper_dim=4,
    paper_batch=4,
    top_users=3,
    top_items=300,
    top_dim=4,
    top_n=5,
)


@pytest.fixture
def generated_only(monkeypatch):
    """No MovieLens-1M at hand."""
    monkeypatch.setattr(workload, "locate", lambda name, data_dir: None)


def test_interleaved_takes_turns():
    order, now = [], [0.0]

    def block(name, seconds):
        def run():
            order.append(name)
            now[0] += seconds

        return Block(run, units=10)

    blocks = {"a": block("a", 20.0), "b": block("b", 40.0)}
    seconds = interleaved(blocks, 3, clock=lambda: now[0])
    assert order == ["a", "b"] * 4  # the first of each is the warm-up
    assert {name: list(x) for name, x in seconds.items()} == {"a": [2.0] * 3, "b": [4.0] * 3}
    assert ratios(seconds["a"], seconds["b"]) == (0.5, 0.5, 0.5)


def test_own_warm_up():
    order = []
    block = Block(lambda: order.append("run"), warm_up=lambda: order.append("warm"))
    interleaved({"a": block}, 2)
    assert order == ["warm", "run", "run"]


def test_ratios_are_pairwise():
    """A machine that halves its speed in the second pair changes both times and no ratio."""
    assert ratios(np.array([1.0, 2.0]), np.array([4.0, 8.0])) == (0.25, 0.25)


@pytest.mark.parametrize(
    ("found", "at_most", "verdict"),
    [
        ((0.3, 0.4, 0.5), True, "met"),
        ((0.6, 0.7, 0.8), True, "missed"),
        ((0.6, 0.7, 0.8), False, "met"),
        ((0.3, 0.4, 0.45), False, "missed"),
        ((0.4, 0.45, 0.6), True, "unclear"),  # a third of the pairs is on the other side
        ((0.4, 0.4, 0.45, 0.6), True, "met"),  # a quarter
    ],
)
def test_verdict(found, at_most, verdict):
    assert Row("step", "a / b", found, 0.5, at_most).verdict == verdict


def test_row_as_json():
    row = Row("step", "a / b", (0.25, 0.5, 1.0))
    assert row.verdict == ""
    record = json.loads(json.dumps(row.to_json()))
    assert (record["median"], record["lowest"], record["highest"], record["pairs"]) == (0.5, 0.25, 1.0, 3)


def test_flops_by_hand():
    """One history of 2, one of 1, d = 3, one block.

    Cells 3: five products of [3, 3] with [3, 3], 2 * 27 each: 270. Pairs 3 + 1 = 4: two products of 2 * 4 * 3: 48.
    Scores: 3 cells, 2 candidates, 2 * 3 each: 36. Forward and backward: three times 354.
    """
    assert flops.sasrec_step([2, 1], dim=3, blocks=1) == 3 * (270 + 48 + 36)
    assert flops.sasrec_step([2, 1], dim=3, blocks=2) == 3 * (2 * (270 + 48) + 36)
    assert flops.sasrec_step([0], dim=3, blocks=2) == 0


def test_products_are_those_of_a_block():
    """B 2, n 3, d 4: 15 flat products of 2 * 6 * 16, and 6 stacked ones of 2 * (2 * 9 * 4)."""
    products = gemm.block_products(2, 3, 4)
    assert sum(p.flops for p in products) == 15 * 2 * 6 * 16 + 6 * 2 * (2 * 9 * 4)
    shapes = [tf.matmul(tf.zeros(p.a), tf.zeros(p.b), p.transpose_a, p.transpose_b).shape.as_list() for p in products]
    assert shapes == [[6, 4], [6, 4], [4, 4], [2, 3, 3], [2, 3, 4], [2, 3, 4]]


def test_padded_block_counts_twice_the_causal_pairs():
    """On full rows the two counts differ by the upper triangle of the maps alone (scores left out)."""
    rows, n, d = 5, 7, 4
    counted = flops.sasrec_step([n] * rows, d, 1) - 3 * 4 * rows * n * d
    upper = 3 * 2 * 2 * d * rows * n * (n - 1) / 2
    assert sum(p.flops for p in gemm.block_products(rows, n, d)) == counted + upper


@pytest.fixture(scope="module")
def both(tiny_split):
    """SASRec and its naive form in float64 with the same weights, and a batch."""
    with tiny.precision("float64"):
        model = tiny.make_model("sasrec", tiny_split, "float64")
        batch = tiny.make_feed(model, tiny_split, batch_size=16).batch(tf.constant(0, tf.int64))
        model.compute_loss(batch, training=False)
        tiny.perturb_weights(model)
        naive = NaiveSASRec(tiny.N_ITEMS, tiny.DIM, tiny.LENGTH, blocks=2, dropout=0.0)
        wide = steps.padded(batch, tiny.LENGTH)
        naive.loss_of(wide, training=False)
        naive.copy_from(model)
    return model, naive, batch, wide


def test_naive_computes_our_loss(both):
    model, naive, batch, wide = both
    assert int(tf.math.count_nonzero(batch["items"] == 0)) > 0  # padding is part of what must agree
    expected = naive.loss_of(wide, training=True)
    assert expected.dtype == tf.float64
    for groups in (1, 4):
        found = tf.add_n([model.compute_loss(part, training=True) for part in packed(batch, groups)])
        tiny.close(found, expected, 1e-10)


def test_naive_computes_our_gradient(both):
    """So that both train the same model: compared for every weight, row 0 (padding) of the item table left out."""
    model, naive, batch, wide = both
    ours, theirs = [], []
    for block, other in zip(model.blocks, naive.blocks, strict=True):
        ours += [block.attention.query.kernel, block.attention.value.bias, block.ffn.inner.kernel, block.ffn_norm.gamma]
        theirs += [other.query.kernel, other.value.bias, other.inner.kernel, other.ffn_norm.gamma]
    ours += [model.items.table, model.positions.table, model.norm.beta]
    theirs += [naive.items.embeddings, naive.positions.embeddings, naive.norm.beta]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(batch, training=True)
    found = tape.gradient(loss, ours)
    with tf.GradientTape() as tape:
        loss = naive.loss_of(wide, training=True)
    expected = tape.gradient(loss, theirs)
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        a, b = tf.convert_to_tensor(a), tf.convert_to_tensor(b)
        skip = 1 if ours[i] is model.items.table else 0
        tiny.close(a[skip:], b[skip:], 1e-10)


def test_numpy_scorer_counts_what_the_evaluator_counts(tiny_split):
    """The rivals in speed give the same ranks; scores are integers, so that both count the ties."""
    model = tiny.make_model("sasrec", tiny_split)
    targets = tiny_split.test
    lists = {name: ranking.candidates.draw(name, tiny_split) for name in ranking.PROTOCOLS[1:]}
    rng = np.random.default_rng(0)
    queries = rng.integers(-2, 3, (len(targets), tiny.DIM)).astype(np.float32)
    matrix = rng.integers(-2, 3, (tiny.N_ITEMS + 1, tiny.DIM)).astype(np.float32)
    fixed = SimpleNamespace(
        padding_invariant=True,
        encode=lambda batch, training, positions: (tf.gather(queries, batch["row"])[:, None, None], {}),
        score_all=lambda q: tf.matmul(q[:, 0, 0], matrix, transpose_b=True),
    )
    ours = Evaluator(fixed, tiny_split.sequences, targets, model.config.max_length, ranking.PROTOCOLS, lists, 7).ranks()
    arrays = {name: drawn.items for name, drawn in lists.items()}
    theirs = ranking.numpy_counts(queries, matrix, tiny_split.sequences, targets, arrays)
    for name in ranking.PROTOCOLS:
        np.testing.assert_array_equal(theirs[name], np.stack([ours[name].greater, ours[name].equal], axis=1), name)
    assert theirs["full"][:, 1].sum() > 0


def test_plain_batches(tiny_split):
    """What the pipeline is compared with does the same job: next items, and negatives outside the training items."""
    fields = next(feeding.plain_batches(tiny_split, length=6, batch_size=20))
    seq = tiny_split.sequences
    histories = [seq.items[lo:hi] for lo, hi in zip(seq.offsets[:-1], tiny_split.train_ends, strict=True)]
    for items, positives, negatives in zip(*fields.values(), strict=True):
        size = np.count_nonzero(items)
        assert 0 < size <= 6 and not items[:-size].any() and not negatives[:-size].any()
        owners = [
            history
            for history in histories
            if np.array_equal(history[-7:][:-1], items[-size:])
            and np.array_equal(history[-6:][-size:], positives[-size:])
        ]
        assert owners
        assert any(not np.isin(negatives[-size:], history).any() for history in owners)


def test_full_batches_skip_the_small_last_one(tiny_split):
    feed = tiny.make_feed(tiny.make_model("sasrec", tiny_split), tiny_split, batch_size=8)
    assert feed.instances % 8
    batches = steps.full_batches(feed, 8, 5)
    assert [len(batch["user"]) for batch in batches] == [8] * 5


def test_generated_lengths():
    lengths = workload.log_normal_lengths(6040, workload.LOG_MEAN)
    assert lengths.min() >= 18
    assert abs(np.median(lengths) / 96 - 1) < 0.1  # ML-1M: median 96, mean 165.5
    assert abs(np.mean(lengths) / 165.5 - 1) < 0.1
    assert abs(np.mean(workload.tmall_lengths(20_000)) / (2_454_115 / 9_883) - 1) < 0.05
    seq = workload.generated(np.array([3, 5]), items=7)
    assert seq.lengths.tolist() == [3, 5] and seq.items.min() >= 1 and seq.items.max() <= 7


def test_compiled_steps_train(tiny_split):
    """What is timed is a whole step: both forms lower the loss of a batch that they see again and again."""
    feed = tiny.make_feed(tiny.make_model("sasrec", tiny_split), tiny_split, batch_size=8)
    (batch,) = steps.full_batches(feed, 8, 1)
    naive = NaiveSASRec(tiny.N_ITEMS, tiny.DIM, tiny.LENGTH, blocks=1, dropout=0.0)
    for step, fields in (
        (steps.our_step(tiny.make_model("sasrec", tiny_split, blocks=1), feed, groups=2), batch),
        (steps.naive_step(naive), steps.padded(batch, tiny.LENGTH)),
    ):
        losses = [float(step(fields)) for _ in range(20)]
        assert losses[-1] < losses[0] - 0.01


@pytest.fixture
def eager():
    """Functions are not compiled: tracing a dozen models would take longer than all the other tests."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.filterwarnings("ignore:Even though")  # tf.data stays compiled
def test_every_part_gives_rows(generated_only, eager):
    """The whole program at a tiny size."""
    rows = bench.measure(list(bench.PARTS), TINY)
    assert list(dict.fromkeys(row.part for row in rows)) == list(bench.PARTS)
    for row in rows:
        assert len(row.ratios) == 2 and min(row.ratios) > 0
    targets = {row.name: (row.target, row.at_most) for row in rows if row.target is not None}
    stated = [(0.02, True), (0.5, False), (0.5, True), (1.0, False), (1.1, True), (1.2, True), (1.5, True)]
    assert sorted(targets.values()) == stated + 2 * [(growth.PUBLISHED, True)]
    assert len({row.name for row in rows}) == len(rows)
    costs = [row.name.split(":")[0] for row in rows if row.part == "models"]
    assert costs == ["attrec", "cafe"]  # SASRec is the base, and counting is not training
    out = io.StringIO()
    bench.show(rows, Console(file=out, width=200))
    text = out.getvalue()
    assert all(row.name in text for row in rows) and "A B A B" in text and "generated histories" in text


def test_unknown_part():
    with pytest.raises(UserError, match="'steps' is not a part; choose of gemm, step"):
        bench.chosen_parts(["gemm", "steps"])
    assert bench.chosen_parts(["ranking", "gemm"]) == ["gemm", "ranking"]


def test_unwritable_json(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        bench.check_writable(tmp_path / "absent" / "bench.json")
    with pytest.raises(UserError, match="cannot be written"):
        bench.check_writable(tmp_path)
    bench.check_writable(tmp_path / "bench.json")


def test_json(tmp_path, monkeypatch, capsys, generated_only):
    """--parts and --json through `main`."""
    target = tmp_path / "bench.json"
    monkeypatch.setattr("experiments.setup.devices", lambda *args: None)  # threads are set before the first tensor
    monkeypatch.setattr("experiments.benchmarks.settings.Settings", lambda **kwargs: TINY)
    bench.flags.FLAGS(["bench", "--parts=gemm", f"--json={target}"])
    bench.main([])
    record = json.loads(target.read_text())
    assert {"versions", "device", "commit", "clock", "threads"} <= set(record)
    assert [row["part"] for row in record["rows"]] == ["gemm"]
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]
    assert "GEMM rate" in capsys.readouterr().out
