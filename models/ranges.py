"""What a hyper-parameter may be: a name means the same in every model that has it. And the check, for any section."""

from collections.abc import Collection, Mapping

from data.pools import PROPOSALS

COUNTS = (
    *("dim", "inner", "heads", "local_heads", "blocks", "max_length", "targets", "negatives", "kernel_size"),
    *("n_interests", "interests", "intents", "concepts", "iterations", "power", "channels"),
    *("horizontal", "vertical", "min_hist", "min_history", "neighbours"),
)
POSITIVE = ("temperature", "label_power", "init", "sampled_share", "decay", "mask_share")
NOT_NEGATIVE = (
    *("interaction_weight", "decov_weight", "intent_weight", "reg_weight", "margin", "threshold", "shrink", "reach"),
    *("l2", "l2_tables", "l2_projection", "l2_user", "l2_item", "l2_bias", "l2_transition", "l2_global"),
    *("initializer_range", "norm_epsilon", "hidden", "top"),
)
SHARES = (
    *("omega", "alpha", "mask_share", "last_share", "keep_item", "keep_user", "sampled_share", "decay"),
    *("dropout", "attention_dropout"),
)
RULES = (
    (COUNTS, lambda x: x >= 1, "must be at least 1"),
    (POSITIVE, lambda x: x > 0, "must be above 0"),
    (NOT_NEGATIVE, lambda x: x >= 0, "must not be negative"),
    (SHARES, lambda x: 0 <= x <= 1, "must be in [0, 1]"),
)
CHOICES = {"proposal": PROPOSALS}


def check(section: str, values: Mapping, rules=RULES, choices: Mapping[str, Collection[str]] = CHOICES) -> None:
    """Raises ValueError for a number out of range and for a word that is none of its choices; what is missing is good.

    Args:
        section: of the configuration, for the message: "model".
        values: of that section.
        rules: (names, what holds of a good number, what to say of another).
        choices: name -> the words that are known.
    """
    for name, known in choices.items():
        if name in values and values[name] not in known:
            raise ValueError(f"config.{section}.{name} must be one of {', '.join(known)}, got {values[name]!r}")
    for names, holds, text in rules:
        for name in names:
            value = values.get(name)
            if isinstance(value, int | float) and not holds(value):
                raise ValueError(f"config.{section}.{name} {text}, got {value}")
