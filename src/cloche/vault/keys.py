"""Keys that wrap keys: the state key, by which the data key of each profile and artifact is kept. Pure.

A wrapped key is text: `1.<key id>.<base64 of nonce, ciphertext and tag>`, AES-256-GCM under a key derived from the
state key, bound to its owner by `context`. The id tells which state key opens it, and nothing else about that.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloche.errors import InternalError, InvalidError
from cloche.vault.secret_box import derive_key

STATE_KEY_BYTES: Final = 32
ID_CHARS: Final = 16
_VERSION: Final = "1"
_NONCE_BYTES: Final = 12


class UnknownKeyError(InternalError):
    """It was wrapped under a state key that is not among those given."""


class WrongKeyError(InternalError):
    """It does not open: changed, or moved to another owner."""


@dataclass(frozen=True, slots=True)
class StateKey:
    """One state key: what wraps, and the name it goes by. Its bytes are in no `repr`."""

    id: str
    _cipher: AESGCM

    @classmethod
    def parse(cls, text: str) -> "StateKey":
        """Read base64 (RFC 4648, section 4) of exactly 32 bytes. Raises: InvalidError; it does not repeat the text."""
        try:
            secret = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise InvalidError("the state key must be base64", field="CLOCHE_STATE_KEY") from None
        if len(secret) != STATE_KEY_BYTES:
            raise InvalidError(
                f"the state key must be base64 of exactly {STATE_KEY_BYTES} bytes; this is of {len(secret)}",
                field="CLOCHE_STATE_KEY",
            )
        return cls.from_bytes(secret)

    @classmethod
    def from_bytes(cls, secret: bytes) -> "StateKey":
        """Of a key that was made elsewhere: 32 bytes, random."""
        id_ = derive_key(secret, "state-key-id").hex()[:ID_CHARS]
        return cls(id_, AESGCM(derive_key(secret, "state-key-wrap")))

    def __repr__(self) -> str:
        return f"StateKey({self.id})"


class Keyring:
    """The state key that wraps, and earlier ones that still open."""

    def __init__(self, current: StateKey, earlier: tuple[StateKey, ...] = ()) -> None:
        self.current: Final = current
        self._by_id: Final = {key.id: key for key in (*earlier, current)}

    @property
    def key_id(self) -> str:
        return self.current.id

    @property
    def earlier_ids(self) -> tuple[str, ...]:
        return tuple(id_ for id_ in self._by_id if id_ != self.key_id)

    def beside(self, others: "Keyring") -> "Keyring":
        """Wraps as this one does, and opens what either opens."""
        return Keyring(self.current, (*others._by_id.values(), *self._by_id.values()))

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._by_id

    def wrap(self, data_key: bytes, context: bytes) -> str:
        """Wrap a data key under the current state key for what `context` names."""
        # So few keys are wrapped under one key that random nonces never meet (NIST SP 800-38D, section 8.3).
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self.current._cipher.encrypt(nonce, data_key, _bound(self.key_id, context))
        return f"{_VERSION}.{self.key_id}.{base64.b64encode(nonce + sealed).decode()}"

    def unwrap(self, wrapped: str, context: bytes) -> bytes:
        """Raises: UnknownKeyError, WrongKeyError."""
        version, _, rest = wrapped.partition(".")
        key_id, _, text = rest.partition(".")
        if version != _VERSION:
            raise WrongKeyError("a stored key is of a kind that is not understood")
        key = self._by_id.get(key_id)
        if key is None:
            raise UnknownKeyError("a stored key was wrapped under a state key that is not given", key_id=key_id[:64])
        try:
            data = base64.b64decode(text, validate=True)
            return key._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound(key_id, context))
        except (InvalidTag, ValueError):  # ValueError: not base64, or too short to hold a nonce
            raise WrongKeyError("a stored key could not be opened") from None


def key_id_of(wrapped: str) -> str:
    """The id of the state key that a wrapped key opens under."""
    return wrapped.split(".", 2)[1] if wrapped.count(".") == 2 else ""


def _bound(key_id: str, context: bytes) -> bytes:
    return b"cloche/wrapped/1\0" + key_id.encode() + b"\0" + context
