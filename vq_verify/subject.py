"""An implementation under verification: what it leaves out is not offered, and what is asked of it is kept."""

from collections.abc import Collection, Container, Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from vq_verify.cases import Case, CosineCase, ResidualCase, ScalarCase
from vq_verify.offers import DTYPES, NotAsked, NotOffered, check_offered, offered, offers_of
from vq_verify.profiles import asked, asks, narrowed, unseen
from vq_verify.results import (
    CosineGradients,
    CosineQuantized,
    Gradients,
    Quantized,
    Replica,
    ResidualGradients,
    ResidualQuantized,
    ScalarGradients,
    ScalarQuantized,
    State,
    named,
    state_by_name,
)
from vq_verify.specification import specified


class Call(NamedTuple):
    """A method that was called; `receiver` is "implementation", or the name of a training."""

    receiver: str
    method: str
    arguments: tuple[Any, ...]


def provided(by: Any, name: str) -> Any:
    """Return an attribute; it is not offered where there is none."""
    try:
        return getattr(by, name)
    except AttributeError:
        if name in dir(by):  # it is there, and failed
            raise
        raise NotOffered(f"`{name}`") from None


class Subject:
    """An `Implementation` around one that may leave out attributes and methods.

    Parameters
    ----------
    implementation : object
        What is verified.
    path : str, optional
        What `vq_verify.loading.load` finds it by.
    profile : collection of str, optional
        The clauses that it answers for; all, if left out.
    """

    def __init__(self, implementation: Any, path: str | None = None, profile: Collection[str] | None = None) -> None:
        self._implementation = implementation
        self._profile = specified() if profile is None else profile
        kind = implementation if isinstance(implementation, type) else type(implementation)
        self.path = path or f"{kind.__module__}:{kind.__qualname__}"
        self.name: str = getattr(implementation, "name", self.path)
        if not (isinstance(self.name, str) and self.name):
            raise TypeError(f"the name of an implementation must be a string, and not empty. Received: {self.name!r}")
        self.offers = offers_of(implementation) if profile is None else narrowed(offers_of(implementation), profile)
        self._asked = asked(self.offers, self._profile)
        self.dtypes: tuple[str, ...] = offered(self, "dtypes", DTYPES)
        self.effort: float = getattr(implementation, "effort", 1.0)
        self.configurations: int | None = getattr(implementation, "configurations", None)
        self.validates: bool = getattr(implementation, "validates", True) and "VQ-16" in self._profile
        self.calls: list[Call] = []

    @classmethod
    def of(cls, implementation: Any) -> "Subject":
        """Return it, if it is one, or put one around it."""
        return implementation if isinstance(implementation, Subject) else cls(implementation)

    def __repr__(self) -> str:
        return self.path

    def begin_example(self) -> None:
        """Forget what was asked in the example before."""
        self.calls.clear()

    def quantize(self, case: Case) -> Quantized:
        """Ask for it."""
        return self._named(Quantized, "quantize", case)

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Ask for them."""
        return self._named(Gradients, "gradients", case, upstream)

    def decode(self, case: Case, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Ask for it."""
        return self._ask("decode", case, emb_index)

    def quantize_cosine(self, case: CosineCase) -> CosineQuantized:
        """Ask for it."""
        return self._named(CosineQuantized, "quantize_cosine", case)

    def cosine_gradients(self, case: CosineCase, upstream: NDArray[Any]) -> CosineGradients:
        """Ask for them."""
        return self._named(CosineGradients, "cosine_gradients", case, upstream)

    def quantize_scalar(self, case: ScalarCase) -> ScalarQuantized:
        """Ask for it."""
        return self._named(ScalarQuantized, "quantize_scalar", case)

    def scalar_gradients(self, case: ScalarCase, upstream: NDArray[Any]) -> ScalarGradients:
        """Ask for them."""
        return self._named(ScalarGradients, "scalar_gradients", case, upstream)

    def decode_scalar(self, case: ScalarCase, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Ask for it."""
        return self._ask("decode_scalar", case, emb_index)

    def training(self, case: Case, num_embeds_replaced: int) -> "TrainingSubject":
        """Ask for one."""
        number = sum(call.method in ("training", "residual_training") for call in self.calls)
        training = self._ask("training", case, num_embeds_replaced)
        return TrainingSubject(training, f"training_{number + 1}", self.calls, self.offers)

    def quantize_residual(self, case: ResidualCase) -> ResidualQuantized:
        """Ask for it."""
        return self._named(ResidualQuantized, "quantize_residual", case)

    def residual_gradients(self, case: ResidualCase, upstream: NDArray[Any]) -> ResidualGradients:
        """Ask for them."""
        return self._named(ResidualGradients, "residual_gradients", case, upstream)

    def encode_residual(self, case: ResidualCase, num_stages: int) -> NDArray[Any]:
        """Ask for the indices."""
        return self._ask("encode_residual", case, num_stages)

    def decode_residual(self, case: ResidualCase, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Ask for the vectors."""
        return self._ask("decode_residual", case, emb_index)

    def residual_training(self, case: ResidualCase, num_embeds_replaced: int) -> "TrainingSubject":
        """Ask for one."""
        number = sum(call.method in ("training", "residual_training") for call in self.calls)
        training = self._ask("residual_training", case, num_embeds_replaced)
        return TrainingSubject(training, f"training_{number + 1}", self.calls, self.offers)

    def _named(self, kind: type[Any], method: str, case: Any, *arguments: Any) -> Any:
        return named(kind, self._ask(method, case, *arguments), unseen(kind._fields, self._profile))

    def _ask(self, method: str, case: Case | CosineCase | ScalarCase | ResidualCase, *arguments: Any) -> Any:
        self.calls.append(Call("implementation", method, (case, *arguments)))
        if not asks(method, self._profile):
            raise NotAsked(f"`{method}`")
        needs = case.needs
        check_offered(needs, self._asked, NotAsked)
        check_offered(needs, self.offers)  # a check of one example may be of anything
        return provided(self._implementation, method)(case, *arguments)


class TrainingSubject:
    """A `Training` around one that may leave out methods."""

    def __init__(self, training: Any, name: str, calls: list[Call], offers: Mapping[str, Container[Any]]) -> None:
        self._training, self._name, self._calls, self._offers = training, name, calls, offers

    def training_pass(self, x: NDArray[Any], mask: NDArray[Any] | None = None) -> None:
        """Ask for it, with a mask if there is one."""
        if mask is None:
            self._ask("training_pass", x)
        elif "x" in self._offers["masks"]:
            self._ask("training_pass", x, mask)
        else:
            raise NotOffered("a mask of x")

    def inference_pass(self, x: NDArray[Any]) -> None:
        """Ask for it."""
        self._ask("inference_pass", x)

    def replicas_pass(self, parts: list[NDArray[Any]], masks: list[NDArray[Any] | None]) -> list[Replica]:
        """Ask for it, with masks if there are some."""
        if any(mask is not None for mask in masks) and "x" not in self._offers["masks"]:
            raise NotOffered("a mask of x")
        replicas = [named(Replica, it) for it in self._ask("replicas_pass", parts, masks)]
        return [it._replace(state=state_by_name(it.state)) for it in replicas]

    def replace_embeds(self) -> None:
        """Ask for it."""
        self._ask("replace_embeds")

    def initialize_from_batch(self, x: NDArray[Any]) -> None:
        """Ask for it."""
        self._ask("initialize_from_batch", x)

    def save_and_load(self) -> None:
        """Ask for it."""
        self._ask("save_and_load")

    @property
    def state(self) -> State:
        """The state now, by name."""
        self._calls.append(Call(self._name, "state", ()))
        return state_by_name(provided(self._training, "state"))

    @property
    def states(self) -> list[State]:
        """The state of each codebook now, by name."""
        self._calls.append(Call(self._name, "states", ()))
        return [state_by_name(state) for state in provided(self._training, "states")]

    def _ask(self, method: str, *arguments: Any) -> Any:
        self._calls.append(Call(self._name, method, arguments))
        return provided(self._training, method)(*arguments)
