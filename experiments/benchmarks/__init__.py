"""Measurements of speed: experiments/bench.py runs them. Each module has one part and gives rows of ratios."""
