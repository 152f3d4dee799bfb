"""ASLI's Tables 2, 3 and 4 as printed (WWW'20). Misprints are kept and marked."""

from __future__ import annotations

from experiments.papers.schema import Cell

METRICS = ("NDCG@5", "NDCG@10", "HR@5", "HR@10")
DATASETS = ("tmall", "tmall_small", "etsy")

_TABLE_3 = {
    "pop": "0.1688 0.2030 0.2459 0.3516  0.1271 0.1577 0.1898 0.2848  0.0539 0.0691 0.08116 0.1283",
    "bpr_mf": "0.3541 0.3862 0.4608 0.5601  0.2688 0.3124 0.3774 0.5127  0.2724 0.2800 0.2849 0.3086",
    "nextitnet": "0.4301 0.4514 0.5028 0.5686  0.3981 0.4235 0.4705 0.5493  0.3543 0.3671 0.3866 0.4265",
    "sasrec": "0.4771 0.5028 0.5436 0.6230  0.4525 0.4773 0.5269 0.6037  0.3765 0.3828 0.3927 0.4123",
    "asli": "0.5133 0.5367 0.6051 0.6769  0.4334 0.4678 0.5367 0.6429  0.3946 0.4015 0.4310 0.4523",
}
_TABLE_4 = {
    "self": "0.4753 0.5434 0.3792 0.3976",
    "item": "0.3641 0.4297 0.2542 0.2773",
    "action": "0.3766 0.4644 0.3386 0.3658",
    "category": "0.4787 0.5690 0.3788 0.4189",
    "latent_intent": "0.5101 0.5955 0.3940 0.4300",
}
_NOTES = {
    "0.08116": "five digits as printed; reads 0.0812",
    "0.4265": 'the text of 4.5 calls the pair 0.4265 and 0.4123 "HitRate@20"; both are HitRate@10',
}


def _cells(line: str, datasets: tuple[str, ...], metrics: tuple[str, ...]) -> dict[str, dict[str, Cell]]:
    printed = iter(line.split())
    return {name: {m: Cell(p := next(printed), _NOTES.get(p, "")) for m in metrics} for name in datasets}


TABLE_3 = {model: _cells(line, DATASETS, METRICS) for model, line in _TABLE_3.items()}
TABLE_4 = {kind: _cells(line, ("tmall", "etsy"), ("NDCG@5", "HR@5")) for kind, line in _TABLE_4.items()}


def _statistics(label: str, key: str, tmall: str, small: str, etsy: str) -> tuple[str, str, dict[str, Cell]]:
    return label, key, dict(zip(DATASETS, (Cell(tmall), Cell(small), Cell(etsy)), strict=True))


TABLE_2 = (
    _statistics("# users", "users", "9883", "6280", "6690"),
    _statistics("# items", "items", "569658", "47759", "119310"),
    _statistics("# categories", "categories", "6352", "130", "608"),
    (
        "# actions",
        "interactions",
        {
            "tmall": Cell("2454115", "2.45M in the table, 2,454,115 in section 4.1"),
            "tmall_small": Cell("439497", "0.44M in the table, 439,497 in section 4.1"),
            "etsy": Cell("215227", "0.22M in the table, 215,227 in section 4.1"),
        },
    ),
    _statistics("avg. actions/user", "mean_length", "248.10", "71.98", "34.17"),
    _statistics("avg. views/user", "mean_per_action.click|mean_per_action.view", "211.32", "62.84", "27.31"),
    _statistics(
        "avg. add-to-favorites/user", "mean_per_action.favourite|mean_per_action.favorite", "11.66", "3.01", "3.37"
    ),
    _statistics("avg. add-to-carts/user", "mean_per_action.cart", "17.15", "4.22", "2.47"),
    _statistics("avg. purchases/user", "mean_per_action.purchase", "7.97", "1.91", "1.02"),
    ("observed user-item pairs", "density_user_item", {"etsy": Cell("0.0002", "0.02% in section 2.1")}),
    ("observed user-category pairs", "density_user_category", {"etsy": Cell("0.0168", "1.68% in section 2.1")}),
)

TABLE_2_NOTES = (
    "Removing items with fewer than 5 interactions after the de-duplication is arithmetically impossible: 569,658 "
    "items "
    "would need 2,848,290 actions and 2,454,115 are reported. So the filter comes first, or is on users only; here it "
    "comes first, then the first action of each (user, item, action type) is kept (ledger A20).",
    'That only the first such action counts stands in the paragraph on Tmall. Tmall-Small is "pre-processed in the '
    'same way as Etsy", whose paragraph names a filter alone; that both keep first actions too is a reading.',
    "For Tmall-Small and Etsy, # actions / # users (69.98 and 32.17) is 2.00 below the printed actions per user: the "
    "count there seems to leave out validation and test.",
)
