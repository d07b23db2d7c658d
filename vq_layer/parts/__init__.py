"""What a quantizer is put together from."""

from vq_layer.parts import choices, comparisons, estimators, losses, replacement, starts, updates
from vq_layer.parts.choices import *  # noqa: F403
from vq_layer.parts.comparisons import *  # noqa: F403
from vq_layer.parts.estimators import *  # noqa: F403
from vq_layer.parts.losses import *  # noqa: F403
from vq_layer.parts.replacement import *  # noqa: F403
from vq_layer.parts.starts import *  # noqa: F403
from vq_layer.parts.updates import *  # noqa: F403

__all__ = [  # noqa: PLE0604 - names of the parts' modules
    *choices.__all__,
    *comparisons.__all__,
    *estimators.__all__,
    *losses.__all__,
    *replacement.__all__,
    *starts.__all__,
    *updates.__all__,
]
