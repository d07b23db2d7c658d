"""Questions of trainings: a list of steps, and the state that each leaves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.parts.updates import Gradient, MovingAverage
from vq_verify.adapters.oracle import Oracle, result_of
from vq_verify.cases import Case, ResidualCase
from vq_verify.comparison import comparison_dtype, rounding
from vq_verify.comparison.averages import average_count, averages, is_dyadic, moving_share
from vq_verify.vectors import arguments
from vq_verify.vectors.claims import exactly, within
from vq_verify.vectors.encoding import Json, array_as_json
from vq_verify.vectors.questions import Of, Question

Array = NDArray[Any]

# Of what a rule keeps for itself, nothing is said but the names (VQ-26).
UNSAID = ("candidate_inputs", "candidate_keys", "draws")


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a training, by the name of a method of `vq_verify.protocol.Training`.

    Attributes
    ----------
    do : str
    x, mask : array or None
        What it is given.
    parts, masks : list of array or None
        What a `replicas_pass` is given.
    is_refused : bool
        Whether it must fail, and change nothing.
    """

    do: str
    x: Array | None = None
    mask: Array | None = None
    parts: tuple[Array, ...] = ()
    masks: tuple[Array | None, ...] = ()
    is_refused: bool = False

    def as_json(self) -> Json:
        """Return it as JSON."""
        given: Json = {"do": self.do}
        given |= {name: array_as_json(it) for name in ("x", "mask") if (it := getattr(self, name)) is not None}
        if self.parts:
            given["parts"] = [array_as_json(part) for part in self.parts]
            given["masks"] = [None if mask is None else array_as_json(mask) for mask in self.masks]
        return {**given, "refused": True} if self.is_refused else given


def trains(x: Array, mask: Array | None = None) -> Step:
    """Return a pass of training."""
    return Step("training_pass", x, mask)


def infers(x: Array) -> Step:
    """Return a pass of inference."""
    return Step("inference_pass", x)


def starts(x: Array, is_refused: bool = False) -> Step:
    """Return an initialization from a batch."""
    return Step("initialize_from_batch", x, is_refused=is_refused)


REPLACES = Step("replace_embeds")


def training(of: Of, case: Case, number: int, steps: Sequence[Step]) -> Question:
    """Ask for the state after each step, from an embedding space on or a start.

    Nothing may hang on a choice that rounding decides: distances that are compared are exact, or far apart.
    """
    trained, claims, drift = Oracle().training(case, number), [], _Drift(case)
    for step in steps:
        before, claim = trained.state, Json()
        if step.is_refused:
            _check_refused(trained, step)
        elif step.parts:
            results = trained.replicas_pass(list(step.parts), list(step.masks))
            claim["replicas"] = [_of_replica(case, step, it) for it in results]
        else:
            getattr(trained, step.do)(*(it for it in (step.x, step.mask) if it is not None))
        drift.follow(step, before, trained.state)
        claim["state"] = dict(_claims(case, trained.state, drift.errors))
        claims.append(claim)
    given = {**arguments.of_training(case, number), "steps": [step.as_json() for step in steps]}
    return Question(*of, "training", given, {"steps": claims})


def _check_refused(trained: Any, step: Step) -> None:
    try:
        getattr(trained, step.do)(step.x)
    except ValueError:
        return
    raise ValueError(f"the oracle must refuse what is to be refused. Received: {step}")


def _of_replica(case: Case, step: Step, result: Any) -> Json:
    """Claim output and losses of a replica: sums of terms of one sign, each rounded by a norm, and some divisions."""
    operations = 2 * (sum(part.size for part in step.parts) + case.emb_space.size + 10)
    relative, dtype = rounding(case.x.dtype).gamma(operations), comparison_dtype(case.x.dtype)
    losses = {name: within(it, relative * abs(it), dtype) for name, it in result.losses.items()}
    return {"layer_out": exactly(result.layer_out, bits=True), "losses": losses}


