"""SINE's Figures 1, 3 and 4, and the sweep over lambda that its text reports. Figure 2 is a drawing of the model."""

from __future__ import annotations

from experiments.papers.schema import Figure, Line
from experiments.papers.sine_data import BEAUTY, FAVOURITES, MOVIELENS, TAOBAO, ULARGE

_SASREC = Line("SASRec", "sasrec", "sine_protocol")
_SINE = Line("SINE", "sine")
_FORMS = (_SINE, Line("SINE, released code's form", "sine", "official"))

FIGURE_1 = Figure(
    id="figure1",
    title="Figure 1: hits in the top 100 and the recent history",
    section="1",
    kind="hits",
    metric="HR@100",
    protocol="full",
    lines=(_SASREC, _SINE),
    datasets=(TAOBAO, FAVOURITES, BEAUTY, MOVIELENS),
    published="The figure prints no numbers. In: an item of the target's category is among the last fifty; Out: none "
    "is. The caption: SASRec prefers to predict the next item correctly if similar items are dominant.",
    array="recent.users",
    notes=(
        "The paper has SASRec alone; SINE is beside it. The right side of the figure is the table's columns by number "
        "of similar items. On MovieLens a film's category is its first genre.",
        "The last fifty events are counted; SASRec and SINE see the newest 20 of them (n = 20).",
        "Favourites are few: where a user has fewer than fifty earlier events, all of them count.",
    ),
)

FIGURE_3 = Figure(
    id="figure3",
    title="Figure 3: the items nearest to a concept",
    section="4.3",
    kind="concepts",
    metric="",
    protocol="",
    lines=_FORMS,
    datasets=(MOVIELENS, BEAUTY, FAVOURITES, TAOBAO, ULARGE),
    published='Four concepts with the pictures of their eight nearest items: "dolls", "jackets", "cosmetics", "cups". '
    "The text: the items of one concept come from different, semantically close leaf categories.",
    array="concepts.items",
    notes=(
        "Shown are not picked examples: the concepts with the most items (nearest by cosine), first seed. In brackets "
        "the item's leaf category; the published data has neither names nor pictures of Taobao and Beauty.",
    ),
)

FIGURE_4_K = Figure(
    id="figure4k",
    title="Figure 4: HR@50 against the number of intentions K",
    section="4.2 (Q3)",
    kind="sweep",
    metric="HR@50",
    protocol="full",
    lines=(_SINE,),
    datasets=(FAVOURITES, TAOBAO),
    published="The figure (Taobao, one million users, mean of ten runs) prints no numbers. The text: K = 8 is best.",
    parameter="intents",
    parameter_label="intentions K",
    values=(4, 8, 12, 16),
    quick_values=(4, 8),
    notes=("One seed each, all users; L = 1,000.",),
)

FIGURE_4_L = Figure(
    id="figure4l",
    title="Figure 4: HR@50 against the number of concepts L",
    section="4.2 (Q3)",
    kind="sweep",
    metric="HR@50",
    protocol="full",
    lines=(_SINE,),
    datasets=(FAVOURITES, TAOBAO),
    published="The figure (Taobao, one million users, mean of ten runs) prints no numbers. The text: L = 1,000 is "
    "best.",
    parameter="concepts",
    parameter_label="concepts L",
    values=(50, 100, 500, 1000, 2000, 5000),
    log_x=True,
    notes=("One seed each, all users; K = 8.",),
)

LAMBDA = Figure(
    id="lambda",
    title="HR@50 against the weight lambda of the covariance",
    section="4.1",
    kind="sweep",
    metric="HR@50",
    protocol="full",
    lines=(_SINE,),
    datasets=(FAVOURITES, TAOBAO),
    published="No figure. The text: lambda was searched from 0 to 1 with step 0.1, performance is relatively stable "
    "around 0.5.",
    parameter="reg_weight",
    parameter_label="lambda",
    values=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    notes=("One seed each, all users; K = 8, L = 1,000.",),
)

FIGURES = (FIGURE_1, FIGURE_3, FIGURE_4_K, FIGURE_4_L, LAMBDA)
