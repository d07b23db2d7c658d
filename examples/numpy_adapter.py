"""A vector quantization in plain NumPy, float32 throughout, as an implementation to verify."""

import numpy as np

from tests.implementations.protocol import CosineGradients, CosineQuantized, Gradients, NotOffered, Quantized


def norm(v, p):
    """Return the p-norm of vectors, ``[..., d] -> [...]``."""
    if p == 2:
        return np.sqrt((v * v).sum(-1))
    return np.abs(v).sum(-1) if p == 1 else np.abs(v).max(-1)


def direction(v, p):
    """Differentiate the p-norm: 0 at 0, in equal shares where coordinates tie for the maximum (VQ-7)."""
    if p == 1:
        return np.sign(v)
    length = norm(v, p)[..., np.newaxis]
    if p == 2:
        return v / np.where(length == 0, 1, length)
    largest = np.abs(v) == length
    return np.sign(v) * largest / largest.sum(-1, keepdims=True, dtype=np.float32)


def unit(v):
    """Scale vectors to length 1, by way of the largest magnitude, so that no square underflows (VQ-9)."""
    largest = norm(v, np.inf)[..., np.newaxis]
    scaled = v / np.where(largest == 0, 1, largest)
    return scaled / np.where(largest == 0, 1, norm(scaled, 2)[..., np.newaxis])


def require(name, is_right, received):
    """Refuse a wrong argument (VQ-16)."""
    if not is_right:
        raise ValueError(f"{name} is wrong. Received: {received}")


def vectors(case):
    """Cut x into vectors, ``[batch * m, d]``; refuse what is wrong, and what is not offered."""
    require("x", case.x.dtype == np.float32, case.x.dtype)
    require("num_splits", case.num_splits > 0 and case.x.shape[-1] % case.num_splits == 0, case.num_splits)
    require("dim_reduction", case.dim_reduction in (None, "pca-batch", "pca-emb-space"), case.dim_reduction)
    if case.dim_reduction is not None:
        raise NotOffered("PCA")
    if not (np.isfinite(case.x).all() and np.isfinite(case.emb_space).all()):
        raise NotOffered("input that is not finite")
    return case.x.reshape(-1, case.emb_space.shape[1])


class NumpyAdapter:
    """Offers lookups by a norm and by cosine similarity; leaves out training, and has no votes."""

    name = "numpy"
    dtypes = ("float32",)

    def quantize(self, case):
        """Look up by a norm (VQ-1 to VQ-6)."""
        require("lookup_ord", case.lookup_ord in (1, 2, np.inf), case.lookup_ord)
        for name in ("alpha", "beta", "gamma"):
            weight = getattr(case, name)
            require(name, isinstance(weight, float | int) and np.isfinite(weight), weight)
        x, n = vectors(case), len(case.emb_space)
        distance = norm(x[:, np.newaxis] - case.emb_space, case.lookup_ord)
        emb_index = distance.argmin(-1)
        spacing, closest = self._spacings(case)
        losses = {
            "alpha_loss": case.alpha * distance.min(-1).sum() / max(len(x), 1),
            "beta_loss": case.beta * distance.sum() / max(len(x), 1),
            "coulomb_loss": -case.gamma * closest.sum(),
        }
        return Quantized(
            layer_out=case.emb_space[emb_index].reshape(case.x.shape),
            emb_index=emb_index.reshape(self._index_shape(case)),
            access_count=np.bincount(emb_index, minlength=n).astype(np.float32),
            distance=distance.reshape(*self._index_shape(case), n),
            emb_spacing=spacing[np.triu_indices(n, k=1)],
            emb_closest_spacing=closest,
            losses={name: loss for name, loss in losses.items() if case.weights[name] != 0},
        )

    def gradients(self, case, upstream):
        """Differentiate (VQ-3, VQ-5, VQ-7)."""
        x, emb_space, p = vectors(case), case.emb_space, case.lookup_ord
        pull = direction(emb_space - x[:, np.newaxis], p) / np.float32(max(len(x), 1))
        chosen = np.eye(len(emb_space), dtype=np.float32)[self.quantize(case).emb_index.reshape(-1)]
        spacing, closest = self._spacings(case)
        nearest = (spacing == closest[:, np.newaxis]) & ~np.eye(len(emb_space), dtype=bool)
        share = nearest / np.maximum(nearest.sum(-1, keepdims=True, dtype=np.float32), 1)
        push = direction(emb_space[:, np.newaxis] - emb_space, p) * share[..., np.newaxis]
        to_emb_space = {
            "alpha_loss": case.alpha * (pull * chosen[..., np.newaxis]).sum(0),
            "beta_loss": case.beta * pull.sum(0),
            "coulomb_loss": -case.gamma * (push.sum(1) - push.sum(0)),
        }
        present = {name: gradient for name, gradient in to_emb_space.items() if case.weights[name] != 0}
        nothing = {name: np.zeros_like(case.x) for name in present}
        return Gradients(upstream, np.zeros_like(emb_space), nothing, present)

    def quantize_cosine(self, case):
        """Look up by cosine similarity (VQ-9)."""
        if case.vote is not None:
            raise NotOffered("a vote")
        similarity = (unit(vectors(case))[:, np.newaxis] * unit(case.emb_space)).sum(-1)
        emb_index = similarity.argmax(-1)
        return CosineQuantized(
            layer_out=case.emb_space[emb_index].reshape(case.x.shape),
            emb_index=emb_index.reshape(self._index_shape(case)),
            similarity_values=similarity.max(-1),
            percentage_identity_mapped=np.float32(0),
            identity_mapping_mask=None,
            most_common_label=None,
        )

    def cosine_gradients(self, case, upstream):
        """Pass nothing on (VQ-9)."""
        self.quantize_cosine(case)
        return CosineGradients(np.zeros_like(upstream), np.zeros_like(case.emb_space))

    def _index_shape(self, case):
        """Return ``[batch, m]``."""
        return len(case.x), case.x.shape[1] * case.num_splits

    def _spacings(self, case):
        """Return all distances of embeddings, ``[n, n]``, and those to the nearest other one (VQ-6)."""
        spacing = norm(case.emb_space[:, np.newaxis] - case.emb_space, case.lookup_ord)
        others = np.where(np.eye(len(spacing), dtype=bool), np.float32(np.inf), spacing)
        return spacing, others.min(-1) if len(spacing) > 1 else np.zeros(1, np.float32)
