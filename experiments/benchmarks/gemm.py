"""The machine's rate of matrix products: at a size that suits it, and at the shapes of a SASRec block."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.benchmarks.measure import Block, Row, interleaved, ratios
from experiments.benchmarks.settings import Settings
from tf_utils.keras_gate import tf


@dataclass(frozen=True)
class Product:
    """`count` products of a (transposed if asked) and b, tensors of these shapes."""

    count: int
    a: tuple[int, ...]
    b: tuple[int, ...]
    transpose_a: bool = False
    transpose_b: bool = False

    @property
    def flops(self) -> float:
        """2 m k n for each matrix of the stack."""
        m, k = self.a[-1 if self.transpose_a else -2], self.a[-2 if self.transpose_a else -1]
        stack = self.a[0] if len(self.a) == 3 else 1
        return 2.0 * self.count * stack * m * k * self.b[-2 if self.transpose_b else -1]


def block_products(batch: int, length: int, dim: int) -> list[Product]:
    """The products of one attention block, forward and backward, on a padded batch (one head).

    Flat: five of [B n, d] with [d, d], each with the gradient of its input and of its weights. Stacked: logits and
    the gradient of the weights (Q K', dO V'), weighted sum and dQ (P V, dS K), dV and dK (P' dO, dS' Q).
    """
    flat, square = (batch * length, dim), (dim, dim)
    vectors, maps = (batch, length, dim), (batch, length, length)
    return [
        Product(5, flat, square),
        Product(5, flat, square, transpose_b=True),
        Product(5, flat, flat, transpose_a=True),
        Product(2, vectors, vectors, transpose_b=True),
        Product(2, maps, vectors),
        Product(2, maps, vectors, transpose_a=True),
    ]


def peak_block(side: int) -> tuple[Block, float]:
    """Three square products; and the operations of one of them."""
    product = Product(1, (side, side), (side, side))
    return Block(_runner([product], repeats=3), 3), product.flops


def shapes_block(settings: Settings) -> tuple[Block, float]:
    """The products of a SASRec block several times; and the operations of one time."""
    products = block_products(settings.batch, settings.length, settings.dim)
    return Block(_runner(products, settings.steps), settings.steps), sum(product.flops for product in products)


def _runner(products: list[Product], repeats: int):
    # Every product has operands of its own: equal ones would be merged into one by the graph optimiser.
    single = [product for product in products for _ in range(product.count)]
    operands = [(tf.random.normal(p.a), tf.random.normal(p.b)) for p in single]

    @tf.function(autograph=False)
    def once(operands):
        return [tf.matmul(a, b, p.transpose_a, p.transpose_b) for p, (a, b) in zip(single, operands, strict=True)]

    def run():
        for _ in range(repeats):
            results = once(operands)
        return [x[..., :1, :1].numpy() for x in results]

    return run


def run(settings: Settings) -> list[Row]:
    peak, peak_flops = peak_block(settings.side)
    shapes, shapes_flops = shapes_block(settings)
    seconds = interleaved({"peak": peak, "shapes": shapes}, settings.rounds, settings.clock)
    peak_rate, shapes_rate = peak_flops / seconds["peak"], shapes_flops / seconds["shapes"]
    size = f"B {settings.batch}, n {settings.length}, d {settings.dim}"
    note = f"peak: float32, side {settings.side}, up to {peak_rate.max() / 1e9:.0f} GFLOP/s; shapes: {size}, padded"
    return [Row("gemm", "GEMM rate at the model's shapes / peak GEMM rate", ratios(shapes_rate, peak_rate), note=note)]
