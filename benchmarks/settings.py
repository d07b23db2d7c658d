"""What is measured, against whom, and what is aimed at."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

NORMS = {"L1": 1, "L2": 2, "Linf": math.inf}
ALPHA, BETA = 5e-3, 4e-6
NUM_CLASSES, K, MAJORITY_THRESHOLD = 200, 10, 0.5
OURS, CACHED = "ours", "ours, cached"  # the second has what XLA compiled in a process before
OF_ARITHMETIC = "lookup", "training", "vote", "call", "eager_call"  # tasks
LIBRARIES = "FAISS", "SciPy", "scikit-learn"


@dataclass(frozen=True)
class Setting:
    """A task at one size, its rivals and its targets.

    Attributes
    ----------
    name : str
    task : str
        The name of the function that every implementation offers for it.
    batch : tuple of int
        The shape of x, ``[batch, ..., q]``.
    n, d : int
        The number of embeddings and their size.
    lookup_ord : {1, 2, math.inf}
    rivals : mapping of str to float
        The least ratio of the rival's time to that of the base that is aimed at; 0 where none is.
    memory_limit : float
        The most that the peak of memory may be over the import, in MB; 0 where nothing is aimed at.
    gamma : float
        The weight of the Coulomb-loss; 0 leaves it out.
    jit_compile : bool or "auto"
        What a training step tells `tf.function` or, in a model, Keras.
    base : str
        The implementation that the rivals are compared with.
    at_most : mapping of str to float
        The largest ratio of a rival's time to that of the base that is aimed at.
    """

    name: str
    task: str
    batch: tuple[int, ...]
    n: int
    d: int
    lookup_ord: float = 2
    rivals: Mapping[str, float] = field(default_factory=dict)
    memory_limit: float = 0
    gamma: float = 0
    jit_compile: bool | str = False
    base: str = OURS
    at_most: Mapping[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of vectors."""
        return math.prod(self.batch) // self.d

    @property
    def num_splits(self) -> int:
        """The number of vectors on the last axis."""
        return self.batch[-1] // self.d

    @property
    def has_upstream(self) -> bool:
        """Whether a gradient reaches the output."""
        return self.task.endswith(("training", "update"))

    @property
    def ceiling(self) -> str:
        """What bounds the rate of operations: a "product" of matrices, a "loop" over the coordinates, or "" for none.

        There is none for what does more than such arithmetic.
        """
        if self.task not in OF_ARITHMETIC:
            return ""
        by_product = self.task == "vote" or (self.task == "lookup" and self.lookup_ord == 2 and self.d >= 64)
        return "product" if by_product else "loop"

    @property
    def operations(self) -> int:
        """The number of arithmetic operations that the task takes at least.

        For each coordinate of each pair of vector and embedding: two in a product (multiply, add), three in a distance
        (subtract, magnitude or square, add or maximum), two more in the gradient of a distance to the embedding. With
        the Coulomb-loss also a distance for each pair of embeddings; its gradient takes n pairs alone.
        """
        each = 2 if self.ceiling == "product" else 5 if self.task == "training" else 3
        among_embeddings = 3 * math.comb(self.n, 2) * self.d if self.gamma else 0
        return each * self.rows * self.n * self.d + among_embeddings


def settings() -> list[Setting]:
    """Return all settings, in the order of the report."""
    return [
        *(published_lookup(norm) for norm in NORMS),
        *(published_training(norm) for norm in NORMS),
        *(vqvae_lookup(norm) for norm in NORMS),
        *(vqvae_training(norm) for norm in NORMS),
        coulomb_training(),
        vote(),
        *(small_call(task) for task in ("call", "eager_call")),
    ]


def published_lookup(norm: str) -> Setting:
    """Return the lookup of the ResNet of 2018: 16 splits of 64 channels, so 65,536 vectors of 4."""
    rivals = {"broadcast": 25, "broadcast, XLA": 0, **dict.fromkeys(LIBRARIES, 0)}
    rivals["FAISS"] = 1 / 3 if norm == "L2" else 8
    return Setting(f"published-lookup-{norm}", "lookup", (16, 256, 64), 1024, 4, NORMS[norm], rivals, 150)


def published_training(norm: str) -> Setting:
    """Return the training step of the ResNet of 2018."""
    rivals = {"broadcast": 12}
    return Setting(f"published-training-{norm}", "training", (16, 256, 64), 1024, 4, NORMS[norm], rivals, 200)


def vqvae_lookup(norm: str) -> Setting:
    """Return the lookup of a VQ-VAE: a batch of 8 maps of 32 × 32 vectors of 64."""
    rivals = {"broadcast": 0, "broadcast, XLA": 0, **dict.fromkeys(LIBRARIES, 0)}
    if norm == "L1":
        rivals["FAISS"] = 1 / 2
    elif norm == "L2":
        rivals |= {"FAISS": 1, "product + argmin": 1 / 1.5}
    else:
        rivals = dict.fromkeys(rivals, 1)
    return Setting(f"vqvae-lookup-{norm}", "lookup", (8, 32, 32, 64), 1024, 64, NORMS[norm], rivals)


def vqvae_training(norm: str) -> Setting:
    """Return the training step of a VQ-VAE."""
    rivals = {"broadcast": 5}
    return Setting(f"vqvae-training-{norm}", "training", (8, 32, 32, 64), 1024, 64, NORMS[norm], rivals, 300)


def coulomb_training() -> Setting:
    """Return a training step with the Coulomb-loss, few vectors and many embeddings: their spacing takes the time."""
    return Setting("coulomb-training", "training", (64, 8), 8192, 8, 2, {"broadcast": 5}, 200, gamma=1e-6)


def vote(num_inputs: int = 256) -> Setting:
    """Return the purification of inputs by the vote of the most similar of 74,246 embeddings."""
    rivals = {"product + top_k": 1.2, "FAISS": 1.5, "scikit-learn": 0}
    return Setting("knn-vote", "vote", (num_inputs, 64), 74_246, 64, rivals=rivals)


def small_call(task: str) -> Setting:
    """Return a call that is too small to gain by anything."""
    rivals = {"broadcast": 1 / 1.2 if task == "eager_call" else 1 / 2}
    return Setting(f"small-{task.replace('_', '-')}", task, (8, 16, 64), 64, 64, rivals=rivals)


def reduced(setting: Setting) -> Setting:
    """Return the same at a size that takes no time, to see that all works."""
    return replace(setting, batch=(2, *(min(length, 4) for length in setting.batch[1:-1]), setting.batch[-1]), n=48)


def without(setting: Setting, left_out: list[str]) -> Setting:
    """Return the same without some rivals."""
    return replace(setting, rivals={name: least for name, least in setting.rivals.items() if name not in left_out})
