"""One fixed case of a file: what is asked, and all that is claimed of the answer."""

from dataclasses import dataclass
from typing import NamedTuple

from vq_verify.specification import clause_of, level_of
from vq_verify.vectors.encoding import Json


class Of(NamedTuple):
    """What a case is about: its name, a sentence, and the sentences of the specification."""

    name: str
    about: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """One fixed case.

    Attributes
    ----------
    name : str
        Its name in its file, of lower-case words with hyphens.
    about : str
        What it is about, in a sentence.
    sentences : tuple of str
        The sentences that it is about, as "VQ-2.1"; its clause is that of the first.
    kind : str
        What is asked, as a method of `vq_verify.protocol.Implementation`, or "invalid".
    arguments : dict
        Of what, as JSON.
    expected : dict
        Of each name of the answer what is claimed, as JSON.
    """

    name: str
    about: str
    sentences: tuple[str, ...]
    kind: str
    arguments: Json
    expected: Json

    @property
    def clause(self) -> str:
        """The clause in whose file it is."""
        return clause_of(self.sentences[0])

    def as_json(self) -> Json:
        """Return it as it is in its file."""
        return {
            "name": self.name,
            "about": self.about,
            "sentences": list(self.sentences),
            "level": level_of(self.sentences),
            "kind": self.kind,
            "arguments": self.arguments,
            "expected": self.expected,
        }
