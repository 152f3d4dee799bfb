"""What every run's configuration has. A paper's config file starts from here and changes what its protocol changes."""

import ml_collections
from ml_collections.config_dict import placeholder

import models


def base_config(paper: str, dataset: str, model: str, variant: str = "paper") -> ml_collections.ConfigDict:
    """The configuration of one run: model defaults with the variant applied, and neutral training settings.

    Raises ValueError for an unknown model or variant.
    """
    cls = models.model_class(model)
    hyper = cls.default_config()
    variants = cls.variants()
    if variant not in variants:
        raise ValueError(f"unknown variant {variant!r} of {model}; known: {', '.join(variants)}")
    hyper.update(variants[variant])
    hyper.variant = variant
    return ml_collections.ConfigDict(
        dict(
            paper=paper,
            dataset=dataset,
            # What data.catalog.load takes beside the name; a value that is not set is the data set's own.
            dataset_args=dict(
                fraction=placeholder(float),
                seed=placeholder(int),
                min_user=placeholder(int),
                min_item=placeholder(int),
                dedup=placeholder(str),
                filter_order=placeholder(str),
                ties=placeholder(str),
                n_categories=placeholder(int),
            ),
            model_name=model,
            model=hyper,
            train=dict(
                seed=1,
                batch_size=128,
                max_epochs=200,
                eval_every=5,  # epochs between validations
                patience=5,  # validations without improvement
                budget_minutes=25.0,  # training and validation together; 0: no limit
                optimizer="adam",
                learning_rate=1e-3,
                beta_2=0.98,
                clip_norm=0.0,
                windows="last",
                exclude="train",
                groups=6,  # length groups of the packed batch; 1: padded
            ),
            eval=dict(
                select="uniform100/NDCG@10",
                protocols=("full", "uniform100", "popularity100"),
                candidate_seed=0,
                batch_size=256,
            ),
        )
    )


def plain_name(dataset: str) -> str:
    """The data set's name without the order to keep each event once, `-ui` or `-uia` (data/catalog.py)."""
    return dataset.removesuffix("-uia").removesuffix("-ui")


def parse(argument: str, default_model: str) -> tuple[str, str, str]:
    """`dataset[,model[,variant]]`, what follows the colon in --config=file.py:..., -> (dataset, model, variant)."""
    parts = [part.strip() for part in argument.split(",")]
    if not parts[0] or len(parts) > 3:
        raise ValueError(f"{argument!r}: expected dataset[,model[,variant]], e.g. jd_appliances,sasrec")
    return parts[0], parts[1] if len(parts) > 1 else default_model, parts[2] if len(parts) > 2 else "paper"
