"""CAFE's Figures 2 and 4. Figures 1 and 3 are drawings."""

from __future__ import annotations

from experiments.papers.cafe_data import BEAUTY, EPOCHS, EVERY, FAVOURITES, SPARSE
from experiments.papers.schema import Figure, Line

_BERT4REC, _CAFE = Line("BERT4Rec", "bert4rec"), Line("CAFE", "cafe")
_K = {"parameter": "min_item", "parameter_label": "minimum item frequency k"}
_COUNTED = (
    "Items are counted once, in all events of the users that the data set has, the held-out ones too; users are not "
    "counted again, and one with fewer than three events left is for training only."
)


def _longer(times: int) -> dict[str, int]:
    """A training of as many times the epochs and the patience, with as many validations."""
    return {"train.max_epochs": times * EPOCHS, "train.eval_every": times * EVERY}


FIGURE_2_MAPS = Figure(
    id="figure2ab",
    title="Figures 2a and 2b: the average attention map on sparse and on dense data",
    section="2.3.1",
    kind="scope",
    metric="",
    protocol="",
    lines=(_BERT4REC,),
    datasets=(FAVOURITES, SPARSE),
    published="Maps without numbers, of the first 20 time steps of BERT4Rec's first layer. Sparse: Amazon, 2.81 "
    "interactions an item; dense: its items with a frequency of 5 or more, 11.23 an item. The text: the model attends "
    "on more recent items on the sparse data, and less recent ones on the dense.",
    values=(1, 5),
    quick_values=(1, 5),
    array="scope.map",
    notes=(
        "Mean over heads and over the users with 20 steps or more, the oldest event that is read being step 1; the "
        "mask token behind the history is the last step. Where fewer than 20 users have so many, a cell averages all "
        "users who have both of its steps, and the map shows their lengths too.",
        "Age: how many steps before the query that predicts (the newest) the events are that it attends to, over those "
        "of attention spread evenly over the same history, mean over users; it makes histories of different lengths "
        "comparable, and these get shorter as k grows. Below 1: recent events get more than their share.",
        "Reach: the same of the distance between each of the first 20 queries and what it attends to, on either side. "
        "Weight within 2 steps: of what a query gives to the 20 steps.",
        _COUNTED,
    ),
    **_K,
)

FIGURE_2_ITEMS = Figure(
    id="figure2cd",
    title="Figures 2c and 2d: vectors of frequent and of infrequent items",
    section="2.3.2",
    kind="scatter",
    metric="",
    protocol="",
    lines=(_BERT4REC,),
    datasets=(FAVOURITES, BEAUTY, SPARSE),
    published="t-SNE of BERT4Rec's item embeddings on Amazon, three intents (SPORT GOAL, LIP COLOR, CRIB), of each the "
    "500 most and the 500 least frequent items. The text: frequent items of one intent are close to each other, "
    "infrequent ones scatter and are mostly around the origin.",
    array="vectors.xy",
    notes=(
        "Three intents: those with the most items that were trained on; of each the 500 most and the 500 least "
        "frequent, or a half each where there are fewer. One projection of all of them (unit vectors), first seed. In "
        "TensorBoard the projector has all items with their intents and counts: "
        "python -m experiments.visualize --workdir=<of the BERT4Rec run>.",
        "Silhouette (of unit vectors, by intent; -1 to 1) and the share of an item's ten nearest neighbours that are "
        "of its intent (by chance about a third) are measured before the projection. Length: the mean norm over that "
        "of all trained items.",
    ),
)

FIGURE_4 = Figure(
    id="figure4",
    title="Figure 4: CAFE's gain over BERT4Rec against the minimum item frequency",
    section="4.2.3",
    kind="gain",
    metric="NDCG@5",
    protocol="popularity100",
    lines=(_CAFE, _BERT4REC),
    datasets=(FAVOURITES, SPARSE),
    published="A figure without numbers, on Amazon. The text: more than 100% with k = 1, less than 10% with k = 20.",
    values=(1, 3, 5, 10, 20),
    overrides_at={10: _longer(2), 20: _longer(5)},
    quick_values=(1, 5),
    notes=(
        _COUNTED,
        "One seed where k is above 1. With k = 20 few users are left, so its gain is rough, and few items: of those "
        "that may be drawn, the 100 are 38% on Taobao favourites and nearly all on the generated data.",
        "An epoch gets shorter as k grows (on Taobao favourites 119 updates with k = 1, 64 with k = 10, 24 with "
        "k = 20), so there are 2 times as many with k = 10 and 5 times with k = 20, and as many more before a training "
        "is given up: sparsity is compared, not the number of updates.",
        "Of which metric the figure is, is not told; by the printed Table 2, k = 1 would be +104% in NDCG@5, +115% in "
        "HR@5 and +87% in MRR.",
    ),
    **_K,
)

FIGURES = (FIGURE_2_MAPS, FIGURE_2_ITEMS, FIGURE_4)
