"""SAIR's Figures 2 and 3, and sweeps over L and K, which the paper sets and does not vary."""

from __future__ import annotations

from experiments.papers.sair_data import ANIME, DEMO, MOVIELENS, MOVIELENS_20M
from experiments.papers.schema import Figure, Line

_SAIR = Line("SAIR", "sair")
_FORMS = (_SAIR, Line("SAIR, RecBole's encoder", "sair", "recbole"))

FIGURES_2_3 = Figure(
    id="figure2",
    title="Figures 2 and 3: heat maps of the distribution before and after the interaction",
    section="IV-D",
    kind="interests",
    metric="",
    protocol="",
    lines=_FORMS,
    datasets=(MOVIELENS, ANIME, MOVIELENS_20M, DEMO),
    published="The figures print no numbers, and name no user. The text: after the interaction there is less noise, "
    "the interests are more concentrated, and they shift in the first few items.",
    array="interests.users",
    notes=(
        "A column is the softmax over the L interests of one position's scores (eq. 4 and 5 give scores without any "
        "normalisation). Users are not picked: those at the sixth, the middle and five sixths of the lengths of "
        "histories, by their raw ids, first seed, all that the model reads (the newest 150); dots are the K interests "
        "that are chosen. Both maps of a user have one colour scale.",
        "What the maps show of these users is measured for 2,048 in the table above: interests along a history.",
    ),
)


def _sweep(id: str, title: str, parameter: str, label: str, values: tuple, quick: tuple, held: str) -> Figure:
    return Figure(
        id=id,
        title=title,
        section="IV-D",
        kind="sweep",
        metric="NDCG@10",
        protocol="recbole_uni100",
        lines=(_SAIR,),
        datasets=(MOVIELENS, ANIME, DEMO),
        published="No figure and no numbers. The text sets L = 10, K = 3 for MovieLens-1M, L = 20, K = 8 for "
        "MovieLens-20M, L = 30, K = 10 for Anime, and does not say how they were found.",
        parameter=parameter,
        parameter_label=label,
        values=values,
        quick_values=quick,
        notes=(f"Not in the paper. One seed each; {held}.",),
    )


SWEEP_L = _sweep(
    *("sweep-l", "NDCG@10 against the size L of the interest pool", "n_interests", "interests L"),
    *((10, 20, 30, 50), (10, 30), "K = 3 on MovieLens-1M, 10 on Anime"),
)
SWEEP_K = _sweep(
    *("sweep-k", "NDCG@10 against the number K of chosen interests", "top", "chosen K"),
    *(
        (1, 3, 8, 10),
        (1, 10),
        "L = 10 on MovieLens-1M, where K = 10 chooses all of them, 30 on Anime; at "
        "K = 1 eq. 9 is constantly 1, so that eq. 5 gets no gradient and an untrained map chooses",
    ),
)

FIGURES = (FIGURES_2_3, SWEEP_L, SWEEP_K)
