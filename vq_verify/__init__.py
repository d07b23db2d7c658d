"""A suite that verifies any vector quantization, in any framework, against reference/SPEC.md.

`check_quantizer` takes an adapter, as docs/use/adapters.md describes it, and raises what fails; the command
``vq-verify`` takes its path.
"""

import importlib.util

if missing := [name for name in ("hypothesis", "ml_dtypes", "pytest") if importlib.util.find_spec(name) is None]:
    raise ModuleNotFoundError(
        f"vq_verify needs its extra: pip install 'vq-layer[verify]'. Missing: {', '.join(missing)}"
    )

from vq_verify.checking import VerificationError, check_quantizer
from vq_verify.offers import ALL, NotOffered

__all__ = ["ALL", "NotOffered", "VerificationError", "check_quantizer"]
