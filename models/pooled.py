"""The hyper-parameters of the sampled softmax with one pool a batch, and the batches that they ask for."""

DEFAULTS = {"negatives": 5, "proposal": "log_uniform", "min_history": 1}  # `negatives` a row are pooled


def feed_options(config) -> dict:
    """Options of data/feeds/prefix.py; what the configuration does not name has its default."""
    negatives, proposal, min_history = (config.get(name, value) for name, value in DEFAULTS.items())
    return {"pooled": negatives, "proposal": proposal, "min_history": min_history}
