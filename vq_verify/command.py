"""The command ``vq-verify``: runs the laws on implementations, wherever they are installed."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vq_verify.specification import profiles, version

_HERE = Path(__file__).parent
_KNOWN = "ignore::pytest.PytestAssertRewriteWarning"  # this package is imported before pytest can rewrite it
_EXAMPLES = ("few", "quick", "dev", "ci", "extended")


def laws() -> Path:
    """Return the folder of the laws: within the package as installed, else beside it, as in the repository."""
    return _HERE / "laws" if (_HERE / "laws").exists() else _HERE.parent / "tests"


def options_of(profile: str, examples: str) -> list[str]:
    """Return what pytest takes to run the laws, whose modules have their names from the folder that is the root."""
    if examples not in _EXAMPLES:
        raise ValueError(f"examples must be one of {', '.join(_EXAMPLES)}. Received: {examples!r}")
    options = {
        "--rootdir": _HERE.parent,
        "-c": _HERE / "laws.ini",
        "-p": "vq_verify.plugin",
        "-W": _KNOWN,
        "--profile": profile,
    }
    options["--hypothesis-profile"] = examples
    folders = [str(laws() / name) for name in ("property", "parity")]
    return [*folders, "-q", "--tb=short", *(str(it) for option in options.items() for it in option)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; return the exit status of pytest, 0 if nothing failed that was not expected to."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    own = arguments.index("--") if "--" in arguments else len(arguments)
    given = _parser().parse_args(arguments[:own])
    import pytest  # noqa: PLC0415 - what only asks for help need not wait

    sys.path.insert(0, str(Path.cwd()))  # where the adapter may be
    options = options_of(given.profile, given.examples)
    options += [f"--implementation={path}" for path in given.implementation]
    options += ["-k", given.select] if given.select else []
    options += ["--report", given.report] if given.report else []
    options += ["--expect", given.expect] if given.expect else []
    options += [
        f"--{name.replace('_', '-')}" for name in ("update_expectations", "strict_should") if getattr(given, name)
    ]
    return int(pytest.main([*options, *arguments[own + 1 :]]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vq-verify",
        description=f"Verify vector quantizations against the specification, version {version()}.",
        epilog="What follows -- is given to pytest, as -x or, where pytest-xdist is installed, -n 2.",
    )
    parser.add_argument("implementation", nargs="+", metavar="package.module:Adapter", help="what makes an adapter")
    parser.add_argument("--profile", default="all", choices=list(profiles()), help="which clauses it answers for")
    parser.add_argument("--examples", default="ci", choices=_EXAMPLES, help="how many each check draws (ci: 300)")
    parser.add_argument("--select", metavar="EXPRESSION", help="checks by parts of their names, as pytest's -k")
    parser.add_argument("--expect", metavar="FILE", help="JSON: checks that are expected to fail, and why")
    parser.add_argument("--update-expectations", action="store_true", help="write what fails into that file")
    parser.add_argument(
        "--strict-should", action="store_true", help="let a should of the specification count like a must"
    )
    parser.add_argument("--report", metavar="FOLDER", help="write report.json, .md, .html and badge.svg there")
    return parser
