"""How long the page of ``yolo_koin demo`` takes to answer, from the photo's leaving the browser to the answer's being there.

    python -m benchmarks.demo [--weights n-normal,m-normal] [--faces] [--rounds 10]

One of the built-in faces as it is and as a photo of 12 megapixels, and a group photo of 12 megapixels with four of them; without
anything drawn on them, and with a mask and sunglasses. The first answers are measured too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import gradio_client
from PIL import Image

from yolo_koin import demo
from yolo_koin.synthetic.att import find_photographs

LARGE = (3000, 4000)  # px
WORN = {"as it is": (0, 0), "mask 3, sunglasses 3": (3, 3)}


def photos(folder: Path) -> Iterator[tuple[str, Path]]:
    """What they are called, and their files."""
    faces = [Image.open(find_photographs() / f"s{person}" / "7.pgm").convert("RGB") for person in (1, 2, 3, 4)]
    group = Image.new("RGB", LARGE, "grey")
    for i, face in enumerate(faces):
        group.paste(face.resize((920, 1120)), (300 + i % 2 * 1400, 400 + i // 2 * 1800))
    for name, picture in (("a face of 92 × 112 px", faces[0]), ("a face of 12 MP", faces[0].resize(LARGE)), ("four faces of 12 MP", group)):
        file = folder / f"{name}.jpg"
        picture.save(file, quality=95)
        yield name, file


def main() -> None:
    """Print the median and the longest time of each."""
    parser = argparse.ArgumentParser(description="How long the demo's page takes to answer.")
    parser.add_argument("--weights")
    parser.add_argument("--faces", action="store_true")
    parser.add_argument("--rounds", type=int, default=10)
    asked = parser.parse_args()
    begun = time.perf_counter()
    page = demo(weights=asked.weights, faces=asked.faces, device="cpu")
    print(f"{', '.join(page.models)}: ready after {time.perf_counter() - begun:.1f} s")
    client = gradio_client.Client(page.url, verbose=False)
    with tempfile.TemporaryDirectory() as folder:
        for name, file in photos(Path(folder)):
            for worn, severities in WORN.items():
                seconds = []
                for _ in range(asked.rounds):
                    begun = time.perf_counter()
                    client.predict(gradio_client.handle_file(str(file)), *severities, api_name="/photo")
                    seconds.append(time.perf_counter() - begun)
                print(f"{name:22} {worn:21} median {median(seconds):.2f} s, longest {max(seconds):.2f} s")
    page.close()


if __name__ == "__main__":
    main()
