"""The parts that a quantizer is put together from: each a small frozen object that checks itself (VQ-17)."""

from reference.parts import choices, comparisons, estimators, losses, replacement, starts, updates
from reference.parts.choices import *  # noqa: F403
from reference.parts.comparisons import *  # noqa: F403
from reference.parts.estimators import *  # noqa: F403
from reference.parts.losses import *  # noqa: F403
from reference.parts.replacement import *  # noqa: F403
from reference.parts.starts import *  # noqa: F403
from reference.parts.updates import *  # noqa: F403

__all__ = [  # noqa: PLE0604 - names of the parts' modules
    *choices.__all__,
    *comparisons.__all__,
    *estimators.__all__,
    *losses.__all__,
    *replacement.__all__,
    *starts.__all__,
    *updates.__all__,
]
