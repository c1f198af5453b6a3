"""Images a workload hands over: a PNG each, enlarged for viewing, and one sheet with all of them. No browser needed."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from search.report.text import printable
from search.system.writing import write_bytes, write_text

SHORTER_SIDE_PX = 256
"""Pixels of the shorter side that an image is enlarged to, by a whole factor; pixels stay squares."""


def write_image(image: np.ndarray, path: Path) -> Path:
    """Write an image, uint8 [h, w, 3], as a PNG, enlarged where it is small.

    Raises:
        UserError: the file cannot be written.
        TypeError: it is no such array.
    """
    return write_bytes(path, png(image))


def png(image: np.ndarray) -> bytes:
    """Return an image, uint8 [h, w, 3], as the bytes of a PNG, enlarged where it is small."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise TypeError(f"an image has the shape {image.shape} and the type {image.dtype}; it must be uint8 [h, w, 3]")
    factor = max(1, SHORTER_SIDE_PX // min(image.shape[:2]))
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image.repeat(factor, 0).repeat(factor, 1))).save(buffer, "PNG")
    return buffer.getvalue()


def contact_sheet(pictures: Mapping[str, Mapping[str, Any]], title: str, path: Path) -> Path:
    """Write one self-contained HTML page with all images under their titles.

    Args:
        pictures: name -> ``image``, ``title`` and ``note``, see `search.workload.Picturing`.
        title: the page's heading.

    Raises:
        UserError: the file cannot be written.
    """
    figures = []
    for picture in pictures.values():
        caption = html.escape(printable(picture["title"]))
        data = base64.b64encode(png(picture["image"])).decode()
        image = f'<img alt="{caption}" src="data:image/png;base64,{data}">'
        figures.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
    notes = dict.fromkeys(html.escape(printable(picture["note"])) for picture in pictures.values())
    heading = html.escape(printable(title))
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{heading}</title>
<style>
body {{ font: 15px/1.4 Helvetica, Arial, sans-serif; color: #222; margin: 2em; }}
main {{ display: flex; flex-wrap: wrap; gap: 20px; }}
figure {{ margin: 0; width: 256px; break-inside: avoid; }}
img {{ width: 256px; display: block; image-rendering: pixelated; }}
figcaption {{ font-size: 13px; margin-top: 4px; }}
</style>
</head>
<body>
<h1>{heading}</h1>
<p>{"<br>".join(notes)}</p>
<main>
{chr(10).join(figures)}
</main>
</body>
</html>
"""
    return write_text(path, page)
