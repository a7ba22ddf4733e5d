"""What a synthetic anatomy is made of: how often findings are there, bones as polygons, and how each finding is drawn.

One YAML per study anatomy in `anatomies/`; any other template gets the generic one, with shares and signs by the words
in the findings' names, so that a new anatomy needs no code here.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from labkit.templates import Template

__all__ = ["Odds", "Profile", "Sign", "View", "kind_of", "load"]

ANATOMIES_DIR = Path(__file__).parent / "anatomies"
Point = tuple[float, float]

# Words in a finding's name -> kind of sign; the first that fits counts.
KINDS = (
    (("dislocation", "subluxation", "widened", "narrowed", "luxation"), "shift"),
    (("fracture", "displace", "comminut", "fragment", "avulsion", "fissure"), "fracture"),
    (("degenerat", "arthr", "osteophyt"), "arthrosis"),
    (("swelling", "effusion", "hematoma", "haematoma", "fat pad"), "bulge"),
    (("mass", "tumor", "tumour"), "mass"),
    (("calcif",), "specks"),
    (("foreign", "hardware", "metal"), "metal"),
    (("ossicle", "sesamoid", "accessory"), "ossicle"),
    (("exostosis", "spur"), "spur"),
    (("lytic", "lysis", "cyst", "erosion", "osteopenia"), "lysis"),
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Odds(_Part):
    """How a finding comes about: by itself, in the course of others (the largest counts), or only within one."""

    prevalence: float = Field(ge=0, le=1)
    given: dict[str, float] = {}
    within: str | None = None
    not_with: tuple[str, ...] = ()
    acute: bool = False


class View(_Part):
    """Outlines of one projection, in a unit square of a right limb, x to the right and y down."""

    soft: tuple[tuple[Point, ...], ...]
    bones: dict[str, tuple[Point, ...]]
    dark: tuple[tuple[Point, ...], ...] = ()
    bands: tuple[tuple[Point, ...], ...] = ()
    plate: tuple[Point, Point]


class Sign(_Part):
    """One drawn sign of a finding in one view; which fields count depends on the kind."""

    view: str
    kind: Literal[
        "fracture", "shift", "arthrosis", "bulge", "mass", "specks", "metal", "ossicle", "spur", "blob", "fat_pad"
    ]
    bone: str | None = None
    bones: tuple[str, ...] = ()
    line: tuple[Point, Point] | None = None
    side: Point | None = None
    move: Point = (0.0, 0.0)
    always_moved: float = 0.15
    displaced: str | None = None
    comminuted: str | None = None
    articular: str | None = None
    chip: tuple[Point, ...] = ()  # a corner that breaks off, where a straight cut would go through the shaft
    articular_line: tuple[Point, Point] | None = None
    joint: tuple[Point, Point] | None = None
    spurs: tuple[Point, ...] = ()
    at: Point = (0.5, 0.5)
    radius: Point = (0.05, 0.05)
    tip: Point = (0.5, 0.5)
    tone: int = 1
    anterior: tuple[Point, ...] = ()
    posterior: tuple[Point, ...] = ()


class Profile(_Part):
    """All that the generator knows of an anatomy; every finding of the template has odds."""

    anatomy: str
    body_part: str
    region: dict[str, str]
    title: dict[str, dict[str, str]]
    truth: dict[str, Odds]
    views: dict[str, View]
    signs: dict[str, tuple[Sign, ...]]

    def view(self, name: str, position: int) -> str:
        """The drawn projection for a template's view: the one of that name, else by position."""
        return name if name in self.views else list(self.views)[position % len(self.views)]


@lru_cache(maxsize=8)
def _read(name: str) -> Profile:
    path = ANATOMIES_DIR / f"{name}.yaml"
    return Profile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def kind_of(finding) -> str:
    """Kind of sign by the words in a finding's name; `lesion` where none fits."""
    name = finding.name.lower()
    return next((kind for words, kind in KINDS if any(word in name for word in words)), "lesion")


