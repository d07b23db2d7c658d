"""Ask the quantizer in JAX: ``python run_jax.py``. Copy this, and put your own quantizer in its place."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax_quantizer import quantize
from reporting import report

KNOWN = {"x", "emb_space", "lookup_ord", "num_splits", "weights", "upstream"}


def known(arguments):
    """Tell whether the quantizer has all arguments of a case."""
    return set(arguments) <= KNOWN


def array_of(array):
    """Return an array of JAX."""
    numbers = np.array([float(it) for it in array["data"]]).reshape(array["shape"])
    return jnp.asarray(numbers.astype(jnp.dtype(array["dtype"])))


def flat(value):
    """Return arrays, by name or not, as flat lists of numbers."""
    if isinstance(value, dict):
        return {name: flat(it) for name, it in value.items()}
    return np.asarray(value).astype(np.float64).reshape(-1).tolist()


def answer(case):
    """Answer a question of the kind "quantize" or "gradients"."""
    given = case["arguments"]
    x, emb_space, upstream = (array_of(given.get(name, given["x"])) for name in ("x", "emb_space", "upstream"))
    weights = {name: float(weight) for name, weight in given["weights"].items()}

    @jax.jit
    def quantized(x, emb_space):
        return quantize(x, emb_space, float(given["lookup_ord"]), weights)

    if case["kind"] == "quantize":
        result = flat(quantized(x, emb_space))  # a dictionary comes out of `jit` in another order
        return {**result, "losses": {name: result["losses"][name] for name in weights if weights[name]}}

    def targets(x, emb_space):
        result = quantized(x, emb_space)
        return {"output": (result["layer_out"] * upstream).sum(), **result["losses"]}

    found = {name: list(map(flat, pair)) for name, pair in jax.jit(jax.jacrev(targets, (0, 1)))(x, emb_space).items()}
    to_x, to_emb_space = ({name: pair[i] for name, pair in found.items()} for i in (0, 1))
    names = ("output_to_x", "output_to_emb_space", "losses_to_x", "losses_to_emb_space")
    return dict(zip(names, (to_x.pop("output"), to_emb_space.pop("output"), to_x, to_emb_space), strict=True))


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    asked, failed = report(answer, ["quantize", "gradients"], known)
    sys.exit(failed > 0 or asked == 0)
