"""`VectorQuantizerEMA` of Sonnet, and `VectorQuantizer` in half types, as implementations to verify.

The averages begin at nothing, with the bias of that taken out again (Adam's way), so that a code that nothing chose in
the first pass becomes 0: they are not those of VQ-24, and so not offered.
"""

from typing import ClassVar

import sonnet as snt

from .sonnet_layers import VectorQuantizer


class VectorQuantizerEMA(VectorQuantizer):
    """A quantizer whose loss is that of commitment."""

    name = "Sonnet, moving averages"
    offers: ClassVar = {**VectorQuantizer.offers, "losses": ("commitment_loss",)}

    def empty(self, case, dtype):
        """Return a layer."""
        weight = case.weights.get("commitment_loss", 0.0)
        return snt.nets.VectorQuantizerEMA(case.emb_space.shape[1], len(case.emb_space), weight, 0.99, dtype=dtype)

    def weighted(self, loss, case):
        """Return the loss by name, which has its weight."""
        return dict.fromkeys(case.losses, loss)


class InHalf(VectorQuantizer):
    """The first with `dtype=` one of the half types."""

    name = "Sonnet in half types"
    offers: ClassVar = {**VectorQuantizer.offers, "dtypes": ("float16", "bfloat16")}
