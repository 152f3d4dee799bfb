"""One file per raw data set: `load(path) -> Interactions` parses the official files and filters nothing."""
