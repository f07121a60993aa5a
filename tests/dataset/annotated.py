"""One box in every kind of annotation file."""

from __future__ import annotations

from typing import Any

GROUP = "group_cases/test/a/g.png"
HEAD = "image,label,x,y,width,height"
BOX = (10.0, 20.0, 30.5, 40.25)


def coco(image: object = GROUP, box: object = BOX, label: object = "a", **more: object) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": image, "width": 45, "height": 48}],
        "categories": [{"id": "c", "name": label}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": "c", "bbox": box, **more}],
    }


def labelme(image: object = GROUP, box: Any = BOX, label: object = "a", **more: object) -> dict[str, Any]:
    corners = [[box[0] + box[2], box[1]], [box[0], box[1] + box[3]]]  # drawn from the upper right to the lower left
    shape = {"label": label, "points": corners, "shape_type": "rectangle", **more}
    return {"version": "5.5.0", "imagePath": image, "imageData": None, "shapes": [shape]}


def voc(image: str = GROUP, box: Any = BOX, label: str = "a", more: str = "") -> str:
    x, y, width, height = box
    corners = f"<xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + width}</xmax><ymax>{y + height}</ymax>"
    found = f"<object><name>{label}</name><part><name>nose</name></part><bndbox>{corners}</bndbox></object>"
    return f"<annotation><filename>{image}</filename>{more}{found}</annotation>"


def table(*rows: str, head: str = HEAD) -> str:
    return "\n".join((head, *rows, ""))


def row(image: str = GROUP, box: Any = BOX, label: str = "a") -> str:
    return f"{image},{label},{','.join(map(str, box))}"
