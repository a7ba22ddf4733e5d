"""What the de-identification gate took out of the reports of a run: counts by type and site, never a removed string.

Used by 01_extraction: a `Counter` stands where the gate would and remembers how many placeholders each text got.
"""

import hashlib
from collections.abc import Iterable

import pandas as pd

from labkit.deidentification import Cleaned, Gate
from labkit.deidentification.spans import TYPES

__all__ = ["Counter"]


class Counter:
    """A gate that counts: `clean` is the gate's own, `by_site` says afterwards what was replaced."""

    def __init__(self, gate: Gate):
        self.gate = gate
        self._counts: dict[bytes, dict[str, int]] = {}

    def clean(self, text: str) -> Cleaned:
        """The text with placeholders, as the gate gives it."""
        cleaned = self.gate.clean(text)
        self._counts[_digest(text)] = cleaned.counts
        return cleaned

    def by_site(self, reports: Iterable[tuple[str, str]], sites: dict[str, str]) -> pd.DataFrame:
        """One row per site: reports cleaned, those with a placeholder, and placeholders by type.

        Parameters
        ----------
        reports : (study_id, text) pairs of the run.
        sites : site by study_id.

        Returns
        -------
        Empty where no text was cleaned, since none was to be sent.
        """
        rows = []
        for study_id, text in reports:
            counts = self._counts.get(_digest(text))
            if counts is not None:
                rows.append({"site": sites[study_id], "reports": 1, "with placeholders": int(bool(counts)), **counts})
        if not rows:
            return pd.DataFrame(columns=["site", "reports", "with placeholders"])
        counted = pd.DataFrame(rows).groupby("site", sort=False).sum().astype("int64")
        kinds = [kind for kind in TYPES if kind in counted]
        return counted[["reports", "with placeholders", *kinds]].reset_index()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
