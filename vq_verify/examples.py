"""How many examples each check is given: profiles of Hypothesis, by name."""

from typing import Any

import hypothesis

_COMMON: dict[str, Any] = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
_ONCE = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # what fails is not shrunk


def register_profiles() -> None:
    """Register them with Hypothesis, and load the one for work by hand."""
    register = hypothesis.settings.register_profile
    register("dev", max_examples=30, **_COMMON)
    register("few", max_examples=5, derandomize=True, phases=_ONCE, **_COMMON)
    register("quick", max_examples=15, derandomize=True, phases=_ONCE, **_COMMON)
    register("mutants", max_examples=100, derandomize=True, phases=_ONCE, **_COMMON)
    register("ci", max_examples=300, derandomize=True, **_COMMON)
    register("extended", max_examples=3000, **_COMMON)
    hypothesis.settings.load_profile("dev")
