"""The lookup and its training, compiled by XLA, in memory that does not grow with the number of pairs (VQ-15)."""
