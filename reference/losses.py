"""The values of the losses (VQ-5, VQ-18), which live beside the parts that weigh them."""

from reference.parts.losses import alpha_loss, beta_loss, codebook_loss, commitment_loss, coulomb_loss

__all__ = ["alpha_loss", "beta_loss", "codebook_loss", "commitment_loss", "coulomb_loss"]
