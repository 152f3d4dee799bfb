"""LSTM+: AttRec with a recurrent network in place of self-attention (AttRec, "Compared Models").

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| m_t (B21) | self-attention replaced by an LSTM | not released | the last state over the L items, d units | |
| GRU | tested too, slightly worse | - | variant "gru" | |
| the rest | - | - | as AttRec; `l2_projection` is for the cell's kernels | "a variant of AttRec" |
"""

from models.attrec import AttRec
from tf_utils.keras_gate import tf
from tf_utils.masks import valid

CELLS = {"lstm": tf.keras.layers.LSTM, "gru": tf.keras.layers.GRU}


class LSTMPlus(AttRec):
    """The last state of an LSTM over the newest L items, in AttRec's metric space."""

    choices = AttRec.choices | {"short_term": tuple(CELLS)}

    @staticmethod
    def default_config():
        config = AttRec.default_config()
        for name in ("diagonal", "aggregation", "time_layout", "share_projection", "value_projection"):
            del config[name]
        config.short_term = "lstm"
        return config

    @staticmethod
    def variants():
        return {"paper": {}, "gru": {"short_term": "gru"}}

    def make_short_term(self):
        self.cell = CELLS[self.config.short_term](self.config.dim, name=self.config.short_term)

    def short_term(self, windows, training):
        """windows: int32 [R, L], left-padded. Returns the last state [R, d] and no intermediates."""
        mask = valid(windows)
        state = self.cell(self._look_up(self.short_items, windows), mask=mask)
        state *= tf.cast(tf.reduce_any(mask, axis=1, keepdims=True), state.dtype)
        return self.dropout(state, training=training), {}

    @property
    def matrices(self):
        return [self.cell.cell.kernel, self.cell.cell.recurrent_kernel]
