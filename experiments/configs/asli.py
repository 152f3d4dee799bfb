"""ASLI's protocol (section 4; LEDGER A18-A24): `--config=experiments/configs/asli.py:dataset[,model[,variant]]`.

Paper: batch 128 (32 for NextItRec), Adam 1e-3 (beta_2 0.98 in the code), dropout 0.3 for ASLI, d 200, n 300/100/50
for Tmall/Tmall-Small/Etsy, l 10 (20 for Etsy; unprinted for Tmall-Small). The stand-ins have their own sizes, told in
`SIZES`.

Not printed: validation every 5 epochs and the end after 5 without a better one (the code's), selected by NDCG@10 over
100 uniform negatives. Not as printed: BPR-MF's batch is 1,024 triples (a triple is one target, a sequence as many as it
is long), and its L2 is the best of five by validation on JD Appliances, kept on the others, and of three on MovieLens:
a badly regularised BPR is this field's known sin. Nothing else is tuned: each model keeps its authors' values. Training
ends after 200 epochs at most (1,000 on JD, whose epochs are short, 400 on MovieLens-1M, 333 and more on generated data,
see `STAND_IN`; NextItRec, with a quarter of the batch, a quarter of these); the code's limit is 100. NextItRec draws
its softmax's classes on Tmall, and so on its stand-in: all 569,658 at each step do not fit a machine.
"""

from experiments.configs.common import base_config, parse, plain_name

# dataset: (d, n, l)
SIZES = {
    "tmall": (200, 300, 10),
    "tmall_small": (200, 100, 10),
    "etsy": (200, 50, 20),
    "jd_appliances": (64, 100, 10),
    "jd_computers": (64, 50, 10),
    "ml-1m": (64, 200, 10),
}
FALLBACK = (64, 50, 10)


def get_config(argument: str = "jd_appliances"):
    dataset, model, variant = parse(argument, "asli")
    config = base_config("asli", dataset, model, variant)
    name = plain_name(dataset)
    dim, length, kernel = SIZES.get(name.removeprefix("synthetic-"), FALLBACK)
    hyper, train = config.model, config.train
    for key, value in (("dim", dim), ("max_length", length), ("kernel_size", kernel)):
        # NextItNet's own kernel is 3; only ASLI's l is a matter of the data set.
        if key in hyper and (key != "kernel_size" or model == "asli"):
            hyper[key] = value
    if dataset.startswith("jd_"):
        # 8 steps an epoch where Tmall has 78: as many steps in all as the code's 100 epochs there.
        train.max_epochs, train.eval_every, train.patience = 1000, 20, 8
    if name == "ml-1m":
        train.max_epochs, train.eval_every, train.patience, train.budget_minutes = 400, 5, 6, 60.0
    if model == "sasrec":
        hyper.dropout = 0.2 if name == "ml-1m" else 0.5  # its authors' for MovieLens, and for all their other data
    if model == "nextitnet":  # a quarter of the batch: as many steps as the others in a quarter of the epochs
        train.batch_size, train.max_epochs, train.eval_every = 32, train.max_epochs // 4, max(train.eval_every // 4, 1)
        if name == "tmall":
            hyper.loss = "sampled"
    if model == "bpr_mf":
        train.batch_size = 1024
        if name == "ml-1m":  # by validation, of 0.001, 0.003 and 0.01
            hyper.l2_user = hyper.l2_item = 0.001
    return config


# What replaces a file that was never published or is not at hand is cut to what two cores can train: d, n, and the
# share of the preset's users and items. Records and reports carry these values. Epochs are lengthened by as much as
# the share shortens them, to as many steps as the code's 100 epochs and its patience of 25 are on all the users: in the
# first 25 short epochs a model learns little but popularity, and ASLI's validation falls before it rises.
STAND_IN = {"tmall": (64, 100, 0.1), "tmall_small": (64, 100, 0.3), "etsy": (64, 50, 0.3)}


def stand_in(config) -> None:
    """Cuts the configuration of a generated data set to size."""
    preset = plain_name(config.dataset).removeprefix("synthetic-")
    if preset in STAND_IN:
        dim, length, fraction = STAND_IN[preset]
        config.dataset_args.fraction = fraction
        train = config.train
        train.max_epochs = round(train.max_epochs / 2 / fraction)  # the code's limit is half of ours
        train.eval_every = round(train.eval_every / fraction)
        for name, value in (("dim", dim), ("max_length", length)):
            if name in config.model:
                config.model[name] = value


def quick(config) -> None:
    """The quick profile: small widths, short histories, few epochs, a slice of generated data."""
    for name, value in (("dim", 32), ("max_length", 50)):
        if name in config.model:
            config.model[name] = min(config.model[name], value)
    config.train.update(max_epochs=20, eval_every=5, patience=3, budget_minutes=3.0, groups=1)
    if config.dataset_args.fraction:
        config.dataset_args.fraction = 0.1
