"""A training that XLA compiles as a whole is compiled once, whatever its variables hold."""

import os
import subprocess
import sys

import pytest

from tests.faces.one_program import LAYERS

pytestmark = pytest.mark.process


def test_the_steps_of_a_training_share_one_program(tmp_path):
    # A value that XLA must know before it compiles, such as where a slice begins, would be part of the program.
    flags = f"--xla_dump_to={tmp_path} --xla_dump_hlo_as_text --xla_dump_hlo_module_re=.*one_step.*"
    run = subprocess.run(
        [sys.executable, "-m", "tests.faces.one_program", str(tmp_path)],
        env=os.environ | {"XLA_FLAGS": flags},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines() == [f"{name} 1" for name in LAYERS]
