"""The plugin by which the suite runs on implementations, and what holds for all tests."""

import gc
import os
from importlib.util import find_spec

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported anywhere

pytest_plugins = ["vq_verify.plugin"]
# `make beam` runs it, in an environment of its own.
collect_ignore = [] if find_spec("apache_beam") else ["package/test_bulk_encoding.py"]

gc.set_threshold(100_000, 20, 20)  # what was imported, and stays, takes a tenth of the time to search again and again
