"""LOCKER: locally constrained self-attentive sequential recommendation (He et al., CIKM 2021).

The published equations were not at hand: what the paper says is taken from its abstract, from CAFE's account (eq. 5)
and from the released code, whose facts are LEDGER B4's.

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| heads | local encoders combined with global attention heads | 1 global, 3 local of 4 | the same, `heads`, `local_heads` | |
| local forms | five methods | adapt, initial, win, conv, rnn | `local` = "adapt", "gauss" (initial), "window", "conv", "rnn" | variants |
| adapt | ln theta_ij predicted (CAFE eq. 5, 6) | (V_i + V_j + d_ij + user) w + b added to the logits | as code; the terms of i, user among them, cancel in the softmax and are never trained | kept as published |
| user | - | sum of the inputs of the known events over the root of their number | as code; 0 where all are hidden (the code divides 0 by 0) | |
| gauss | theta is trained from a Gaussian of the distance | logits times s(p / 0.1), p first exp(-2 (j - i - 1)^2): its centre is the next event | ln theta = p, centred at the event itself; `local` = "gauss_sigmoid" multiplies as the code | theta multiplies exp(w) in all other forms |
| window, conv | - | the reach on each side, 1; ReLU | as code, `reach` | |
| rnn | fixed depth | reads i..i + reach, so at test the mask token and nothing of the history; runs with one local head alone | reads i - reach..i, a GRU for each head | a next-item model needs the past |
| positions (B4) | - | learned, in local queries and keys alone with adapt and initial, on the input with the others | the same, anchored at the newest (the code left-aligns) | as BERT4Rec |
| block | BERT4Rec's | dropout inside the feed-forward network, tanh form of GELU | BERT4Rec's | |
| output | BERT4Rec's | no projection: state times item vector, plus bias | as code; `projection` | |
| masks | random, rho of the events | 0.6 of the events (Beauty), drawn anew, no copies with the last alone | `mask_share` = 0.6, `last_share` = 0 | |
| optimiser | - | AdamW 1e-4, weight decay 1 (Beauty; a schedule is imported and never made) | the runner's, without decay | one for all models |
| evaluation | full ranking, seen items left out; its log's "MRR" is NDCG@20 | the same | the protocols of the table | |
"""  # noqa: E501

from models.baselines.bert4rec import BERT4Rec
from models.layers.initializers import truncated_normal
from models.layers.locker_attention import LOCAL_POSITIONS, MixedAttention
from models.layers.transformer import PostNormBlock


class Locker(BERT4Rec):
    """BERT4Rec of which some heads look at the neighbourhood of an event."""

    @staticmethod
    def default_config():
        config = BERT4Rec.default_config()
        config.update(dict(max_length=50, heads=4, mask_share=0.6, last_share=0.0))
        config.local_heads = 3
        config.local = "adapt"
        config.reach = 1
        config.projection = False
        return config

    @staticmethod
    def variants():
        forms = ("gauss", "gauss_sigmoid", "window", "conv", "rnn")
        return {"paper": {}} | {form: {"local": form} for form in forms}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if config.local == "adapt":  # beside the key's bias, all that is the same for every key of a query
            self.shift_invariant_weights = ("key/bias", "user/kernel", "user/bias", "scores/bias")
        elif config.local == "gauss_sigmoid":  # the factor differs from key to key
            self.shift_invariant_weights = ()

    def body_options(self):
        # Positions enter in one place, and only "adapt" asks who the user is.
        local = self.config.local
        return {"positions": local not in LOCAL_POSITIONS, "histories": local == "adapt", "aligned": True}

    def make_block(self, name):
        config = self.config
        attention = MixedAttention(
            *(config.dim, config.heads, config.local_heads, config.local, config.max_length, config.reach),
            dropout=config.attention_dropout,
            initializer=truncated_normal(),
            name="attention",
        )
        return PostNormBlock(
            *(config.dim, config.heads, config.inner, config.dropout),
            initializer=truncated_normal(),
            attention=attention,
            name=name,
        )
