"""Which cases of a review are shown: all, or those that a reader looks for."""

from collections.abc import Collection

from labkit.verification.form.cases import Cases
from labkit.verification.form.journal import Journal

__all__ = ["FILTERS", "TELLING", "is_shown"]

FILTERS = {
    "all": "all cases",
    "open": "not yet read",
    "done": "read",
    "asked": "where I ask",
    "comments": "with my comments",
    "changed": "where I changed a value",
    "uncertain": "with an uncertain label",
}
TELLING = ("changed", "uncertain")  # filters that tell extracted values, as those by finding do


def is_shown(name: str, study_id: str, *, cases: Cases, journal: Journal, done: Collection[str]) -> bool:
    """Whether a case fits one of `FILTERS`, or has a finding of that name that is not false.

    done : cases that the reader has read.
    """
    if name in ("open", "done"):
        return (study_id in done) == (name == "done")
    values = cases.extracted[study_id]
    if name == "uncertain":
        return "uncertain" in values.values()
    if name in ("asked", "comments"):
        has = journal.asked if name == "asked" else journal.comment
        return any(has(study_id, finding) for finding in ("", *values))
    if name == "changed":
        own = ((finding, journal.own(study_id, finding, "report")) for finding in values)
        return any(decision and decision.value != values[finding] for finding, decision in own)
    return values.get(name, "false") != "false" if name in cases.names else True
