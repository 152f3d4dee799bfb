"""The claims of AttRec's text, each with the test that decides it."""

from __future__ import annotations

from experiments.papers import attrec_figure_tests as figures
from experiments.papers.attrec_claim_tests import (
    aggregation,
    alike_in_epochs,
    cheap_beside_caser,
    consistent,
    few_epochs,
    mean_desirable,
    movielens_denser,
    sometimes_low,
    worse_on_sparse,
)
from experiments.papers.attrec_data import MOVIELENS, TWEETS, dense, sparse
from experiments.papers.attrec_published import LABELS
from experiments.papers.claim_tests import Test, Where, any_of, everywhere, ordering
from experiments.papers.group_tests import no_clear_winner, placed, usually
from experiments.papers.schema import Claim, DataSet, Key, sweep_of
from experiments.papers.sweep_tests import best_among

NINE = tuple(Key(model) for model in LABELS)
ATTREC, OFFICIAL = Key("attrec"), Key("attrec", "official")
RIVALS = tuple(key for key in NINE if key != ATTREC)
CASER, FMC, FPMC, HRM, PRME, TRANSREC, LSTM = (
    Key(model) for model in ("caser", "fmc", "fpmc", "hrm", "prme", "transrec", "lstm_plus")
)
HR = ("HR@50",)
_OTHERS = ("sum", "max", "min")
_FORMS = "For the equations everywhere, and for the first author's form on MovieLens (it has no norm clipping)."
_L2 = "With two events (L = 2) the attention of the equations' form is the plain mean"


def _best(rivals: tuple[Key, ...], where: Where = everywhere, significant: bool = False) -> Test:
    """Both forms of AttRec above the rivals on both metrics."""
    return any_of(
        ordering("table2", [ATTREC], rivals, where=where, significant=significant),
        ordering("table2", [OFFICIAL], rivals, where=lambda d: dense(d) and where(d), significant=significant),
    )


def _ablated(key: Key, **sweep) -> Key:
    return key._replace(sweep=sweep_of(**sweep))


def _pleasant(data: DataSet) -> bool:
    """Where the text finds Caser satisfactory."""
    return data.name in (*MOVIELENS, TWEETS)


def _unpleasant(data: DataSet) -> bool:
    return not _pleasant(data)


