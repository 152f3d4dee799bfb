"""Raw labels <-> ids, as tables that a SavedModel carries."""

from __future__ import annotations

import numpy as np

from data.schema import Sequences
from tf_utils.keras_gate import tf


def texts(labels: np.ndarray) -> np.ndarray:
    """str [size + 1]: the raw label of each id as text, "" for id 0."""
    return np.concatenate([[""], np.asarray(labels).astype(str)])


def ids_of(labels: np.ndarray) -> tf.lookup.StaticHashTable:
    """Label (as text) -> int32 id; 0 for "" and for what is unknown."""
    keys = texts(labels)
    known = np.flatnonzero(keys != "")  # "" means that nothing is given, whatever the data calls so
    # A table of no key at all cannot be made.
    known = known if len(known) else np.zeros(1, int)
    pairs = tf.lookup.KeyValueTensorInitializer(tf.constant(keys[known]), tf.constant(known, tf.int32))
    return tf.lookup.StaticHashTable(pairs, default_value=0)


def usual_action(sequences: Sequences) -> int:
    """The most frequent action of the data, 0 where there is none: what an event without an action is taken for."""
    counts = np.bincount(sequences.actions, minlength=1)
    counts[0] = 0
    return int(np.argmax(counts))
