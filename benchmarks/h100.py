"""The compiler of XLA for an H100, on a machine without one, by parts of jax 0.10 that are not public."""

import functools
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

# What the compiler asks about the device; all but the first and the last lines are limits and rates of the hardware.
H100 = """
gpu_device_info {
  name: "NVIDIA H100"
  cuda_compute_capability { major: 9 }
  threads_per_warp: 32
  threads_per_block_limit: 1024
  threads_per_core_limit: 2048
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  registers_per_block_limit: 65536
  registers_per_core_limit: 65536
  shared_memory_per_block: 49152
  shared_memory_per_block_optin: 232448
  shared_memory_per_core: 233472
  core_count: 132
  fpus_per_core: 128
  clock_rate_ghz: 1.98
  l2_cache_size: 52428800
  memory_bandwidth: 3352320000000
  device_memory_size: 84942979072
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 10 }
"""


@functools.cache
def _device() -> Any:
    os.environ["JAX_SKIP_CUDA_CONSTRAINTS_CHECK"] = "1"  # there is no driver
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_autotune_level=0"  # which would run kernels
    topologies = import_module("jax.experimental.topologies")
    return topologies.get_topology_desc("", "cuda", target_config=H100, topology="1x1x1").devices[0]


def compiled_for_it(stages: Callable[..., Any]) -> str:
    """Return the program, of which `stages` gives the stage "hlo_serialized", as it is compiled for an H100."""
    device, library = _device(), import_module("jax._src.lib")
    client = library.xla_client
    options = client.CompileOptions()
    options.num_replicas = options.num_partitions = 1
    options.device_assignment = client.DeviceAssignment.create(import_module("numpy").array([[device.id]]))
    with import_module("jax._src.interpreters.mlir").make_ir_context():
        text = library._jax.mlir.hlo_to_stablehlo(stages(stage="hlo_serialized"))
        module = import_module("jaxlib.mlir.ir").Module.parse(text)
        program = device.client.compile(module, client.DeviceList((device,)), options)
    return "\n".join(part.to_string() for part in program.hlo_modules())
