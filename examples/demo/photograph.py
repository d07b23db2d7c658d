"""A real photograph, and its patches as vectors."""

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

from examples.demo.errors import loading

NAME = "china.jpg"
PATCH_SIZE = 4


def load_photograph() -> NDArray[np.float32]:
    """Return the photograph, cropped so that whole patches cover it.

    Returns
    -------
    numpy.ndarray, shape [height, width, 3], float32
        Values in 0..1; height and width are multiples of `PATCH_SIZE`.

    Raises
    ------
    DemoError
        If the photograph is missing or unreadable.
    """
    # What scikit-learn raises: no Pillow; no such file, or no image in it; no such name.
    with loading(NAME, ImportError, OSError, AttributeError):
        pixels = load_sample_image(NAME)
    return crop(pixels, PATCH_SIZE).astype(np.float32) / 255


def crop(image: NDArray, multiple: int) -> NDArray:
    """Cut the bottom and the right edge, so that height and width become multiples of a number.

    Examples
    --------
    >>> crop(np.zeros([427, 640, 3]), 4).shape
    (424, 640, 3)
    """
    height, width = (side - side % multiple for side in image.shape[:2])
    return image[:height, :width]


def to_patches(image: NDArray, size: int = PATCH_SIZE) -> NDArray:
    """Cut an image into square patches, each flattened to a vector.

    ``[height, width, channels] -> [height / size · width / size, size² · channels]``; patches in reading order, a
    vector row by row, channels last: ``[424, 640, 3] -> [16960, 48]``.

    Examples
    --------
    >>> to_patches(np.arange(8).reshape(2, 4, 1), size=2)
    array([[0, 1, 4, 5],
           [2, 3, 6, 7]])
    """
    height, width, channels = image.shape
    blocks = image.reshape(height // size, size, width // size, size, channels)
    return blocks.swapaxes(1, 2).reshape(-1, size * size * channels)


def to_image(patches: NDArray, shape: tuple[int, int, int], size: int = PATCH_SIZE) -> NDArray:
    """Undo `to_patches`, given the shape of the image.

    Examples
    --------
    >>> to_image(np.array([[0, 1, 4, 5], [2, 3, 6, 7]]), (2, 4, 1), size=2)[..., 0]
    array([[0, 1, 2, 3],
           [4, 5, 6, 7]])
    """
    height, width, channels = shape
    blocks = patches.reshape(height // size, width // size, size, size, channels)
    return blocks.swapaxes(1, 2).reshape(shape)
