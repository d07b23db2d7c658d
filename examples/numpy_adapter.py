"""An adapter for an implementation of your own
============================================

After this example you can write the class by which the suite verifies what you have written.

What it adapts is a vector quantization in plain NumPy, float32 throughout. The suite has a command of its own, so
this page shows the adapter without running it::

    vq-verify examples.numpy_adapter:NumpyAdapter --profile lookup
"""

from typing import ClassVar

import numpy as np


def norm(v, p):
    """Return the p-norm of vectors, ``[..., d] -> [...]``."""
    if p == 2:
        return np.sqrt((v * v).sum(-1))
    return np.abs(v).sum(-1) if p == 1 else np.abs(v).max(-1)


def unit(v):
    """Scale vectors to length 1, by way of the largest magnitude, so that no square underflows (VQ-9)."""
    largest = norm(v, np.inf)[..., np.newaxis]
    scaled = v / np.where(largest == 0, 1, largest)
    return scaled / np.where(largest == 0, 1, norm(scaled, 2)[..., np.newaxis])


def vectors(case):
    """Cut x into vectors, ``[batch * m, d]``."""
    return case.x.reshape(-1, case.emb_space.shape[1])


class NumpyAdapter:
    """Offers lookups by a norm and by cosine similarity; leaves out gradients and training, and checks no arguments."""

    name = "numpy"
    offers: ClassVar = {"dtypes": ("float32",), "inputs": (), "dim_reductions": (), "votes": ()}
    validates = False

    def quantize(self, case):
        """Look up by a norm (VQ-1 to VQ-6)."""
        x, n, shape = vectors(case), len(case.emb_space), (len(case.x), case.x.shape[1] * case.num_splits)
        distance = norm(x[:, np.newaxis] - case.emb_space, case.lookup_ord)
        spacing = norm(case.emb_space[:, np.newaxis] - case.emb_space, case.lookup_ord)
        closest = np.where(np.eye(n, dtype=bool), np.float32(np.inf), spacing).min(-1) if n > 1 else spacing[0]
        losses = {
            "alpha_loss": distance.min(-1).sum() / np.float32(max(len(x), 1)),
            "beta_loss": distance.sum() / np.float32(max(len(x), 1)),
            "coulomb_loss": -closest.sum(),
        }
        return {
            "layer_out": case.emb_space[distance.argmin(-1)].reshape(case.x.shape),
            "emb_index": distance.argmin(-1).reshape(shape),
            "access_count": np.bincount(distance.argmin(-1), minlength=n).astype(np.float32),
            "distance": distance.reshape(*shape, n),
            "emb_spacing": spacing[np.triu_indices(n, k=1)],
            "emb_closest_spacing": closest,
            "losses": {name: np.float32(weight) * losses[name] for name, weight in case.weights.items() if weight != 0},
        }

    def quantize_cosine(self, case):
        """Look up by cosine similarity (VQ-9)."""
        similarity = (unit(vectors(case))[:, np.newaxis] * unit(case.emb_space)).sum(-1)
        emb_index, shape = similarity.argmax(-1), (len(case.x), case.x.shape[1] * case.num_splits)
        rows = case.emb_space[emb_index].reshape(case.x.shape)
        return {
            "layer_out": rows,
            "emb_index": emb_index.reshape(shape),
            "similarity_values": similarity.max(-1),
            "percentage_identity_mapped": np.float32(0),
            "identity_mapping_mask": None,
            "most_common_label": None,
        }
