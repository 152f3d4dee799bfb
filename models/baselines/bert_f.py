"""BERT-F: BERT4Rec with the intents of the events, CAFE's own baseline (CAFE section 4.1.2).

| what | CAFE says | CAFE's code does | here | why |
|---|---|---|---|---|
| intents (B7) | "in the same way as FDSA" | not released; its FDSA: a second encoder over intents, concatenation, linear layer, no loss on intents | the same, with two of BERT4Rec's bodies | |
| second encoder | separated item and feature sequences (on FDSA) | own tables, positions and blocks, the sizes of the first | the same | |
| hidden events | - | - | their intents are hidden too, by a mask intent n_categories + 1 | an intent beside a hidden item tells half of the answer |
| output | - | its FDSA: linear layer, then item vectors | linear layer, then the base model's own output (of BERT4Rec a projection) | nothing else changes |
| items without an intent | - | each has one | the zero vector, and its position | |
| the rest | BERT4Rec | - | models/baselines/bert4rec.py | |
"""  # noqa: E501

from models.baselines.bert4rec import BERT4Rec
from models.layers.bidirectional import BidirectionalEncoder
from models.layers.embedding import PaddedEmbedding, built
from models.layers.initializers import truncated_normal
from tf_utils.keras_gate import tf


class IntentFusion:
    """Gives a model built as BERT4Rec a second body over intents, of the same kind, and joins the two."""

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if not spec.n_categories:
            raise ValueError("bert_f, locker_f: their data must have item categories, which are the intents")
        self.intents = built(PaddedEmbedding(spec.n_categories + 1, config.dim, truncated_normal(), name="intents"))
        self.intent_encoder = BidirectionalEncoder(config, self.make_block, "intent_", self.body_options())
        self.fusion = tf.keras.layers.Dense(config.dim, kernel_initializer=truncated_normal(), name="fusion")

    def states(self, batch, items, last, training, at=None):
        states, out = super().states(batch, items, last, training, at)
        hidden = self.spec.n_categories + 1
        intents = self.append(batch["categories"], hidden) if last else batch["categories"]
        intents = tf.where(items > self.spec.n_items, hidden, intents)
        others, maps = self.intent_encoder.contextual(
            *(self.intents(intents), items, self.known(items), last, training, at)
        )
        out |= {f"intent_{name}": found for name, found in maps.items()}
        return self.fusion(tf.concat([states, others], axis=-1)), out


class BERTF(IntentFusion, BERT4Rec):
    """Two bodies, one over items and one over intents; the joined states say which items are hidden."""

    @staticmethod
    def variants():
        return {"paper": {}}
