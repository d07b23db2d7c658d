"""Ask the quantizer in PyTorch: ``python run_torch.py``. Copy this, and put your own quantizer in its place."""

import sys

import torch
from reporting import report
from torch_quantizer import quantize

KNOWN = {"x", "emb_space", "lookup_ord", "num_splits", "weights", "upstream"}


def known(arguments):
    """Tell whether the quantizer has all arguments of a case."""
    return set(arguments) <= KNOWN


def tensor(array):
    """Return an array as a tensor."""
    numbers = torch.tensor([float(it) for it in array["data"]], dtype=torch.float64)
    return numbers.to(getattr(torch, array["dtype"])).reshape(array["shape"])


def flat(value):
    """Return tensors, by name or not, as flat lists of numbers."""
    if isinstance(value, dict):
        return {name: flat(it) for name, it in value.items()}
    return value.detach().to(torch.float64).flatten().tolist()


def answer(case):
    """Answer a question of the kind "quantize" or "gradients"."""
    given = case["arguments"]
    x, emb_space = (tensor(given[name]).requires_grad_() for name in ("x", "emb_space"))
    weights = {name: float(weight) for name, weight in given["weights"].items()}
    result = quantize(x, emb_space, float(given["lookup_ord"]), weights)
    if case["kind"] == "quantize":
        return flat(result)

    def differentiated(target, upstream=None):
        found = torch.autograd.grad(target, (x, emb_space), upstream, retain_graph=True, materialize_grads=True)
        return [flat(gradient) for gradient in found]

    of_output = differentiated(result["layer_out"], tensor(given["upstream"]))
    of_losses = {name: differentiated(loss) for name, loss in result["losses"].items()}
    return {
        **dict(zip(("output_to_x", "output_to_emb_space"), of_output, strict=True)),
        "losses_to_x": {name: pair[0] for name, pair in of_losses.items()},
        "losses_to_emb_space": {name: pair[1] for name, pair in of_losses.items()},
    }


if __name__ == "__main__":
    asked, failed = report(answer, ["quantize", "gradients"], known)
    sys.exit(failed > 0 or asked == 0)
