"""A vector quantization in PyTorch, of float64, float32, float16 and bfloat16."""

import torch


class StraightThrough(torch.autograd.Function):
    """The rows bit for bit, with the gradient of the output for x (VQ-3)."""

    @staticmethod
    def forward(_ctx, _x, rows):
        """Return the rows."""
        return rows

    @staticmethod
    def backward(_ctx, gradient):
        """Pass the gradient on to x."""
        return gradient, None


def norm(v, p):
    """Return the p-norms of the last axis; the subgradients of PyTorch are those of VQ-7."""
    return v.abs().amax(-1) if p == float("inf") else torch.linalg.vector_norm(v, p, dim=-1)


def quantize(x, emb_space, p, weights):
    """Return all endpoints and losses (VQ-1 to VQ-6, VQ-13, VQ-18), in the dtype of emb_space."""
    (n, d), vectors = emb_space.shape, x.to(emb_space.dtype).reshape(-1, emb_space.shape[1])
    finite, usable = vectors.isfinite().all(-1), emb_space.isfinite().all(-1)
    known = finite[:, None] & usable
    clean_x, clean_e = vectors.masked_fill(~finite[:, None], 0), emb_space.masked_fill(~usable[:, None], 0)
    distance = norm(clean_e - clean_x.detach()[:, None], p)
    most = torch.finfo(distance.dtype).max
    reachable = distance.detach().clamp(max=most).masked_fill(~known, float("inf"))
    index = reachable.argmin(-1).masked_fill(~known.any(-1), -1)
    found, count = index >= 0, (index >= 0).sum().clamp(min=1)
    rows = emb_space.detach()[index].masked_fill(~found[:, None], float("nan"))
    among = norm(clean_e[:, None] - clean_e, p)
    apart = usable[:, None] & usable & ~torch.eye(n, dtype=torch.bool)
    closest = among.masked_fill(~apart, float("inf")).amin(-1)
    closest = closest.where(apart.any(-1), torch.zeros(()))
    chosen = clean_e[index[found]]
    values = {
        "alpha_loss": norm(chosen - vectors[found].detach(), p).sum() / count,
        "beta_loss": distance.where(known, torch.zeros(())).sum() / count,
        "coulomb_loss": -closest.sum(),
        "codebook_loss": ((chosen - vectors[found].detach()) ** 2).sum() / (count * d),
        "commitment_loss": ((vectors[found] - chosen.detach()) ** 2).sum() / (count * d),
    }
    above = torch.ones(n, n, dtype=torch.bool).triu(1)
    return {
        "layer_out": StraightThrough.apply(x, rows.to(x.dtype).reshape(x.shape)),
        "emb_index": index,
        "access_count": torch.bincount(index[found], minlength=n),
        "distance": distance.masked_fill(~known, float("nan")),
        "emb_spacing": among.masked_fill(~(usable[:, None] & usable), float("nan"))[above],
        "emb_closest_spacing": closest.masked_fill(~usable, float("nan")),
        "losses": {name: weight * values[name] for name, weight in weights.items() if weight != 0},
    }
