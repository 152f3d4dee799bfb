"""A trained run as a SavedModel that speaks raw ids: what `experiments.export` writes."""
