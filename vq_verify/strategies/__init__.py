"""Every Hypothesis strategy of the suite, a module a concept."""

from vq_verify.strategies.vectors import (
    all_cases,
    cases,
    cases_of_other_orders,
    cases_with_upstream,
    exact_cases,
    statics,
)

__all__ = ["all_cases", "cases", "cases_of_other_orders", "cases_with_upstream", "exact_cases", "statics"]
