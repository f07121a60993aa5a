"""Features of frozen networks, computed once: kept on the disk by the network, and by the pixels that it was shown."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from yolo_koin.errors import RunError, WeightsError
from yolo_koin.files import sha256, writing
from yolo_koin.manifests import home_of
from yolo_koin.models import registry
from yolo_koin.models.protocol import Backbone
from yolo_koin.workspace import Workspace

VERSION = 1  # of how photos are shown to networks, and of what is taken for a feature: raise it when one changes
BATCH = 8  # photos that are shown at once, always: with others the last bits of a feature would depend on how many there are
PATIENCE = 60.0  # seconds to wait for another process that writes

SCHEMA = """CREATE TABLE IF NOT EXISTS features (
    network TEXT, photo BLOB, crc INTEGER, feature BLOB, PRIMARY KEY (network, photo)
) WITHOUT ROWID"""

Array = NDArray[np.float32]
T = TypeVar("T")


class FeatureCache:
    """Features of photos in one SQLite file, which several processes may use at once. Losing it costs time only.

    A file that is damaged, be it in one row, is made anew.

    Args:
        path: the file; made, with its folder, when it is not there.
        network: what computes the features: a text that is another one whenever they would be others.
    """

    def __init__(self, path: Path, network: str) -> None:
        self.path, self.network = path, network

    def get(self, photos: Sequence[bytes]) -> dict[bytes, Array]:
        """The features that are there, by the hash of the photo's pixels."""
        query = "SELECT crc, feature FROM features WHERE network = ? AND photo = ?"
        rows = self._do(lambda file: {photo: file.execute(query, (self.network, photo)).fetchone() for photo in photos})
        found = {photo: row for photo, row in rows.items() if row}
        if any(self._checked(photo, feature) != crc for photo, (crc, feature) in found.items()):
            self.path.unlink(missing_ok=True)
            return {}
        return {photo: np.frombuffer(feature, np.float32) for photo, (_, feature) in found.items()}

    def put(self, features: Mapping[bytes, Array]) -> None:
        """Keep features by the hash of the photo's pixels."""
        values = {photo: feature.tobytes() for photo, feature in features.items()}
        rows = [(self.network, photo, self._checked(photo, value), value) for photo, value in values.items()]
        self._do(lambda file: file.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?, ?)", rows))

    def _checked(self, photo: bytes, feature: bytes) -> int:
        """Of the whole row: a damaged key would give a photo another one's feature."""
        return zlib.crc32(self.network.encode() + photo + feature)

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._once(work)
        except sqlite3.OperationalError as error:
            raise RunError(f"the file of features cannot be used ({error})", self.path, "Remove it: it is made anew.") from error
        except sqlite3.DatabaseError:
            self.path.unlink(missing_ok=True)
            return self._once(work)

    def _once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with contextlib.closing(sqlite3.connect(self.path, timeout=PATIENCE)) as file, file:  # the inner block is a transaction
            file.execute(SCHEMA)
            return work(file)


class Features:
    """The features of a frozen network; each photo is shown to it once.

    Args:
        load: gives the network, when a photo has to be shown to it.
        cache: where features are kept; None keeps none.
        weights: of the network.

    Attributes:
        keeps: whether what is computed is kept.
    """

    def __init__(self, load: Callable[[], Backbone], cache: FeatureCache | None, weights: Path = Path()) -> None:
        self._load, self.cache, self.weights, self.keeps = load, cache, weights, True

    @cached_property
    def network(self) -> Backbone:
        """The network, loaded now."""
        return self._load()

    def of(self, photos: NDArray[np.uint8]) -> Array:
        """The features, n × d, of n × side × side × 3 photos, RGB.

        Raises:
            WeightsError: they are no numbers, or the network cannot be loaded.
            RunError: the file of features cannot be used.
        """
        keys = [hashlib.sha256(photo.tobytes()).digest() for photo in photos]
        known = self.cache.get(keys) if self.cache else {}
        if new := {key: photo for key, photo in zip(keys, photos, strict=True) if key not in known}:
            found = dict(zip(new, self._shown(np.stack(list(new.values()))), strict=True))
            known |= found
            if self.cache and self.keeps:
                self.cache.put(found)
        return np.stack([known[key] for key in keys])

    def _shown(self, photos: NDArray[np.uint8]) -> Array:
        filled = np.zeros((-len(photos) % BATCH, *photos.shape[1:]), dtype=np.uint8)
        batches = np.concatenate([photos, filled]).reshape(-1, BATCH, *photos.shape[1:])
        found = np.concatenate([self.network.features(batch) for batch in batches])[: len(photos)].astype(np.float32)
        if not np.isfinite(found).all():
            raise WeightsError("a frozen network gives features that are no numbers", self.weights, "Take other weights.")
        return found


def features_of(model: str, weights: Path, side: int, folder: Path, device: str = "", trust: bool = False) -> Features:
    """The features of a model with some weights, kept in the workspace.

    Args:
        model: its name in the registry.
        weights: of the model.
        side: of the photos, in pixels.
        folder: any folder of the workspace; outside of one nothing is kept.
        device, trust: as of :meth:`yolo_koin.models.family.Family.load`.
    """
    home = home_of(folder.absolute())
    cache = FeatureCache(Workspace(home).features, f"{VERSION} {model} {side} {sha256(weights)}") if home else None
    return Features(lambda: registry.family_of(model).frozen(model, weights, side, device, trust), cache, weights)
