"""AttRec's Figures 3 to 5 and its Table 5, which is a ratio here."""

from __future__ import annotations

from experiments.papers import attrec_published as published
from experiments.papers.attrec_data import LASTFM, TOOLS
from experiments.papers.schema import Figure, Line

OFFICIAL = ", first author's code's form"
_AT_HAND = ("ml-100k", "ml-1m", LASTFM, TOOLS)

FIGURE_3 = Figure(
    id="figure3",
    title="Figure 3: attention weights of two users",
    section="Impact of Self-Attention",
    kind="maps",
    metric="",
    protocol="",
    lines=(Line("AttRec", "attrec"), Line("AttRec" + OFFICIAL, "attrec", "official")),
    datasets=("ml-100k",),
    published="The figure prints no numbers. The text: columns can be told apart; the most recent items have higher "
    'weights for user "888", the first and fourth for user "538".',
    array="attention",
    users=("888", "538"),
    notes=(
        "Weights on the window before the test item, mean over the seeds that kept them. Users are numbered as in the "
        "data set's own file; whether the paper's numbers are those is not said.",
    ),
)

FIGURE_4A = Figure(
    id="figure4a",
    title="Figure 4a: effect of the weight omega",
    section="Impact of weight omega",
    kind="sweep",
    metric="HR@50",
    protocol="full",
    lines=(Line("AttRec", "attrec"),),
    datasets=_AT_HAND,
    published="The figure prints no numbers. The text: omega = 0 (short term alone) is usually better than omega = 1, "
    "0.2 to 0.4 is preferable, and denser data have their best at a lower omega.",
    parameter="omega",
    parameter_label="omega",
    values=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    quick_values=(0.0, 0.2, 1.0),
    seeds={"ml-100k": 3, LASTFM: 3},
)

FIGURE_4B = Figure(
    id="figure4b",
    title="Figure 4b: effect of the sequence length L",
    section="Impact of sequence length L",
    kind="sweep",
    metric="HR@50",
    protocol="full",
    lines=(Line("AttRec", "attrec"),),
    datasets=_AT_HAND,
    published="The figure prints no numbers, and its axis is not in the text. The text: a larger L is beneficial on "
    "MovieLens, a small one on sparse data.",
    parameter="max_length",
    parameter_label="length L",
    values=(2, 3, 5, 7, 10),
    seeds={"ml-100k": 3, LASTFM: 3},
    notes=("The values 2, 3, 5 and 10 occur in the paper's text; 7 is ours.",),
)

FIGURE_5 = Figure(
    id="figure5",
    title="Figure 5: HR@50 against the number of latent dimensions",
    section="Impact of Number of Latent Dimensions",
    kind="sweep",
    metric="HR@50",
    protocol="full",
    lines=tuple(Line(label, model) for model, label in reversed(published.LABELS.items())),
    datasets=("ml-100k", "ml-1m", TOOLS),
    published="The figure (MovieLens-100K and Amazon Garden) prints no numbers, and its axis is not in the text. The "
    "text: AttRec is first at every d, a larger d is not necessarily better, MC and Caser are unstable.",
    parameter="dim",
    parameter_label="dimensions d",
    values=(10, 25, 50, 75, 100),
    seeds={"ml-100k": 3},
    notes=("The values of d are ours, up to the paper's own 100; all else is as in Table 2.",),
)

TABLE_5 = Figure(
    id="table5",
    title="Table 5: seconds an epoch, AttRec against Caser",
    section="Model Efficiency",
    kind="ratio",
    metric="seconds an epoch",
    protocol="",
    lines=(
        Line("AttRec", "attrec", printed=published.TABLE_5["attrec"]),
        Line("Caser", "caser", printed=published.TABLE_5["caser"]),
    ),
    datasets=(*published.FOUR, LASTFM, TOOLS),
    published="seconds on one NVIDIA TITAN X Pascal, batch 1,000. Only the ratio travels between machines.",
    parameter="train.batch_size",
    parameter_label="batch",
    values=(1000,),
    overrides={"train.max_epochs": 5, "train.refit": False},
    notes=(
        "Ours: the mean of five epochs of training alone, without evaluation. Caser has the negatives that its trials "
        "chose, three a target (its paper's number), AttRec one.",
    ),
)

FIGURES = (FIGURE_3, FIGURE_4A, FIGURE_4B, FIGURE_5, TABLE_5)
