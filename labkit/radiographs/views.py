"""One vocabulary for what vendors and technologists write about view and laterality."""

import re

__all__ = ["normal_laterality", "normal_view", "side_in"]

# Longest words first; English, German and DICOM code meanings. Source: DICOM PS3.3 C.8.11.5 (DX View
# Position), CID 4010.
_VIEWS = (
    (r"LL|RL|LAT|LATERAL(E|IS)?|SEITLICH|SEITL|SEITE|MEDIO ?LATERAL|LATERO ?MEDIAL|ML|LM|LLO|LLD", "LATERAL"),
    (r"LAO|RAO|LPO|RPO|OBL|OBLIQUE|OBLIQUUS|SCHRAEG|SCHRAG|SCHRÄG|RLO|MLO|LMO", "OBLIQUE"),
    (r"AXIAL|AX|AXIAL(E|IS)|TANGENTIAL|TANGENTIELL|SKYLINE|XTL", "AXIAL"),
    (r"AP|ANTERO ?POSTERIOR|A ?P|VD|VENTRO ?DORSAL|PALMO ?DORSAL", "AP"),
    (r"PA|POSTERO ?ANTERIOR|P ?A|DV|DP|DORSO ?VENTRAL|DORSO ?PALMAR|DORSO ?VOLAR", "PA"),
    (r"FRONTAL|FRONT", "AP"),
)
_COMPILED = tuple((re.compile(f"(?:{pattern})"), view) for pattern, view in _VIEWS)
_LEFT = re.compile(r"L|LEFT|LINKS|LI|SIN|SINISTER|SINISTRA")
_RIGHT = re.compile(r"R|RIGHT|RECHTS|RE|DEX|DEXTER|DEXTRA")
_BOTH = re.compile(r"B|BOTH|BEIDE|BDS|BDS\.?|BEIDSEITS|BILATERAL")


def normal_view(text: str) -> str:
    """AP, PA, LATERAL, OBLIQUE, AXIAL, or "" where the text names none of them; `a.p.`, `seitl.` and `LL` are
    understood."""
    words = re.sub(r"[\s._/-]+", " ", text).strip().upper()
    for candidate in (words, words.replace(" ", "")):
        for pattern, view in _COMPILED:
            if pattern.fullmatch(candidate):
                return view
    # Two words as in "LATERAL LINKS" or "AP STEHEND": the first that names a view decides.
    for word in words.split():
        for pattern, view in _COMPILED:
            if len(word) > 1 and pattern.fullmatch(word):
                return view
    return ""


def normal_laterality(text: str) -> str:
    """L, R, B (both) or "" where the text names no side."""
    word = text.strip(" .").upper()
    for pattern, side in ((_LEFT, "L"), (_RIGHT, "R"), (_BOTH, "B")):
        if pattern.fullmatch(word):
            return side
    return ""


def side_in(text: str) -> str:
    """L, R or B where a description such as "Ellenbogen rechts a.p." names one side or both, else ""."""
    words = re.findall(r"[^\W\d_]+", text)
    sides = {normal_laterality(word) for word in words if len(word) > 1 or word in ("L", "R")} - {""}
    return sides.pop() if len(sides) == 1 else ("B" if sides else "")
