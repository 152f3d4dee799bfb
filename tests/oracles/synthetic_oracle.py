"""Brute force for the generator's ceiling: every path of intents (and of hidden actions) is written out and summed.

Plain float64 loops from the definition in data/sources/synthetic.py; only the tables of the process are shared.
Ids are 0-based, as in the process.
"""

import itertools

import numpy as np


def item_chances(tables, category, history):
    """{item: P(item | category, history of (item, category))}, empty if the category has no item left."""
    items = tables["items"][category]
    weights = {item: tables["weight"][item] for item in items}
    total = sum(weights.values())
    chance = {item: weight / total for item, weight in weights.items()}
    before = [item for item, past in history if past == category]
    if before:
        chance = {item: (1 - tables["neighbour"]) * p for item, p in chance.items()}
        place = items.index(before[-1])
        for steps, p in enumerate(tables["offsets"]):
            chance[items[(place + steps) % len(items)]] += tables["neighbour"] * p
    if not tables["repeats"]:
        met = {item for item, _ in history}
        chance = {item: p for item, p in chance.items() if item not in met}
        total = sum(chance.values())
        chance = {item: p / total for item, p in chance.items()}
    return chance


def category_chances(tables, move, user, pending, history):
    """[C]: P(category | move), after the second draw if the first category has no item left."""
    popularity = tables["popularity"]
    size = len(popularity)
    own = np.zeros(size)
    for category, weight in user["home"]:
        own[category] += weight
    if move == "stay":
        chance = np.eye(size)[history[-1][1]]
    elif move == "pending":
        chance = np.eye(size)[pending]
    elif move == "home":
        chance = own
    elif move == "away" and (own == 0).any():
        chance = np.where(own == 0, popularity, 0)
        chance = chance / chance.sum()
    else:
        chance = popularity
    if tables["repeats"]:
        return chance
    left = np.array([bool(item_chances(tables, category, history)) for category in range(size)])
    return chance * left + chance[~left].sum() * popularity * left / popularity[left].sum()


def next_item(tables, user, items, categories, actions):
    """[V]: P(next item | history), summed over all intent paths; `actions=None` sums over all action paths too."""
    steps = len(items)
    intents, kinds = tables["emission"].shape
    moves = ("stay", "pending", "home", "popular", "away")
    events = list(zip(items, categories, strict=True))
    result, evidence = np.zeros(len(tables["weight"])), 0.0
    for path in [tuple(actions)] if actions is not None else itertools.product(range(kinds), repeat=steps):
        pending = [user["favourite"]]
        for category, action in zip(categories, path, strict=True):
            name = tables["actions"][action]
            if name in ("favourite", "cart"):
                pending.append(category)
            elif name == "purchase":
                partner = category + 1 if category % 2 == 0 else category - 1
                pending.append(partner if partner < len(tables["popularity"]) else category)
            else:
                pending.append(pending[-1])
        by_move = [  # [steps + 1][moves][C]
            [
                category_chances(tables, move, user, pending[t], events[:t]) if t or move not in moves[:2] else None
                for move in moves
            ]
            for t in range(steps + 1)
        ]

        def category_given(t, intent, path=path, by_move=by_move):
            weights = tables["moves"][intent, 0 if t == 0 else 1 + path[t - 1]]
            return sum(w * chance for w, chance in zip(weights, by_move[t], strict=True) if chance is not None)

        for hidden in itertools.product(range(intents), repeat=steps + 1):
            p = tables["start"][hidden[0]]
            for t in range(steps):
                p *= category_given(t, hidden[t])[categories[t]]
                p *= item_chances(tables, categories[t], events[:t])[items[t]]
                p *= tables["emission"][hidden[t], path[t]]
                p *= tables["transition"][path[t], hidden[t], hidden[t + 1]]
                if p == 0:
                    break
            if p == 0:
                continue
            evidence += p
            for category, chance in enumerate(category_given(steps, hidden[-1])):
                if chance > 0:
                    for item, q in item_chances(tables, category, events).items():
                        result[item] += p * chance * q
    return result / evidence
