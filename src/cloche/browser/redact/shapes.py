"""Secrets known by their looks. Pure.

A pattern that could start inside its own run is kept from it by a look behind: otherwise a hostile text of repeated
beginnings would be read once for each of them.
"""

import re
from itertools import pairwise
from typing import Final

from cloche.browser.redact.names import REDACTED

_JWT: Final = r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{4,}+(?:\.[\w-]*+){0,3}"
_KEYS: Final = r"""(?<![A-Za-z0-9_])(?:
    ck_[A-Za-z0-9_-]{16,}+                       # ours
  | A(?:KIA|SIA|GPA|ROA|IDA)[0-9A-Z]{16,}+       # AWS
  | gh[pousr]_[A-Za-z0-9]{20,}+                  # GitHub
  | github_pat_[A-Za-z0-9_]{20,}+
  | glpat-[\w-]{20,}+                            # GitLab
  | xox[abeoprs]-[A-Za-z0-9-]{10,}+              # Slack
  | [sr]k_(?:live|test)_[A-Za-z0-9]{16,}+        # Stripe
  | sk-[A-Za-z0-9_-]{20,}+                       # OpenAI, Anthropic
  | AIza[\w-]{35,}+                               # Google
  | ya29\.[\w-]{20,}+
  | npm_[A-Za-z0-9]{30,}+
)"""
_PRIVATE_KEY: Final = (
    r"-----BEGIN\ [A-Z ]{0,32}PRIVATE\ KEY-----[A-Za-z0-9+/=\s\\]*+(?:-----END\ [A-Z ]{0,32}PRIVATE\ KEY-----)?"
)
_SECRET: Final = re.compile(f"{_JWT}|{_KEYS}|{_PRIVATE_KEY}", re.VERBOSE | re.ASCII)

_DIGITS: Final = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?!\w)(?![ -]?\d)", re.ASCII)
# Issuer's first digits and how many digits there are. Without them every tenth time stamp would pass for a card.
_CARD: Final = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35\d{14}|3[068]\d{12}",
    re.ASCII,
)

_TOKEN: Final = re.compile(r"[A-Za-z0-9_=+.~-]{20,}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_TURNS_PER_CHARACTER: Final = 0.2


def without_secrets(text: str) -> str:
    """Replace keys, JSON Web Tokens and card numbers in a text."""
    return _DIGITS.sub(lambda match: REDACTED if _is_card(match[0]) else match[0], _SECRET.sub(REDACTED, text))


def has_secret(text: str) -> bool:
    """Whether there is a key or a JSON Web Token in it."""
    return _SECRET.search(text) is not None


def is_random(text: str) -> bool:
    """Guess whether all of it was drawn by a machine to be unguessable: 40 hex digits, a token in base64.

    Words keep to letters of one case for a while; random characters turn from letters to digits or change case at
    every second step. A UUID is taken for a plain id.
    """
    if not _TOKEN.fullmatch(text) or not any(character.isdigit() for character in text) or _UUID.fullmatch(text):
        return False
    kinds = [_kind(character) for character in text if character.isalnum()]
    turns = sum(before != after and (before, after) != ("upper", "lower") for before, after in pairwise(kinds))
    return turns >= len(text) * _TURNS_PER_CHARACTER


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    return "upper" if character.isupper() else "lower"


def _is_card(text: str) -> bool:
    digits = text.replace(" ", "").replace("-", "")
    return _CARD.fullmatch(digits) is not None and _luhn(digits) % 10 == 0


def _luhn(digits: str) -> int:
    """Luhn's sum (ISO/IEC 7812-1, annex B): every second digit from the right counts twice, its digits added up."""
    twice = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return sum(int(digit) for digit in digits[-1::-2]) + sum(twice)
