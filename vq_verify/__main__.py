"""``python -m vq_verify``, the same as ``vq-verify``."""

import sys

from vq_verify.command import main

if __name__ == "__main__":
    sys.exit(main())
