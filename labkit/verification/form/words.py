"""What the review form says, as HTML: where one is, how far, what signs and keys mean."""

import html

from labkit.verification.form.keyboard import HELP, PICTURE_HELP, SOURCE_HELP
from labkit.verification.form.session import Session
from labkit.verification.form.sheet import SIGNS

__all__ = ["COMPARE", "CUT", "LEGEND", "accepts", "keys", "marks", "not_written", "said", "where"]

COMPARE = "Your values are kept. The extracted ones are shown now: think again where they differ, then accept."
CUT = (
    "The last line of your file was cut off when the computer stopped; it is kept in the file that ends in .cut. "
    "Please look at your last case again."
)
AGAIN = "Page loaded again? Run this cell again."
GROUNDS = {"true": "#0072b2;color:#fff", "uncertain": "#f0b429;color:#111", "false": "#8a949c;color:#111"}
LEGEND = (
    '<span class="labkit-legend">'
    + "".join(f'<b style="background:{GROUNDS[value]}">{sign}</b>{value}' for value, sign in SIGNS.items())
    + " &nbsp;·&nbsp; framed: yours</span>"
)


def where(session: Session) -> str:
    """The case, what it is, and how far the reader has come."""
    done = session.progress()
    if session.study_id is None:
        return f"<b>No case here.</b> {html.escape(session.mode.says)} Choose other cases at the right."
    study_id, cases = session.study_id, session.cases
    place = f"case {session.position + 1:,} of {done.of:,} · {cases.site.get(study_id, '')} · {cases.place(study_id)}"
    words = ("read", "not yet read") if session.mode.studies() is None else ("settled", "open")
    state = words[0] if session.is_done() else "report alone" if session.alone() else words[1]
    badge = f'<span class="labkit-badge{" labkit-done" if session.is_done() else ""}">{state}</span>'
    mode = "" if session.mode.name == "normal" else f'<span class="labkit-badge">{session.mode.name}</span>'
    share = done.done / max(done.of, 1)
    pace = "" if done.pace_s is None else f" · {_duration(done.pace_s)} per case · {_duration(done.left_s)} left"
    return (
        f"<b>{html.escape(study_id)}</b> {html.escape(place)}{badge}{mode}"
        f'<div class="labkit-track"><span style="width:{share:.1%}"></span></div>'
        f'<div class="labkit-meter">{html.escape(session.reader)}: {done.done:,} of {done.of:,} {words[0]}{pace}</div>'
    )


def accepts(session: Session) -> str:
    """What the button says that decides all that is left."""
    if session.mode.first_action == "blind" and not session.alone():
        return "Accept all, next"
    return session.mode.accepts


def marks(*, was: str, reason: str, asks: bool, comment: str) -> tuple[tuple[str, str], ...]:
    """Signs behind a finding's name, each with what it means."""
    found = []
    if was:
        found.append((f"≠{SIGNS[was]}", f"extracted: {was}"))
    if reason:
        found.append(("!", f"worth a look: {reason}"))
    if asks:
        found.append(("⚑", "you ask a second reader"))
    if comment:
        found.append(("✎", comment))
    return tuple(found)


def keys(there: bool, *, pictures: bool = False, source: bool = False) -> str:
    """The list of keys, or that there are none; pictures, source : whether there are any to have keys."""
    if not there:
        return f'<span class="labkit-keys">Keys need the package anywidget; everything works by mouse. {AGAIN}</span>'
    shown = (*HELP, *(SOURCE_HELP if source else ()), *(PICTURE_HELP if pictures else ()))
    listed = " ".join(
        f"<span>{''.join(f'<kbd>{html.escape(key)}</kbd>' for key in names.split())} {html.escape(what)}</span>"
        for names, what in shown
    )
    return f'<div class="labkit-keys">{listed} <span>{AGAIN}</span></div>'


def not_written(error: Exception) -> str:
    """Why a decision is not on disk; a path, which may name people, is left out."""
    if not isinstance(error, OSError):
        return f"Not written. {error}"
    return (
        f"Not written. The folder of the reviews: {error.strerror or error}; "
        "make room or get the right to write there, then decide again."
    )


def said(text: str) -> str:
    return f'<span role="status">{html.escape(text)}</span>'


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
