"""The cohort: reports and radiographs of every site, linked, with pseudonyms; what is left out is listed.

Used by 01_extraction (which writes KEYS, STUDIES, IMAGES and EXCLUDED) and 02_verification (which shows the texts).
Pseudonyms are what people see; the key table stays in `build/`.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from labkit import corpus, identities, radiographs, tables
from labkit.corpus import Report
from labkit.deidentification import KnownIdentifiers
from labkit.errors import CorpusError
from labkit.hardware import names_hardware
from labkit.params import CohortSection

__all__ = ["Cohort", "intake", "texts"]

KEY = ["site", "report_id"]
SEXES = {"m": "M", "male": "M", "männlich": "M", "f": "F", "w": "F", "female": "F", "weiblich": "F", "d": "D", "o": "D"}


@dataclass(frozen=True)
class Cohort:
    """Tables KEYS (of reports at hand), STUDIES, IMAGES and EXCLUDED; never written: the reports by study_id, and who
    the headers of the radiographs name.
    """

    keys: pd.DataFrame
    studies: pd.DataFrame
    images: pd.DataFrame
    excluded: pd.DataFrame
    reports: dict[str, Report]
    in_headers: KnownIdentifiers

    @property
    def usable(self) -> list[tuple[str, str]]:
        """(study_id, text) of the studies that are used."""
        chosen = self.studies.loc[self.studies.usable == "true", "study_id"]
        return [(study_id, self.reports[study_id].text) for study_id in chosen]

    @property
    def identifiers(self) -> KnownIdentifiers:
        """Those of the reports' columns and of the radiographs' headers."""
        ids = KnownIdentifiers(ids=list(self.keys["patient_id"]))
        return identities.known_identifiers(self.reports) | ids | self.in_headers

    def flow(self) -> pd.DataFrame:
        """Reports and images per site: rows read, used, and left out by reason; for the cohort table of a report."""
        used = self.studies[self.studies.usable == "true"].groupby("site").size()
        rows = [{"site": s, "kind": "report", "reason": "used", "n": int(n)} for s, n in used.items()]
        used = self.images[self.images.usable == "true"].groupby("site").size()
        rows += [{"site": s, "kind": "image", "reason": "used", "n": int(n)} for s, n in used.items()]
        left_out = self.excluded.groupby(["site", "kind", "reason"]).size().rename("n").reset_index()
        return pd.concat([pd.DataFrame(rows), left_out]).sort_values(
            ["site", "kind", "n"], ascending=[True, False, False], ignore_index=True
        )


def intake(
    section: CohortSection,
    *,
    views: tuple[str, ...],
    resolve: Callable[[str], Path],
    keys_path: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Read every site's reports, index its images by their headers, and link the two.

    Parameters
    ----------
    views : the template's views; a study needs one image of each.
    resolve : makes a path of the params absolute.
    keys_path : KEYS of an earlier run; its pseudonyms are kept, also those of reports that are missing this time, and
        new reports get new ones. It is written here.

    Raises
    ------
    CorpusError : a reports file cannot be read, or no study is left.
    """
    read = {name: corpus.load(resolve(site.reports), site.columns) for name, site in section.sites.items()}
    earlier = (
        tables.read(keys_path, tables.KEYS) if keys_path.exists() else pd.DataFrame(columns=tables.KEYS.all_columns)
    )
    keys = _numbered(read, earlier)
    reports = _by_study(read, keys)
    indexed = _index(section, resolve, progress)
    linked = _link(section, keys, reports, indexed, views=views)
    keys = _with_patients(keys, earlier, linked)
    # A report that is missing today (a broken row) may be back tomorrow: its readings belong to its pseudonym.
    gone = earlier[~earlier.study_id.isin(keys.study_id)]
    tables.write(pd.concat([keys, gone]).sort_values("study_id"), keys_path, tables.KEYS)
    studies = _studies(keys, reports, linked)
    images = linked.images if linked else pd.DataFrame(columns=list(tables.IMAGES.all_columns))
    if not (studies.usable == "true").any():
        reasons = studies.reason.value_counts()
        raise CorpusError(
            f"no study is left of {len(studies)} reports; the most frequent reason: {reasons.index[0]} "
            f"({reasons.iloc[0]} times). Check cohort.link_by, the columns and view_rules in the params."
        )
    return Cohort(keys, studies, images, _excluded(read, studies, images), reports, identities.in_headers(indexed))


def texts(section: CohortSection, *, resolve: Callable[[str], Path], keys_path: Path) -> dict[str, Report]:
    """The reports by study_id, read again for a person to look at."""
    read = {name: corpus.load(resolve(site.reports), site.columns) for name, site in section.sites.items()}
    return _by_study(read, tables.read(keys_path, tables.KEYS))


def _numbered(read: dict[str, corpus.Corpus], earlier: pd.DataFrame) -> pd.DataFrame:
    """KEYS of the reports at hand, still without patients."""
    rows = [
        {"site": site, **{c: getattr(r, c) for c in ("report_id", "accession_number", "patient_id", "study_uid")}}
        for site, content in read.items()
        for r in content.reports
    ]
    keys = pd.DataFrame(rows)
    known = {tuple(k): s for *k, s in earlier[[*KEY, "study_id"]].itertuples(index=False)}
    keys["study_id"] = _pseudonyms(list(keys[KEY].itertuples(index=False, name=None)), known, "S")
    return keys.sort_values("study_id", ignore_index=True)