def load(template: Template) -> Profile:
    """The profile of the template's anatomy, completed by generic odds and signs for findings that it does not know."""
    known = (ANATOMIES_DIR / f"{template.anatomy}.yaml").is_file() and template.anatomy != "generic"
    base = _read(template.anatomy if known else "generic")
    parents = {parent for finding in template.findings for parent in finding.parents}
    truth, signs = {}, {}
    for finding_id, odds in base.truth.items():
        named = {*odds.given, *odds.not_with, *([odds.within] if odds.within else [])}
        if finding_id in template.ids and named <= set(template.ids):
            truth[finding_id] = odds
            signs[finding_id] = base.signs.get(finding_id, ())
    missing = [i for i in reversed(template.children_first) if i not in truth]
    for position, i in enumerate(missing):
        finding = template.by_id[i]
        if known and i in parents:  # a study parent comes about by its children alone
            truth[i] = Odds(prevalence=0.0)
            continue
        truth[i] = _generic_odds(finding)
        if i not in parents:
            signs[i] = _generic_signs(finding, base, position)
    update = {"truth": truth, "signs": signs}
    if not known:
        update |= {"anatomy": template.anatomy, "body_part": template.anatomy.upper()[:16].replace("_", " ")}
    return base.model_copy(update=update)


def _generic_odds(finding) -> Odds:
    acute = kind_of(finding) in {"fracture", "shift", "bulge", "metal"}
    if finding.parents:
        return Odds(prevalence=0.5, within=finding.parents[0], acute=acute)
    return Odds(prevalence=0.3 if kind_of(finding) in {"fracture", "arthrosis"} else 0.15, acute=acute)


def _generic_signs(finding, base: Profile, position: int) -> tuple[Sign, ...]:
    """Signs by kind, stepped along the bones by position so that two findings do not share a place."""
    kind, step = kind_of(finding), position % 5
    signs = []
    for view, drawn in base.views.items():
        top, bones = drawn.plate[0], list(drawn.bones)
        bone = bones[position % len(bones)]
        outline = drawn.bones[bone]
        # The middle of what the picture shows of the bone
        y_low, y_high = max(0.05, min(y for _, y in outline)), min(0.95, max(y for _, y in outline))
        x_mid, half = sum(x for x, _ in outline) / len(outline), 0.22
        y = y_low + (0.3 + 0.1 * step) * (y_high - y_low)
        x_side = x_mid + (0.19 if position % 2 else -0.19)
        place = {"at": (x_side, y), "radius": (0.05, 0.06)}
        fields = {
            "fracture": {
                "kind": "fracture",
                "bone": bone,
                "line": ((x_mid - half, y + 0.02), (x_mid + half, y - 0.02)),
                "side": (x_mid, y + 0.05),
                "move": (0.06, 0.02),
                "always_moved": 0.5,
            },
            "shift": {"kind": "shift", "bones": (bones[-1],), "move": (0.08 + 0.02 * step, 0.0)},
            "arthrosis": {
                "kind": "arthrosis",
                "joint": ((0.35, 0.5), (0.65, 0.5)),
                "spurs": ((0.33, 0.46), (0.67, 0.46), (0.33, 0.54), (0.67, 0.54)),
            },
            "bulge": {"kind": "bulge", "at": (x_side, y), "radius": (0.18, 0.2)},
            "mass": {"kind": "mass", "at": (x_side, y), "radius": (0.1, 0.09)},
            "spur": {"kind": "spur", "at": top, "tip": (top[0] - 0.12, top[1] - 0.06)},
            "lysis": {"kind": "blob", "tone": -1, "at": (x_mid, y), "radius": (0.06, 0.07)},
            "lesion": {"kind": "blob", "tone": 1, "at": (x_mid, y), "radius": (0.06, 0.07)},
        }.get(kind, {"kind": kind, **place})
        signs.append(Sign(view=view, **fields))
    return tuple(signs)
