"""The demonstration on real data: `python -m examples.demo`."""
