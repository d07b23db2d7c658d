"""Trainings of real models on real, small data; `make test-slow` runs them."""
