"""Artifacts of private sessions: their records and keys are in memory alone, and only sealed bytes are on the disk.

Whatever the database has held can be found in its file for a while, deleted or not. What is forgotten here cannot be
opened by anybody, and neither can anything after a restart; the blobs that are left over then belong to no row.
"""

from dataclasses import dataclass, replace

from cloche.artifacts.model import Artifact
from cloche.artifacts.rows import Filter, Totals
from cloche.ids import ArtifactId


@dataclass(frozen=True, slots=True)
class PrivateArtifact:
    artifact: Artifact
    blob: str | None
    data_key: bytes

    def __repr__(self) -> str:
        return f"PrivateArtifact({self.artifact.id})"


class PrivateArtifacts:
    def __init__(self) -> None:
        self._kept: dict[ArtifactId, PrivateArtifact] = {}

    def add(self, artifact: Artifact, blob: str | None, data_key: bytes) -> None:
        self._kept[artifact.id] = PrivateArtifact(artifact, blob, data_key)

    def get(self, artifact_id: ArtifactId) -> PrivateArtifact | None:
        return self._kept.get(artifact_id)

    def update(self, artifact: Artifact) -> None:
        self._kept[artifact.id] = replace(self._kept[artifact.id], artifact=artifact)

    def remove(self, artifact_id: ArtifactId) -> PrivateArtifact | None:
        return self._kept.pop(artifact_id, None)

    def matching(self, wanted: Filter) -> list[PrivateArtifact]:
        """Newest first."""
        found = [kept for kept in self._kept.values() if wanted.matches(kept.artifact)]
        return sorted(found, key=lambda kept: kept.artifact.id, reverse=True)

    def page(self, wanted: Filter, *, before: ArtifactId | None, limit: int) -> list[Artifact]:
        found = [kept.artifact for kept in self.matching(wanted)]
        return [artifact for artifact in found if before is None or artifact.id < before][:limit]

    def totals(self, wanted: Filter) -> Totals:
        found = self.matching(wanted)
        return Totals(sum(kept.artifact.size_bytes for kept in found if kept.blob is not None), len(found))

    def blobs(self) -> set[str]:
        return {kept.blob for kept in self._kept.values() if kept.blob is not None}
