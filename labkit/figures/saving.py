"""Figures as files: SVG, PDF and PNG with the data drawn as CSV and the caption as text; shown once, with its number.

Used by every notebook. The same figure gives the same bytes of SVG, PDF and CSV.
"""

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from labkit import tables

__all__ = ["Album", "Picture", "save"]

# Without a date, so that equal figures are equal files.
METADATA = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
CSS_PX_PER_IN = 96


@dataclass(frozen=True)
class Picture:
    """A figure, the rows that it draws, and what stands under it."""

    figure: Figure
    data: pd.DataFrame
    caption: str


@dataclass
class Album:
    """The figures of a page in their order: `add` writes, shows and numbers them; `files` lists what was written."""

    folder: Path
    dpi: int = 300
    files: list[Path] = field(default_factory=list)
    n: int = 0

    def add(self, name: str, picture: Picture | None) -> None:
        """Write and show the next figure under its number; None (there is nothing to draw) is passed over."""
        if picture is None:
            return
        self.n += 1
        path = Path(self.folder) / name
        self.files += save(picture.figure, picture.data, path, caption=picture.caption, dpi=self.dpi, number=self.n)


def save(
    drawn: Figure, data: pd.DataFrame, path: str | Path, *, caption: str, dpi: int = 300, number: int | None = None
) -> list[Path]:
    """Write `path`.svg, .pdf, .png, .csv (the data drawn) and .txt (the caption), and show the figure with its caption.

    Returns the five paths. `dpi` is that of the PNG, which is shown at the width that it has in print.
    """
    path, written, content = Path(path), [], {}
    if number is not None:
        caption = f"Figure {number}. {caption}"
    if drawn.get_layout_engine() is not None:
        drawn.draw_without_rendering()
        drawn.set_layout_engine("none")  # the layout is settled; solving it again for each file takes most of the time
    for kind, metadata in METADATA.items():
        buffer = io.BytesIO()
        drawn.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
        content[kind] = buffer.getvalue()
        written.append(tables.atomic_write(path.with_suffix(f".{kind}"), content[kind]))
    written.append(tables.write_csv(data, path.with_suffix(".csv")))
    written.append(tables.atomic_write(path.with_suffix(".txt"), f"{caption}\n".encode()))
    width = round(drawn.get_figwidth() * CSS_PX_PER_IN)
    shown = {"image/png": base64.b64encode(content["png"]).decode("ascii"), "text/plain": caption}
    display(shown, raw=True, metadata={"image/png": {"alt": caption, "width": width}})
    plt.close(drawn)
    return written
