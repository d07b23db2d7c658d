"""The oracle as an implementation to verify: laws hold for it, too."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import reference
from reference import gradients
from tests.implementations.protocol import Case, Gradients, Quantized


class Oracle:
    """`reference`, float64 throughout."""

    name = "oracle"
    dtypes = ("float64", "float32", "float16", "bfloat16")
    effort = 1.0
    configurations = None

    def quantize(self, case: Case) -> Quantized:
        """Quantize one batch."""
        return Quantized(*reference.vector_quantization(case.x, case.emb_space, **case.arguments))

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Put the closed forms together."""
        emb_space = case.emb_space.astype(np.float64)
        emb_index = self.quantize(case).emb_index.reshape(-1)
        by_loss = {
            "alpha_loss": gradients.alpha_gradient(case.vectors, emb_space, emb_index, case.lookup_ord, case.alpha),
            "beta_loss": gradients.beta_gradient(case.vectors, emb_space, case.lookup_ord, case.beta),
            "coulomb_loss": gradients.coulomb_gradient(emb_space, case.lookup_ord, case.gamma),
        }
        present = [name for name, weight in case.weights.items() if weight != 0]
        return Gradients(
            output_to_x=gradients.output_gradient_to_x(upstream),
            output_to_emb_space=np.zeros_like(emb_space),
            losses_to_x={name: np.zeros(case.x.shape) for name in present},
            losses_to_emb_space={name: by_loss[name] for name in present},
        )
