"""Learn codebooks of a real photograph, invent digits, and let real ones vote; print how well it goes and draw it.

Run by `make demo`, or ``python -m examples.demo``; writes ``out/demo.png``, ``out/replacement.png``,
``out/vq_vae.png`` and ``out/digits.png``.
"""

import os
import sys
from pathlib import Path

from examples.demo.digits import load_halves, load_split
from examples.demo.errors import DemoError
from examples.demo.output import check_writable, native_messages_hidden
from examples.demo.photograph import NAME, load_photograph, to_patches

OUT = Path("out")
PICTURES = "demo.png", "replacement.png", "vq_vae.png", "digits.png"
NUM_EMBEDS = 256
SEED = 0


def main() -> int:
    """Run the demonstration; return the exit code."""
    try:
        demonstrate(OUT)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def demonstrate(folder: Path) -> None:
    """Check all that can fail, then run the four parts; each prints a table and draws a picture into the folder."""
    codebook, replacement, invented, votes = pictures = [folder / name for name in PICTURES]
    for picture in pictures:
        check_writable(picture)
    image, split, halves = load_photograph(), load_split(SEED), load_halves(SEED)
    patches = to_patches(image)
    print(f"{NAME}: {len(patches):,} patches of {patches.shape[1]} numbers, {NUM_EMBEDS} codes", flush=True)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with native_messages_hidden():
        # TensorFlow takes seconds to load: the errors above come first.
        from examples.demo import chapters  # noqa: PLC0415
        from vq_layer.kernels.compilation import compiled, way_on  # noqa: PLC0415

        # These start XLA, in a graph and outside, which TensorFlow 2.19 announces.
        way_on("CPU")
        compiled(lambda x: x + 1)(0.0)
    chapters.quantize_photograph(image, patches, NUM_EMBEDS, SEED, codebook)
    chapters.replace_unused(patches, NUM_EMBEDS, SEED, replacement)
    chapters.invent_digits(split, SEED, invented)
    chapters.vote_on_digits(halves, SEED, votes)
