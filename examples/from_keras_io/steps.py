"""Which law each step keeps that the one before it breaks."""

from typing import Any, NamedTuple

from vq_verify import VerificationError, check_quantizer
from vq_verify.adapters.keras_layers import KerasLayers

from .adapter import Adapter
from .layers import Contained, Copied, Exact, Gathered, Near, Wide

LOOKUP, NOT_FINITE = "property/test_lookup.py::", "property/test_non_finite.py::"


class Ours(KerasLayers):
    """The layer of this package."""

    name = "VectorQuantization"


class Step(NamedTuple):
    """A layer that keeps one law more than the layer before it.

    Attributes
    ----------
    adapter : object
        The layer as an implementation to verify.
    law : str
        The name of the check.
    sentence : str
        What it holds a layer to, of the specification.
    """

    adapter: Any
    law: str
    sentence: str

    @property
    def function(self) -> str:
        """The test function of the law."""
        return self.law.split("::")[1].split("[")[0]


FIRST = Adapter(Copied)
STEPS = (
    Step(Adapter(Near), f"{LOOKUP}test_rows_far_from_the_origin_map_to_themselves[2]", "VQ-15.3"),
    Step(
        Adapter(Wide),
        "property/test_magnitudes.py::test_a_row_is_finite_if_its_coordinates_are_whatever_their_sum[float16-2]",
        "VQ-14.2",
    ),
    Step(
        Adapter(Gathered),
        f"{NOT_FINITE}test_an_embedding_that_is_not_finite_gets_no_gradient_and_changes_none",
        "VQ-13.23",
    ),
    Step(
        Adapter(Exact),
        f"{LOOKUP}test_a_zero_comes_out_with_the_sign_that_it_has_in_the_embedding[float32]",
        "VQ-2.5",
    ),
    Step(
        Adapter(Contained),
        f"{NOT_FINITE}test_it_is_not_counted_moves_no_embedding_and_passes_its_own_gradient_on",
        "VQ-13.4",
    ),
    Step(
        Ours(),
        f"{NOT_FINITE}test_an_embedding_too_far_for_its_distance_is_chosen_before_one_that_is_not_finite[2]",
        "VQ-13.16",
    ),
)
LAWS = tuple(step.law for step in STEPS)


def broken(adapter: Any) -> list[str]:
    """Return which of the laws of all steps an implementation breaks, by 15 examples of each that is drawn."""
    select = " or ".join(step.function for step in STEPS)
    try:
        check_quantizer(adapter, profile="training", examples="quick", select=select, verbose=False)
    except VerificationError as error:
        lines = str(error).splitlines()
        return [law for law in LAWS if any(line.startswith(f"{law}: ") for line in lines)]
    return []
