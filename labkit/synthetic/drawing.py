"""Schematic radiographs: soft tissue and bone as attenuation, with a site's blur, noise and gray curve.

Pillow draws 8-bit layers, numpy adds them up to stored values of 12 bits. Pose, signs and noise have random streams of
their own, so that no number drawn for a sign moves the noise.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from labkit.synthetic import marks
from labkit.synthetic import scene as scenes
from labkit.synthetic.profiles import Profile
from labkit.synthetic.settings import Site

__all__ = ["Look", "radiograph"]

LEVELS = 4095  # 12 bits
SOFT, BONE, METAL = 0.24, 0.62, 0.5  # attenuation of a full layer


@dataclass(frozen=True)
class Look:
    """What all pictures of one study share."""

    size_px: int
    side: str
    site: Site
    landscape: bool
    plate: bool


def radiograph(profile: Profile, view: str, strength: dict[str, float], *, look: Look, rngs) -> np.ndarray:
    """One radiograph as stored values.

    Parameters
    ----------
    view : a view of the profile.
    strength : finding id -> conspicuity of its sign in [0, 1]; 0 is not drawn.
    rngs : three Generators, for the pose, the signs and the noise.

    Returns
    -------
    (rows, columns) uint16 in 0..4095, high values bright (MONOCHROME2).
    """
    pose_rng, sign_rng, noise_rng = rngs
    drawn = profile.views[view]
    signs = [(s, strength.get(i, 0.0)) for i, many in profile.signs.items() for s in many if s.view == view]
    scene = scenes.build(drawn, signs, strength, rng=sign_rng)
    canvas = _Canvas(look, pose_rng)
    canvas.tissue(drawn)
    for name, outline, holes in scene.bones:
        if name in scene.moved:
            canvas.sleeve(outline)
        canvas.bone(outline, thin=name in ("manubrium", "trapezium"), holes=holes)
    if look.plate:
        canvas.plate(drawn.plate)
    for sign, amount in signs:
        jitter = sign_rng.uniform(-1, 1, 16)
        if amount > 0 and sign.kind in marks.MARKS:
            marks.MARKS[sign.kind](canvas, sign, amount, jitter)
    for line, width in scene.lines:
        canvas.crack(line, width)
    return canvas.develop(noise_rng)


@lru_cache(maxsize=4)
def _texture(size_px: int) -> np.ndarray:
    """Trabecular texture (size, size) about 1: blurred noise of a fixed seed, the same for every picture."""
    rng = np.random.default_rng(20250)
    coarse = rng.integers(0, 256, (size_px, size_px), dtype=np.uint8)
    image = Image.fromarray(coarse).filter(ImageFilter.GaussianBlur(max(0.6, size_px / 300)))
    values = np.asarray(image, dtype=np.float32)
    return 1 + 0.08 * (values - values.mean()) / max(values.std(), 1e-6)


class _Canvas:
    """Layers of one picture and the pose that maps the unit square onto them."""

    def __init__(self, look: Look, rng: np.random.Generator):
        self.look, size = look, look.size_px
        angle, scale, dx, dy, roll_x, roll_y, edge, mark = rng.uniform(-1, 1, 8)
        turn = np.deg2rad(5) * angle
        flip = -1.0 if look.side == "L" else 1.0
        zoom = float(size * (0.97 + 0.05 * scale))
        self.matrix = zoom * np.array([[np.cos(turn) * flip, np.sin(turn) * flip], [-np.sin(turn), np.cos(turn)]]).T
        self.centre = size * np.array([0.5 + 0.03 * dx, 0.5 + 0.03 * dy])
        self.zoom, self.edge, self.mark = zoom, edge, mark
        self.roll = int(roll_x * size), int(roll_y * size)
        self.soft, self.bones, self.metal = (Image.new("L", (size, size), 0) for _ in range(3))

    def points(self, outline) -> list[tuple[float, float]]:
        placed = (np.asarray(outline, dtype=float) - 0.5) @ self.matrix + self.centre
        return list(map(tuple, placed.tolist()))

    def width(self, share: float) -> int:
        return max(1, round(share * self.zoom))

    def tissue(self, view) -> None:
        draw = ImageDraw.Draw(self.soft)
        for outline in view.soft:
            draw.polygon(self.points(scenes.smooth(outline)), fill=170)
        for outline in view.dark:
            draw.polygon(self.points(scenes.smooth(outline)), fill=60)
        for band in view.bands:
            ImageDraw.Draw(self.bones).line(self.points(_curve(band)), fill=60, width=self.width(0.035), joint="curve")

    def box(self, corners, margin: int) -> tuple[int, int, int, int] | None:
        """Pixel box about some corners, cut to the picture; None where they lie outside."""
        low, high = np.min(corners, axis=0) - margin, np.max(corners, axis=0) + margin
        left, top = (int(v) for v in np.clip(np.floor(low), 0, self.look.size_px))
        right, bottom = (int(v) for v in np.clip(np.ceil(high), 0, self.look.size_px))
        return (left, top, right, bottom) if right > left and bottom > top else None

    def bone(self, outline, *, thin: bool = False, holes=()) -> None:
        """Marrow and a brighter cortex, added to what lies behind."""
        corners = self.points(outline)
        width = self.width(0.014)
        box = self.box(corners, width + 2)
        if box is None:
            return
        piece = Image.new("L", (box[2] - box[0], box[3] - box[1]), 0)
        inner = [(x - box[0], y - box[1]) for x, y in corners]
        draw = ImageDraw.Draw(piece)
        draw.polygon(inner, fill=105)
        draw.line([*inner, inner[0], inner[1]], fill=150 if thin else 185, width=width)
        for hole in holes:
            draw.polygon([(x - box[0], y - box[1]) for x, y in self.points(hole)], fill=0)
        behind = np.asarray(self.bones.crop(box), dtype=np.uint16)
        # What overlaps adds up, less than fully, as the film saturates
        added = np.minimum(255, behind + np.asarray(piece) * np.where(behind > 0, 0.6, 1.0)).astype(np.uint8)
        self.bones.paste(Image.fromarray(added), box)

    def crack(self, line, width: float) -> None:
        ImageDraw.Draw(self.bones).line(self.points(line), fill=25, width=self.width(width), joint="curve")

    def sleeve(self, outline) -> None:
        """Soft tissue that goes with a bone out of its place."""
        corners = self.points(outline)
        draw = ImageDraw.Draw(self.soft)
        draw.line([*corners, corners[0]], fill=170, width=self.width(0.11), joint="curve")
        draw.polygon(corners, fill=170)

    def plate(self, ends) -> None:
        draw = ImageDraw.Draw(self.metal)
        start, end = np.asarray(ends, dtype=float)
        draw.line(self.points([start, end]), fill=210, width=self.width(0.03))
        across = np.array([end[1] - start[1], start[0] - end[0]])
        across *= 0.11 / max(np.hypot(*across), 1e-9)
        for share in (0.08, 0.3, 0.7, 0.92):
            head = start + share * (end - start)
            draw.line(self.points([head, head - across]), fill=230, width=self.width(0.012))

    def blend(self, layer: Image.Image, outline, level: float, *, soft: float = 0.008, inside: int = 0) -> None:
        """Move a layer towards `level` (0..255) in an outline with an unsharp edge, only where it is above `inside`."""
        corners, radius = self.points(outline), max(0.5, soft * self.zoom)
        box = self.box(corners, int(radius) + 2)
        if box is None:
            return
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]), 0)
        ImageDraw.Draw(mask).polygon([(x - box[0], y - box[1]) for x, y in corners], fill=255)
        mask = mask.filter(ImageFilter.BoxBlur(radius))
        if inside:
            mask = ImageChops.multiply(mask, layer.crop(box).point([255 * (v > inside) for v in range(256)]))
        layer.paste(int(level), box, mask)

    def develop(self, rng: np.random.Generator) -> np.ndarray:
        """Layers to stored values: blur, sum, gray curve, noise, side marker, crop to the site's aspect."""
        site, size = self.look.site, self.look.size_px
        blur = ImageFilter.BoxBlur(max(0.3, site.blur_px_at_512 * size / 512))
        soft = np.asarray(self.soft.filter(ImageFilter.BoxBlur(size * 0.008)), dtype=np.float32)
        bones = np.asarray(self.bones.filter(blur), dtype=np.float32)
        bones = bones * np.roll(_texture(size), self.roll, axis=(0, 1))
        values = 0.06 + (SOFT / 255) * soft + (BONE / 255) * bones
        if self.metal.getbbox() is not None:
            values += (METAL / 255) * np.asarray(self.metal.filter(blur), dtype=np.float32)
        np.clip(values, 0.0, 1.0, out=values)
        if site.gray_gamma != 1:
            np.power(values, site.gray_gamma, out=values)
        values *= site.contrast_share
        values += site.noise_share * rng.standard_normal(values.shape, dtype=np.float32)
        values += 0.03 * self.edge * np.linspace(-1, 1, size, dtype=np.float32)  # heel effect
        pixels = np.clip(values * LEVELS, 0, LEVELS).astype(np.uint16)
        return self._marked(_cropped(pixels, self.look))

    def _marked(self, pixels: np.ndarray) -> np.ndarray:
        """The side marker burnt in, at the site's corner: bare letter above or a letter on a plate below."""
        rows, columns = pixels.shape
        height = max(11, round(0.08 * max(rows, columns)))
        plate = self.look.site.marker == "plate"
        image = Image.new("L", (height, height), 255 if plate else 0)
        font = ImageFont.load_default(size=height * 0.85)
        ink, middle = 0 if plate else 255, (height / 2, height / 2)
        bold = height / 60
        draw = ImageDraw.Draw(image)
        draw.text(middle, self.look.side, fill=ink, font=font, anchor="mm", stroke_width=bold)
        glyph = np.asarray(image, dtype=np.uint16)
        drift = int((self.mark + 1) * 0.015 * rows)
        top = rows - height - 2 - drift if plate else 2 + drift
        left = 2 + drift if self.look.side == "R" else columns - height - 2 - drift
        region = pixels[top : top + height, left : left + height]
        np.copyto(region, 3600 if not plate else 200 + glyph * 13, where=(glyph > 100) | plate)
        return pixels


def _cropped(pixels: np.ndarray, look: Look) -> np.ndarray:
    """The middle of the square in the site's aspect, landscape for a lying bone."""
    size = look.size_px
    short = max(8, round(size * look.site.aspect))
    start = (size - short) // 2
    cropped = pixels[start : start + short] if look.landscape else pixels[:, start : start + short]
    return np.ascontiguousarray(cropped)


def _curve(points) -> np.ndarray:
    """A finer open line through the corners, cut twice (Chaikin)."""
    line = np.asarray(points, dtype=float)
    for _ in range(2):
        cut = np.stack([0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]], axis=1).reshape(-1, 2)
        line = np.concatenate([line[:1], cut, line[-1:]])
    return line
