"""Learn a codebook for the patches of a real photograph; print how good it is and draw it.

Run by `make demo`, or ``python -m examples.demo``; writes ``out/demo.png``.
"""

import os
import sys
from pathlib import Path

from rich.console import Console

from examples.errors import DemoError
from examples.figures import draw
from examples.output import check_writable, native_messages_hidden, save
from examples.photograph import NAME, load_photograph, to_patches
from examples.report import table

PICTURE = Path("out/demo.png")
NUM_EMBEDS = 256
SEED = 0


def main() -> int:
    """Run the demonstration; return the exit code."""
    try:
        quantize_photograph(PICTURE)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def quantize_photograph(picture: Path) -> None:
    """Learn a codebook with the layer and one with k-means; print the table, draw the picture."""
    check_writable(picture)
    image = load_photograph()
    patches = to_patches(image)
    print(f"{NAME}: {len(patches):,} patches of {patches.shape[1]} numbers, {NUM_EMBEDS} codes", flush=True)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with native_messages_hidden():
        # TensorFlow takes seconds to load: the errors above come first.
        from examples.learning import learn_with_kmeans, learn_with_layer  # noqa: PLC0415
    learned = [learn(patches, NUM_EMBEDS, SEED) for learn in (learn_with_layer, learn_with_kmeans)]
    Console().print(table(patches, learned))
    save(draw(image, patches, learned), picture)
    print(f"wrote {picture}")


if __name__ == "__main__":
    sys.exit(main())
