"""Fixed cases in files: inputs, and what must come out, for implementations that no test of Python reaches.

``python -m vq_verify.vectors`` writes them; `vectors/README.md` says how to read them.
"""
