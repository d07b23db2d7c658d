"""Demonstrations on real data; `python -m examples.demo` runs them all."""