def _with_patients(keys: pd.DataFrame, earlier: pd.DataFrame, linked) -> pd.DataFrame:
    """KEYS: where the file gives no patient id, the one of the study's images (now, or in an earlier run) counts.

    Without any, every study stands for a patient of its own.
    """
    known = dict(zip(earlier["study_id"], earlier["patient_id"]))
    if linked is not None:
        known |= {s: p for s, p in zip(linked.studies["study_id"], linked.studies["patient_id"]) if p}
    own = [given or known.get(study_id, "") for given, study_id in zip(keys["patient_id"], keys["study_id"])]
    keys = keys.assign(patient_id=own)
    people = {tuple(k): p for *k, p in _persons(earlier).assign(p=earlier["patient"]).itertuples(index=False)}
    keys["patient"] = _pseudonyms(list(_persons(keys).itertuples(index=False, name=None)), people, "P")
    return tables.check(keys, tables.KEYS)


def _persons(keys: pd.DataFrame) -> pd.DataFrame:
    """Columns site and person, equal for the studies of one patient."""
    person = keys["patient_id"].where(keys["patient_id"] != "", "study of report " + keys["report_id"])
    return pd.DataFrame({"site": keys["site"], "person": person})


def _pseudonyms(identities: list[tuple[str, str]], known: dict[tuple, str], letter: str) -> list[str]:
    """`S-0001` and on: earlier ones kept, new ones in an order that says nothing of dates or names."""
    new = sorted(
        {i for i in identities if i not in known}, key=lambda i: hashlib.sha256("\x00".join(i).encode()).digest()
    )
    first = 1 + max((int(p.split("-")[1]) for p in known.values()), default=0)
    width = max(4, len(str(first + len(new))))
    numbered = known | {identity: f"{letter}-{first + n:0{width}d}" for n, identity in enumerate(new)}
    return [numbered[i] for i in identities]


def _by_study(read: dict[str, corpus.Corpus], keys: pd.DataFrame) -> dict[str, Report]:
    study_ids = {(site, report_id): s for site, report_id, s in keys[[*KEY, "study_id"]].itertuples(index=False)}
    found = {study_ids.get((site, r.report_id)): r for site, content in read.items() for r in content.reports}
    found.pop(None, None)
    return dict(sorted(found.items()))


def _index(section, resolve, progress):
    """One row per file of all sites, or None where they have no images."""
    if not section.has_images:
        return None
    indexes = []
    for name, site in section.sites.items():
        folder, rules = resolve(site.images), site.image_rules
        found = radiographs.index(folder, rules=rules, progress=progress)
        several = section.radiographs.several_images
        found = radiographs.measure(found, folder, view_rules=section.view_rules, rules=rules, several_images=several)
        indexes.append(found.assign(site=name))
    return pd.concat(indexes, ignore_index=True)


def _link(section, keys, reports, indexed, *, views):
    """Studies and images linked, or None where the sites have no images."""
    if indexed is None:
        return None
    dates = {study_id: report.study_date for study_id, report in reports.items()}
    wanted = keys[["study_id", "site", "accession_number", "study_uid", "patient_id"]]
    return radiographs.link(
        wanted.assign(study_date=wanted.study_id.map(dates)),
        indexed,
        by=section.link_by,
        views=views,
        view_rules=section.view_rules,
        missing_view=section.missing_view,
        several_images=section.radiographs.several_images,
    )


def _studies(keys: pd.DataFrame, reports: dict[str, Report], linked) -> pd.DataFrame:
    studies = keys[["study_id", "patient", "site"]].copy()
    own = [reports[study_id] for study_id in studies.study_id]
    studies["text_sha256"] = [report.text_sha256 for report in own]
    studies["study_date"] = [report.study_date for report in own]
    studies["sex"] = [SEXES.get(report.sex.casefold(), report.sex) for report in own]
    studies["age"] = [_age(report) for report in own]
    studies["hardware"] = [str(names_hardware(report.text)).lower() for report in own]
    if linked is None:
        studies["usable"], studies["reason"] = "true", ""
    else:
        judged = linked.studies.set_index("study_id").loc[studies.study_id]
        studies["usable"], studies["reason"] = judged["usable"].to_numpy(), judged["reason"].to_numpy()
    return tables.check(studies, tables.STUDIES)


def _age(report: Report) -> str:
    """Whole years: as given, else from birth to study; empty where unknown."""
    given = re.match(r"0*(\d{1,3})", report.age)
    if given:
        return given[1]
    born, taken = (_date(text) for text in (report.birth_date, report.study_date))
    if born is None or taken is None:
        return ""
    return str(taken.year - born.year - ((taken.month, taken.day) < (born.month, born.day)))


def _date(text: str) -> pd.Timestamp | None:
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%Y%m%d"):
        date = pd.to_datetime(text, format=form, errors="coerce")
        if not pd.isna(date):
            return date
    return None


def _excluded(read: dict[str, corpus.Corpus], studies: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """One row per report row, study or image that is not used; `detail` (a path) is for `build/` only."""
    rows = [
        {"site": site, "kind": "report", "item": f"row {row.row}", "reason": row.reason, "detail": row.report_id}
        for site, content in read.items()
        for row in content.rejected.itertuples()
    ]
    rows += [
        {"site": s.site, "kind": "report", "item": s.study_id, "reason": s.reason, "detail": ""}
        for s in studies[studies.usable == "false"].itertuples()
    ]
    rows += [
        {"site": i.site, "kind": "image", "item": i.image_id, "reason": i.reason, "detail": i.path}
        for i in images[images.usable == "false"].itertuples()
    ]
    return tables.check(pd.DataFrame(rows, columns=list(tables.EXCLUDED.all_columns)), tables.EXCLUDED)
