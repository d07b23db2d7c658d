"""The arguments of a case as JSON, by the names of the specification, and back.

The core is always there. Of the others those that differ from what is left out: who does not know one of them cannot
answer, and leaves the case out.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from reference.parts import replacement, updates
from vq_verify.cases import Case, CosineCase, ResidualCase, ScalarCase, Vote
from vq_verify.vectors.encoding import Json, array_as_json, array_of, number, parsed

_STATIC = ("dim_reduction", "num_dim_reduction_components", "estimator", "codebooks", "every")
_DEFAULTS = Case(x=np.zeros((1, 1, 1)), emb_space=np.zeros((1, 1)))

# What `Case` calls a start, and what the specification does.
_STARTS = {"batch": "first", "sample": "sample", "k-means": "k-means"}


def of_case(case: Case) -> Json:
    """Return the arguments of a quantization under a norm."""
    return {"x": array_as_json(case.x), "emb_space": array_as_json(case.emb_space), **_of_parts(case)}


def case_of(arguments: Mapping[str, Any], **more: Any) -> Case:
    """Undo `of_case`, where `more` has what is not among the arguments."""
    known = {name: arguments[name] for name in (*_STATIC, "num_splits") if name in arguments}
    for name in {"x", "emb_space", "mask"} & arguments.keys():
        known[name] = array_of(arguments[name])
    if "lookup_ord" in arguments:
        known["lookup_ord"] = parsed(arguments["lookup_ord"])
    if "weights" in arguments:
        known["weights"] = {name: parsed(weight) for name, weight in arguments["weights"].items()}
    if "start" in arguments:
        known["start"] = {it: name for name, it in _STARTS.items()}[arguments["start"]]
    for name, module in (("update", updates), ("replacement", replacement)):
        if name in arguments:
            fields = dict(arguments[name])
            known[name] = getattr(module, fields.pop("name"))(**fields)
    return Case(**{**known, **more})


def _of_parts(case: Case) -> Json:
    found: Json = {"lookup_ord": number(case.lookup_ord), "num_splits": case.num_splits}
    found["weights"] = {name: number(weight) for name, weight in case.weights.items()}
    found |= {name: getattr(case, name) for name in _STATIC if getattr(case, name) != getattr(_DEFAULTS, name)}
    if case.mask is not None:
        found["mask"] = array_as_json(case.mask)
    if case.start is not None:
        found["start"] = _STARTS[case.start]
    for name in ("update", "replacement"):
        part = getattr(case, name)
        if part != getattr(_DEFAULTS, name):
            found[name] = {"name": type(part).__name__, **vars(part)}
    return found


def of_cosine_case(case: CosineCase) -> Json:
    """Return the arguments of a quantization by cosine similarity."""
    found = {"x": array_as_json(case.x), "emb_space": array_as_json(case.emb_space), "num_splits": case.num_splits}
    if case.dim_reduction is not None:
        components = case.num_dim_reduction_components
        found |= {"dim_reduction": case.dim_reduction, "num_dim_reduction_components": components}
    if case.vote is not None:
        threshold = number(case.vote.majority_threshold)
        labels = array_as_json(case.vote.emb_labels)
        found["vote"] = {**vars(case.vote), "emb_labels": labels, "majority_threshold": threshold}
    return found


def cosine_case_of(arguments: Mapping[str, Any]) -> CosineCase:
    """Undo `of_cosine_case`."""
    known = dict(arguments)
    known |= {name: array_of(known[name]) for name in ("x", "emb_space")}
    if "vote" in known:
        vote = dict(known["vote"])
        labels, threshold = array_of(vote.pop("emb_labels")), parsed(vote.pop("majority_threshold"))
        known["vote"] = Vote(labels, majority_threshold=threshold, **vote)
    return CosineCase(**known)


def of_scalar_case(case: ScalarCase) -> Json:
    """Return the arguments of a finite scalar quantization."""
    mask = {} if case.mask is None else {"mask": array_as_json(case.mask)}
    return {"x": array_as_json(case.x), "levels": list(case.levels), "num_splits": case.num_splits, **mask}


def scalar_case_of(arguments: Mapping[str, Any]) -> ScalarCase:
    """Undo `of_scalar_case`."""
    known = {**arguments, "levels": tuple(arguments["levels"])}
    return ScalarCase(**{**known, **{name: array_of(known[name]) for name in {"x", "mask"} & known.keys()}})


def of_residual_case(case: ResidualCase) -> Json:
    """Return the arguments of a residual quantization: those of all stages, the codebooks, and which each stage has."""
    common = of_case(case.case)
    del common["emb_space"]
    dropout = {"quantizer_dropout": True} if case.quantizer_dropout else {}
    return {**common, "emb_spaces": array_as_json(case.emb_spaces), "order": list(case.order), **dropout}


def residual_case_of(arguments: Mapping[str, Any], **more: Any) -> ResidualCase:
    """Undo `of_residual_case`."""
    emb_spaces = array_of(arguments["emb_spaces"])
    dropout = "quantizer_dropout" in arguments
    case = case_of(arguments, emb_space=emb_spaces[0], **more)
    return ResidualCase(case=case, emb_spaces=emb_spaces, order=tuple(arguments["order"]), quantizer_dropout=dropout)


def of_training(case: Case, num_embeds_replaced: int) -> Json:
    """Return the arguments with which a training begins; its steps have the inputs."""
    begin = {"dtype": case.x.dtype.name, "emb_space": array_as_json(case.emb_space)}
    return {**begin, **_replaced(case, num_embeds_replaced), **_of_parts(case)}


def of_residual_training(case: ResidualCase, num_embeds_replaced: int) -> Json:
    """Return the arguments with which a training in stages begins."""
    found = of_residual_case(case)
    del found["x"]
    return {"dtype": case.case.x.dtype.name, **_replaced(case.case, num_embeds_replaced), **found}


def _replaced(case: Case, number: int) -> Json:
    return {} if case.replacement else {"num_embeds_replaced": number}
