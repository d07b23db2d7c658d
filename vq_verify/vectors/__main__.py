"""Write the files, into `vectors` or the folder that is named."""

import sys
from pathlib import Path

from vq_verify.vectors.files import write

if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "vectors"))
