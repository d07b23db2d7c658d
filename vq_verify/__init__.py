"""A suite that verifies any vector quantization, in any framework, against reference/SPEC.md.

Examples
--------
>>> from vq_verify.adapters.oracle import Oracle
>>> rows = check_quantizer(Oracle, profile="lookup", select="far_from_the_origin", verbose=False)
>>> [(row.clause, row.verdict) for row in rows if row.checks]
[('VQ-15', 'pass')]
"""

import importlib.util

if missing := [name for name in ("hypothesis", "ml_dtypes", "pytest") if importlib.util.find_spec(name) is None]:
    raise ModuleNotFoundError(
        f"vq_verify needs its extra: pip install 'vq-layer[verify]'. Missing: {', '.join(missing)}"
    )

from vq_verify.checking import VerificationError, check_quantizer
from vq_verify.offers import ALL, NotOffered

__all__ = ["ALL", "NotOffered", "VerificationError", "check_quantizer"]