CLAIMS = (
    Claim(
        "attrec-best",
        "Observe that AttRec always achieve the best performance on all datasets",
        "Performance Comparison",
        f"AttRec's means of HR@50 and MRR are above those of the eight rivals. {_FORMS}",
        _best(RIVALS),
    ),
    Claim(
        "attrec-margin",
        "Our proposed model outperforms the current state-of-the-art models [...] on all datasets by large margins",
        "Introduction; Performance Comparison",
        f"As above, and every lead that decides is beyond noise (p < 0.05). {_FORMS}",
        _best(RIVALS, significant=True),
        "The text prints no margin. In its Table 2, AttRec's lead over the best rival in HR@50 is between 3.1% "
        "(LastFM) and 26.1% (Garden).",
    ),
    Claim(
        "dense",
        "Our model performs well not only on dense datasets like Movielens",
        "Performance Comparison (RQ1)",
        "On MovieLens, AttRec's means of HR@50 and MRR are above those of the eight rivals, in both forms.",
        _best(RIVALS, dense),
    ),
    Claim(
        "sparse",
        "but also on sparse datasets such as Amazon or MovieTweets",
        "Performance Comparison (RQ1)",
        "On every other data set, AttRec's means of HR@50 and MRR are above those of the eight rivals.",
        _best(RIVALS, sparse),
    ),
    Claim(
        "movielens-dense",
        "It shows Movielens datasets are more dense than other datasets",
        "Datasets Descriptions",
        "The least dense MovieLens set is denser than the densest other one.",
        movielens_denser,
    ),
    Claim(
        "markov-consistent",
        "Markov Chain based models (FPMC and MC) achieve consistent performance on both dense and sparse data",
        "Performance Comparison",
        "The mean place of MC and of FPMC among the nine by HR@50 differs by at most 2 between MovieLens and the rest.",
        consistent((FMC, FPMC), NINE),
    ),
    Claim(
        "transrec-prme-low",
        "TransRec and PRME, on the other hand, seems to be underperforming on some datasets",
        "Performance Comparison",
        "Each of the two is among the last three of nine by HR@50 on at least one data set (three are needed to "
        "refute it).",
        sometimes_low((TRANSREC, PRME), NINE),
    ),
    Claim(
        "hrm-prme",
        "HRM as it usually outperforms PRME",
        "Performance Comparison",
        "HRM's mean HR@50 is above PRME's on more than half of the data sets (at least three are needed).",
        usually(ordering("table2", [HRM], [PRME], HR)),
    ),
    Claim(
        "hrm-transrec",
        "there is no clear winner between HRM and TransRec",
        "Performance Comparison",
        "Neither has the higher mean HR@50, beyond noise, on more than two thirds of the data sets (at least three are "
        "needed).",
        no_clear_winner("table2", HRM, TRANSREC, "HR@50"),
    ),
    Claim(
        "caser-good",
        "Caser achieves satisfactory performance on Movielens and MovieTweatings",
        "Performance Comparison",
        "There, Caser is among the first six of nine by HR@50.",
        placed("table2", CASER, NINE, "HR@50", range(1, 7), _pleasant),
    ),
    Claim(
        "caser-poor",
        "but performs poorly on sparse datasets",
        "Performance Comparison",
        "On every other data set, Caser is among the last three of nine by HR@50.",
        placed("table2", CASER, NINE, "HR@50", range(7, 10), _unpleasant),
        "In the paper's own Table 2, Caser is third on Garden.",
    ),
    Claim(
        "lstm",
        "our model also outperforms LSTM+ largely",
        "Performance Comparison",
        f"AttRec's means of HR@50 and MRR are above LSTM+'s, beyond noise where ranks are at hand. {_FORMS}",
        _best((LSTM,), significant=True),
    ),
    Claim(
        "lstm-gru",
        "we also tested GRU, it turned out that LSTM slightly outperforms GRU",
        "Compared Models",
        "LSTM+'s means of HR@50 and MRR are above those of the same model with a GRU.",
        ordering("table2", [LSTM], [Key("lstm_plus", "gru")]),
        "The GRU runs with what LSTM+'s trials chose, which favours the LSTM.",
    ),
    Claim(
        "identity-value",
        "we found that it is beneficial to use identity mapping in our model",
        "Self-Attention Module",
        "The mean HR@50 with the value as it is is above that with a linear projection of it, in both forms.",
        any_of(*(ordering("value", [key], [_ablated(key, value_projection=True)]) for key in (ATTREC, OFFICIAL))),
    ),
    Claim(
        "self-attention",
        "We observe that with self-attention indeed improves the performance",
        "Impact of Self-Attention",
        "The mean HR@50 with self-attention is above that without, in both forms; of the equations' where L is above "
        "2.",
        any_of(
            ordering("table3", [ATTREC], [_ablated(ATTREC, short_term="mean")], where=_pleasant),
            ordering("table3", [OFFICIAL], [_ablated(OFFICIAL, short_term="mean")]),
        ),
        f"{_L2}: both rows are one model there.",
    ),
    Claim(
        "without-attention",
        "even without self-attention, our model can still beat all baselines on these four datasets",
        "Impact of Self-Attention",
        "The mean HR@50 without self-attention is above that of each of the eight rivals, in both forms (the first "
        "author's on MovieLens).",
        any_of(
            ordering("table2", [_ablated(ATTREC, short_term="mean")], RIVALS, HR),
            ordering("table2", [_ablated(OFFICIAL, short_term="mean")], RIVALS, HR, dense),
        ),
    ),
    Claim(
        "columns",
        "the attention matrix is column distinguishable",
        "Impact of Self-Attention, Figure 3",
        "More than half of the variance of the weights off the diagonal lies between columns (median over the users).",
        figures.columns_differ,
        "Of 20 unrelated weights (L = 5) it would be 4 / 19, or 21%, on average; of single untrained models it was "
        "41%, of the mean of ten 27%.",
    ),
    Claim(
        "not-recency",
        "AttRec will not simply put more emphasis on recent actions, but learns to attend over previous actions with "
        "different weights automatically",
        "Impact of Self-Attention, Figure 3",
        "For at least one of the two users, the item with the highest mean weight is not the newest.",
        figures.not_recency_alone,
    ),
    Claim(
        "user-888",
        'the most recent items are given higher weights for user "888"',
        "Impact of Self-Attention, Figure 3",
        "The two newest items have a higher mean weight than the older ones.",
        figures.newest_first("888"),
    ),
    Claim(
        "user-538",
        'higher weights are assigned to the first and fourth items for user "538"',
        "Impact of Self-Attention, Figure 3",
        "The two columns with the highest mean weights are the first and the fourth, counted from the oldest.",
        figures.highest("538", frozenset({1, 4})),
    ),
    Claim(
        "mean-desirable",
        '"mean" achieves desirable performance on both sparse and dense datasets',
        "Impact of Aggregation Method",
        "The mean's HR@50 is at least 98% of that of the best of the four, in both forms.",
        any_of(mean_desirable("paper"), mean_desirable("official")),
    ),
    Claim(
        "others-worse-sparse",
        "The other three aggregation methods seem to be underperforming especially on sparse datasets",
        "Impact of Aggregation Method",
        "On data other than MovieLens, the mean's HR@50 is above that of sum, max and min, in both forms.",
        any_of(
            *(
                ordering("table4", [aggregation(v, "mean")], [aggregation(v, k) for k in _OTHERS], HR, sparse)
                for v in ("paper", "official")
            )
        ),
    ),
    Claim(
        "especially-sparse",
        "underperforming especially on sparse datasets",
        "Impact of Aggregation Method",
        "The three fall behind the mean by a larger share of it on other data than on MovieLens (means over the data "
        "sets and the three), in both forms.",
        any_of(worse_on_sparse("paper"), worse_on_sparse("official")),
    ),
    Claim(
        "short-term",
        "considering only short term intents (omega = 0) usually get better performance than considering only "
        "long-term preference (omega = 1.0)",
        "Impact of weight omega, Figure 4a",
        "HR@50 at omega = 0 is above that at omega = 1 on more than half of the data sets (at least three are needed).",
        usually(figures.short_term_wins),
    ),
    Claim(
        "omega-best",
        "Setting omega to a value between 0.2 and 0.4 is more preferable",
        "Impact of weight omega, Figure 4a",
        "The best HR@50 is at 0.2 or 0.4.",
        best_among("figure4a", (0.2, 0.4), (0.0, 0.6, 0.8, 1.0)),
    ),
    Claim(
        "omega-dense",
        "Datasets with higher sequential signal (dense datasets such as Movielens [...]) hit their best performance "
        "with a lower omega value",
        "Impact of weight omega, Figure 4a",
        "The mean of the best omegas is lower on MovieLens than on the other data.",
        figures.dense_wants_lower,
    ),
    Claim(
        "length-dense",
        "On MovieLens datasets [...] setting L to a larger value is beneficial to the performance",
        "Impact of sequence length L, Figure 4b",
        "On MovieLens, the best HR@50 with L of 5 or more is above the best with 2 or 3.",
        best_among("figure4b", (5, 7, 10), (2, 3), dense),
    ),
    Claim(
        "length-sparse",
        "L should be set to a small value on sparse datasets",
        "Impact of sequence length L, Figure 4b",
        "On other data, the best HR@50 with L of 2 or 3 is above the best with 5 or more.",
        best_among("figure4b", (2, 3), (5, 7, 10), sparse),
        "A user has max(n - (L + T) + 1, 1) windows, so a longer L shrinks the training set as in the paper: L = 2 to "
        f"10 leave 39,603 to 16,281 windows of Tools, 47,386 to 41,309 of LastFM. {_L2}.",
    ),
    Claim(
        "dimension-best",
        "our model consistently outperforms all other baselines on all latent dimensions",
        "Impact of Number of Latent Dimensions, Figure 5",
        "At every d run, AttRec's HR@50 is above that of the eight rivals.",
        figures.best_at_every_dimension,
    ),
    Claim(
        "dimension-monotone",
        "a larger latent dimension does not necessarily leads to better model performance",
        "Impact of Number of Latent Dimensions, Figure 5",
        "At least one of the models has its best HR@50 below the largest d run.",
        figures.larger_not_always_better,
    ),
    Claim(
        "dimension-unstable",
        "some models such as MC and Caser perform unstably",
        "Impact of Number of Latent Dimensions, Figure 5",
        "The falls of HR@50 from one d to the next, over its maximum, add up to more than the median of the nine.",
        figures.unstable((LABELS["fmc"], LABELS["caser"])),
    ),
    Claim(
        "epoch-cost",
        "AttRec only incurs a small computational cost over Caser",
        "Model Efficiency, Table 5",
        "An epoch of AttRec takes at most 1.1 times as long as one of Caser (batch 1,000, one machine, nothing else "
        "running).",
        cheap_beside_caser,
        "The paper's own Table 5 has 1.00 and 1.01 on MovieLens, but 1.41 on Garden and 1.60 on Digital Music.",
    ),
    Claim(
        "convergence",
        "the difference in convergence speed is subtle",
        "Model Efficiency",
        "The median best epochs of AttRec and Caser, by validation, are within a factor of 2.",
        alike_in_epochs,
        'The text has Caser "trained in a pairwise manner" here, and "minimizing the cross entropy" in its list. '
        "Epochs depend on the learning rate, which is tuned for Caser and the paper's for AttRec.",
    ),
    Claim(
        "epochs-30",
        "it takes fewer than 30 epochs for AttRec to achieve its best performance on Movielens 100K",
        "Model Efficiency",
        "The epoch that validation chose (median over seeds) is below 30, in both forms.",
        any_of(few_epochs(ATTREC), few_epochs(OFFICIAL)),
    ),
)
