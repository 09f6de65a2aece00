"""By what each artifact's data key is wrapped: the state key where there is one, else a key of this server's secret."""

from typing import Final

from cloche.artifacts.model import Artifact
from cloche.vault.keyring import LiveKeyring
from cloche.vault.keys import Keyring, StateKey, key_id_of
from cloche.vault.sealed import context_of
from cloche.vault.secret_box import derive_key

SERVER_KEY_ID: Final = "server"
"""Stands for the server's own key in `key_id`."""


class ArtifactKeys:
    """Wraps with the key in force, unwraps with whichever it was. Without a state key the server's own secret keeps the
    artifacts, which a copy of the artifacts' directory alone does not give away."""

    def __init__(self, server_secret: bytes, state_keys: LiveKeyring | None) -> None:
        self._server = Keyring(StateKey.from_bytes(derive_key(server_secret, "artifacts")))
        self._state_keys = state_keys

    def wrap(self, data_key: bytes, artifact: Artifact) -> tuple[str, str]:
        """The wrapped key, and the id of what it is wrapped by."""
        current = self._state_keys.current if self._state_keys is not None else None
        if current is None:
            return self._server.wrap(data_key, context(artifact)), SERVER_KEY_ID
        return current.wrap(data_key, context(artifact)), current.key_id

    def unwrap(self, wrapped: str, artifact: Artifact) -> bytes:
        """Raises: UnknownKeyError, WrongKeyError."""
        current = self._state_keys.current if self._state_keys is not None else None
        ring = self._server if current is None or key_id_of(wrapped) in self._server else current
        return ring.unwrap(wrapped, context(artifact))


def context(artifact: Artifact) -> bytes:
    """What an artifact's key and its sealed stream are bound to."""
    return context_of("artifact", artifact.id, artifact.owner)
