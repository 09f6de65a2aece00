"""Short secrets sealed for the database: AES-256-GCM (NIST SP 800-38D), bound to what they belong to."""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloche.errors import InternalError

_NONCE_BYTES = 12


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Derive 32 bytes for one purpose from the server's secret (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"cloche/{purpose}".encode()).derive(secret)


class SecretBox:
    """Seals and opens texts under one key. `context` names the owner; a text moved to another owner does not open."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, text: str, *, context: str) -> str:
        nonce = os.urandom(_NONCE_BYTES)  # random nonces are safe far beyond the number of sessions a server sees
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), context.encode())).decode()

    def open(self, sealed: str, *, context: str) -> str:
        """Raises: InternalError when it was sealed under another key or for another owner, or was changed."""
        try:
            data = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context.encode()).decode()
        except (InvalidTag, ValueError):  # ValueError: not base64, or too short to hold a nonce and a tag
            raise InternalError("a stored secret could not be opened") from None
