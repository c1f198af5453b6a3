r"""Text as LaTeX sets it: plain ASCII that no engine reads as a command, mathematics, a ligature or an argument.

A character that the standard fonts cannot set is given by its code point, ``[U+1F600]``; nothing is dropped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from search.report.text import one_line

REPLACED = "{[}U+"
"""What a replacement begins with."""

_GREEK = {
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta"},
    **{"ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma"},
    **{"τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta"},
    **{"Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"},
}
_MATHS = {
    **{"×": r"\times", "±": r"\pm", "−": "-", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "÷": r"\div"},
    **{"·": r"\cdot", "∞": r"\infty", "→": r"\to", "←": r"\leftarrow", "¬": r"\neg", "°": r"^{\circ}", "√": r"\surd"},
    **{"¹": "^{1}", "²": "^{2}", "³": "^{3}", "µ": r"\mu", "∈": r"\in"},
    **{letter: f"\\{name}" for letter, name in _GREEK.items()},
}
_SIGNS = {
    **{sign: f"\\{sign}" for sign in "{}%&$#_"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "`": r"\textasciigrave{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\char34{}"},
    **{"[": "{[}", "]": "{]}", "*": "{*}"},  # behind the end of a row they would be its argument
    **{
        "†": r"\dag{}",
        "‡": r"\ddag{}",
        "§": r"\S{}",
        "¶": r"\P{}",
        "‖": r"\textbardbl{}",
        "…": r"\dots{}",
        "–": r"\textendash{}",
        "—": r"\textemdash{}",
    },
    **{"‘": r"\textquoteleft{}", "’": r"\textquoteright{}", "“": r"\textquotedblleft{}", "”": r"\textquotedblright{}"},
    **{"ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}"},
    **{
        "å": r"\aa{}",
        "Å": r"\AA{}",
        "ł": r"\l{}",
        "Ł": r"\L{}",
        "ı": r"\i{}",
        "¡": r"\textexclamdown{}",
        "¿": r"\textquestiondown{}",
    },
    **{"£": r"\pounds{}", "©": r"\copyright{}"},
    **{sign: f"${command}$" for sign, command in _MATHS.items()},
}
_DOUBLED = "-',"
"""Signs of which two in a row would be set as a dash or a quotation mark."""

_ACCENTS = {
    **{"\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0304": r"\=", "\u0306": r"\u"},
    **{"\u0307": r"\.", "\u0308": r"\"", "\u030a": r"\r", "\u030b": r"\H", "\u030c": r"\v", "\u0327": r"\c"},
}
"""Accents that every text encoding can set on a letter of ASCII."""


def latex_text(text: str) -> str:
    """Return `text` on one line so that LaTeX sets it as it is."""
    parts: list[str] = []
    strange: list[str] = []
    for cluster in _clusters(unicodedata.normalize("NFC", one_line(text))):
        found = _setting(cluster)
        if found is None:
            strange += [f"U+{ord(c):04X}" for c in cluster]
            continue
        parts += _bracketed(strange)
        parts.append("{}" + found if cluster in _DOUBLED and parts and parts[-1].endswith(cluster) else found)
        strange = []
    return "".join([*parts, *_bracketed(strange)])


def _clusters(text: str) -> Iterator[str]:
    """Yield the characters of `text`, each with the combining ones behind it."""
    cluster = ""
    for c in text:
        if cluster and not unicodedata.combining(c):
            yield cluster
            cluster = ""
        cluster += c
    if cluster:
        yield cluster


def _setting(cluster: str) -> str | None:
    """Return what sets one character, None where the standard fonts do not have it."""
    if cluster in _SIGNS:
        return _SIGNS[cluster]
    if len(cluster) == 1 and " " <= cluster <= "~":
        return cluster
    if unicodedata.category(cluster[0]) == "Zs" and len(cluster) == 1:
        return " " if cluster != "\u00a0" else "~"
    parts = unicodedata.normalize("NFD", cluster)
    if len(parts) == 2 and parts[1] in _ACCENTS and parts[0].isascii() and parts[0].isalpha():
        return f"{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return None


def _bracketed(points: list[str]) -> list[str]:
    return [f"{{[}}{' '.join(points)}{{]}}"] if points else []
