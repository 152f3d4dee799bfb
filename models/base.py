"""The contract of every model. Trainer, evaluator, exporter and visualizer know nothing else of a model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import tensorflow_recommenders as tfrs

from data.schema import Sequences
from models import ranges
from tf_utils.keras_gate import tf

Batch = dict[str, tf.Tensor]


@dataclass(frozen=True)
class DataSpec:
    """What a model must know of its data: the sizes of the vocabularies, padding not counted, and what items are.

    find_item_categories: gives `item_categories` (Sequences.item_category_lists); called when a model first reads them,
        for they take a pass over all events. None: they are not known.
    """

    n_users: int
    n_items: int
    n_categories: int
    n_actions: int
    find_item_categories: Callable[[], np.ndarray] | None = field(default=None, compare=False)

    @classmethod
    def of(cls, sequences: Sequences) -> DataSpec:
        """What there is to know of these data."""
        sizes = (sequences.size(name) for name in ("user", "item", "category", "action"))
        return cls(*sizes, find_item_categories=sequences.item_category_lists)

    @cached_property
    def item_categories(self) -> np.ndarray | None:
        """int32 [n_items + 1, A]: each item's categories, then 0; None where they are not known."""
        return self.find_item_categories() if self.find_item_categories else None


class Recommender(tfrs.Model):
    """A recommender of the next item.

    A batch is a dict (data/feeds tells the fields of each training regime). Histories are left-padded with 0:

        user [B], items, categories, actions [B, T]                                                     int32
        training adds the regime's targets and negatives, and valid_count [] float32, of the global batch.

    Class attributes, which an instance may override where a configuration changes them; the conformance suite asserts
    each one or its documented absence:

        regime: the training regime (data/feeds), or None for a model that is fitted by counting.
        causal: encode(positions="all") at a position does not see later events.
        padding_invariant: results do not depend on the amount of padding (only such models are trimmed).
        mask_token: item n_items + 1 stands for an unknown item; encode(positions="last") reads the history with one
            behind it, and returns that one's state (BERT4Rec).
        normalised_attention: the rows of attention maps sum to 1 where anything is visible.
        float32_scores: queries and item matrix keep the weights' dtype under mixed precision (squared distances are
            small differences of large products).
        scores_intents: `score_paired(queries, candidates, intents)` [B, C] scores candidates with intents (category ids
            [B, C]) that are given, which need not be their own.
        shift_invariant_weights: name endings of weights that a softmax cancels, whose gradient is rightly zero.
        choices: hyper-parameter -> the values it may have; a hyper-parameter that the configuration lacks is skipped.

    Raises:
        ValueError: on construction, for a hyper-parameter with another value than its `choices`, or out of its range
            (models/ranges.py).
    """

    regime: str | None = "next_item"
    causal = True
    padding_invariant = True
    mask_token = False
    normalised_attention = True
    float32_scores = False
    scores_intents = False
    shift_invariant_weights: tuple[str, ...] = ()
    choices: Mapping[str, Collection[str]] = {}

    def __init__(self, config, spec: DataSpec):
        """config: ml_collections.ConfigDict of the model's hyper-parameters (see its `default_config`)."""
        super().__init__()
        self.config, self.spec = config, spec
        ranges.check("model", config, choices=ranges.CHOICES | self.choices)

    @staticmethod
    def default_config():
        """The hyper-parameters with their defaults: `variant="paper"`.

        Three names mean something to the suite: `variant`; `max_length`, how many events of a history the model reads
        (any regime but "pairwise" and None needs it); `targets`, of the "window" regime.
        """
        raise NotImplementedError

    @staticmethod
    def variants() -> dict[str, dict]:
        """Variant name -> the hyper-parameters that it sets; "paper" sets none."""
        return {"paper": {}}

    def feed_options(self) -> dict:
        """Options of the regime's `*_feed` function that follow from the model (see data/feeds)."""
        return {}

    def encode(self, batch: Batch, training: bool = False, positions: str = "all") -> tuple[tf.Tensor, dict]:
        """Turns histories into queries.

        Args:
            batch: at least the history fields.
            training: dropout on; needs an open `tf_utils.rng.step_rng`.
            positions: "all" or "last" (the newest position only).

        Returns:
            queries [B, T, K, d], T = 1 for "last", K = 1 for a single interest; and a dict of named intermediates:
            keys ending in "attention" hold maps [B, heads, queries, keys]; for "last" they may be of
            the newest query alone.
        """
        raise NotImplementedError

    def item_matrix(self) -> tf.Tensor:
        """[n_items + 1, d]: row i is what item i is scored with; biases are folded in as a column."""
        raise NotImplementedError

    def score(self, queries: tf.Tensor, candidates: tf.Tensor) -> tf.Tensor:
        """queries [B, 1, K, d], candidates int32 [B, C] -> [B, C]: the best interest counts."""
        vectors = tf.gather(self.item_matrix(), candidates)
        return tf.reduce_max(tf.einsum("bkd,bcd->bkc", queries[:, 0], vectors), axis=1)

    def score_all(self, queries: tf.Tensor) -> tf.Tensor:
        """queries [B, 1, K, d] -> [B, n_items + 1]; column 0 (padding) means nothing."""
        matrix = self.item_matrix()
        if queries.shape[2] == 1:
            return tf.matmul(queries[:, 0, 0], matrix, transpose_b=True)
        return tf.reduce_max(tf.einsum("bkd,nd->bkn", queries[:, 0], matrix), axis=1)

    def retrieval_factors(self):
        """(function batch -> queries [B, K, d], item matrix [n_items + 1, d]), or None: score is no inner product."""
        return lambda batch: self.encode(batch, positions="last")[0][:, 0], self.item_matrix()

    def compute_loss(self, batch: Batch, training: bool = True) -> tf.Tensor:
        """[] float32: additive over slices of the batch along its first axis (see models/losses.py)."""
        raise NotImplementedError

    def packed_loss(self, parts: list[Batch], training: bool = True) -> tf.Tensor:
        """[] float32: the loss of a batch that is cut into slices, the sum of theirs.

        A model overrides it for what is cheaper done for all slices at once.
        """
        return tf.add_n([self.compute_loss(part, training=training) for part in parts])

    def regularisation(self) -> tf.Tensor | float:
        """[] float32: what is added to the loss once a step, whatever the batch."""
        return 0.0

    def fit_counts(self, split) -> None:
        """Fits a model whose regime is None to the training part of a data.splits.Split."""
        raise NotImplementedError

    def call(self, batch: Batch, training: bool = False) -> tf.Tensor:
        return self.encode(batch, training=training)[0]
