"""FMC: a factorised Markov chain, FPMC without the user (Rendle et al., WWW 2010).

| what | paper says | He et al.'s C++ does | here | why |
|---|---|---|---|---|
| score (B16) | FPMC's score without its user part: the mean over the last basket of <IL_j, LI_l> | the last item alone | the mean over the newest `max_length` items, 1 | AttRec's sequences have one item a basket |
| pairs | S-BPR: j outside the target basket | j that never followed the last item, whoever the user | j other than the target; `exclude` = "train" leaves out what the user did in training | the paper's |
| L2 | of the factors, by step of SGD | one lambda, of the three rows of a step | `l2` of the rows in the batch | see bpr_mf.py |
| order of the examples | bootstrapped | the last item is drawn uniformly, then what followed it | each transition once an epoch | the runner's |
| optimiser | SGD | SGD, 0.05 | the runner's | |
| initialisation | N(0, sigma^2) | uniform in [0, 1) | N(0, `init`^2) | |

He et al.'s C++ (the code of TransRec, RecSys 2017) is what AttRec says its baselines were run with (LEDGER T20); it was
read in a public copy.
"""  # noqa: E501

import ml_collections

from models.baselines.transition import TransitionModel, inner
from models.layers.windows import aggregate


class FMC(TransitionModel):
    """<IL_j, LI_last>: how often j comes after the last item, factorised."""

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=100,
                max_length=1,
                targets=1,
                negatives=1,
                exclude="targets",
                l2=0.003,
                init=0.01,
            )
        )

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.next_items = self.table("next_items", spec.n_items, config.dim, self.normal())  # IL
        self.last_items = self.table("last_items", spec.n_items, config.dim, self.normal())  # LI

    def query(self, user, windows):
        return aggregate(self.last_items(windows), windows, "mean")

    def item_matrix(self):
        return self.next_items.matrix()

    def pair_scores(self, user, windows, items):
        return inner(self.query(user, windows), self.next_items(items))

    def rows(self, user, windows, positives, negatives):
        used = [self.last_items(windows), self.next_items(positives), self.next_items(negatives)]
        return [(self.config.l2, vectors) for vectors in used]