def _claims(case: Case, state: Any, errors: dict[str, Any]) -> Iterator[tuple[str, Json]]:
    """Claim each array of a state in the comparison dtype."""
    for name, value in state.items():
        if name not in UNSAID:
            yield name, within(value, errors.get(name, 0.0), comparison_dtype(case.x.dtype))


class _Drift:
    """By how much the state of a training may be off so far.

    A moving share, and an embedding that moves towards a mean, keep no more of an earlier error than it was: the errors
    of the passes add up. That of an average count is relative, and adds to the rate at which embeddings move: after t
    passes `averages` counts it t times. Where decay and numbers are dyadic, the first of all passes may be exact.
    """

    def __init__(self, case: Case) -> None:
        self._case, self._passes, self.errors = case, 0, dict[str, Any]()

    def follow(self, step: Step, before: Any, after: Any) -> None:
        """Take in what a step rounds, given the states before and after; what it writes is exact."""
        if step.do == "training_pass" and step.x is not None:
            self._passes += 1
            begins = self._case.start is not None and not np.all(before["initialized"])
            emb_space = self._started(step) if begins else before["emb_space"]
            self._follow_pass(step.x, step.mask, emb_space, before)
        elif "emb_space" in self.errors:
            written = (after["emb_space"] != before["emb_space"]).any(axis=-1, keepdims=True)
            self.errors["emb_space"] = np.where(written, 0, self.errors["emb_space"])

    def _started(self, step: Step) -> Array:
        """Return the embedding space that a pass starts from: what it leaves where nothing else moves it."""
        alone = Oracle().training(replace(self._case, update=Gradient(), replacement=None, every=None), 0)
        alone.training_pass(*(it for it in (step.x, step.mask) if it is not None))
        return np.asarray(alone.state["emb_space"])

    def _follow_pass(self, x: Array, mask: Array | None, emb_space: Array, before: Any) -> None:
        arithmetic, n = rounding(self._case.x.dtype), emb_space.shape[0]
        if "average_count" not in before and "moving_share" not in before:
            return
        plain = replace(
            self._case, x=x, mask=mask, emb_space=emb_space, update=Gradient(), replacement=None, start=None
        )
        index = result_of(plain).emb_index.reshape(-1)
        count = np.bincount(index[index >= 0], minlength=n).astype(np.float64)
        rule = self._case.update
        if isinstance(rule, MovingAverage):
            counts, error = average_count(before["average_count"], count, rule.decay, arithmetic)
            self._add("average_count", 0 if is_dyadic(rule.decay) else error)
            vectors = [plain.vectors[index == j] for j in range(n)]
            sums = np.array([rows.sum(axis=0) for rows in vectors])
            magnitudes = np.array([np.abs(rows).sum(axis=0) for rows in vectors])
            moves = np.array([(rows != e).any() for rows, e in zip(vectors, emb_space, strict=True)])  # VQ-24.2
            if moves.any():
                error = averages(emb_space, counts, count, (sums, magnitudes), rule, arithmetic).error
                self._add("emb_space", np.where(moves[:, np.newaxis], self._passes * error, 0))
        if "moving_share" in before:
            decay = self._case.replacement.decay  # type: ignore[union-attr]
            self._add("moving_share", moving_share(before["moving_share"], count, decay, arithmetic).error)

    def _add(self, name: str, error: Any) -> None:
        self.errors[name] = self.errors.get(name, 0.0) + error


def residual_training(of: Of, case: ResidualCase, number: int, steps: Sequence[Step]) -> Question:
    """Ask for the state of each codebook after each pass of training, of exact inputs."""
    trained, claims = Oracle().residual_training(case, number), []
    for step in steps:
        trained.training_pass(step.x, step.mask)  # type: ignore[arg-type]
        claims.append({"states": [dict(_claims(case.case, state, {})) for state in trained.states]})
    given = {**arguments.of_residual_training(case, number), "steps": [step.as_json() for step in steps]}
    return Question(*of, "residual_training", given, {"steps": claims})
