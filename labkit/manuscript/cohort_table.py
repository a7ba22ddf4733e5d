"""Table 1: who was studied, by site and split; counted from STUDIES, IMAGES and LABELS; used by 05_figures."""

import pandas as pd

from labkit.manuscript import suppression
from labkit.manuscript.material import Material
from labkit.manuscript.numbers import DASH, count, plural, share
from labkit.manuscript.sheets import HEADING, INDENTED, Row, Sheet

__all__ = ["cohort_table"]

SEXES = {"F": "Female", "M": "Male", "D": "Other", "": "Not recorded"}
SPLIT_WORDS = {"train": "training", "validation": "validation", "test": "test", "external": "test"}
VALUES = {"true": "Stated as true", "uncertain": "Stated as uncertain"}
Counts = dict[tuple, int]


def cohort_table(material: Material) -> Sheet:
    """Table 1; a column per site and split. Counts of `evaluation.min_cell` and fewer are suppressed."""
    cases, groups = material.cases, material.groups
    by_group = {group: cases[(cases["site"] == group[0]) & (cases["split"] == group[1])] for group in groups}
    rows = [
        Row(("Studies", *(count(len(by_group[group])) for group in groups))),
        Row(("Patients", *(count(by_group[group]["patient"].nunique()) for group in groups))),
        *_images(material, by_group),
        Row(("Age in years, median (IQR)", *(_age(by_group[group], material) for group in groups))),
        *_unknown_age(material, by_group),
        *_hardware(material, by_group),
        Row(("Sex, studies",), HEADING),
        *_sexes(material, by_group),
        *_findings(material, by_group),
    ]
    name_cm, others_cm = 5.8, min(3.2, (10.8 if len(groups) < 5 else 19.0) / max(len(groups), 1))
    return Sheet(
        number=1,
        name="cohort",
        title=f"Characteristics of the studies of the {material.anatomy} by site and data partition",
        head=("Characteristic", *(f"{site}, {SPLIT_WORDS[split]}" for site, split in groups)),
        rows=tuple(rows),
        notes=_notes(material),
        widths=(name_cm, *[others_cm] * len(groups)),
        landscape=len(groups) > 4,
    )


def _images(material: Material, by_group: dict) -> list[Row]:
    """Usable radiographs, all and by view."""
    used = material.images[material.images["usable"] == "true"]
    rows = [Row(("Radiographs", *(count(used["study_id"].isin(own["study_id"]).sum()) for own in by_group.values())))]
    for view in sorted(used["view"].unique()):
        of_view = used[used["view"] == view]
        counts = {group: int(of_view["study_id"].isin(own["study_id"]).sum()) for group, own in by_group.items()}
        rows.append(
            Row((f"{view.capitalize() if len(view) > 3 else view} view", *map(count, counts.values())), INDENTED)
        )
    without = {group: int((~own["study_id"].isin(used["study_id"])).sum()) for group, own in by_group.items()}
    if any(without.values()):
        rows.append(_row("Studies without a usable radiograph", without, material, INDENTED))
    return rows


def _years(own: pd.DataFrame) -> pd.Series:
    return pd.to_numeric(own["age"], errors="coerce").dropna()


def _age(own: pd.DataFrame, material: Material) -> str:
    known = _years(own)
    if len(known) < max(material.evaluation.min_cell, 1):
        return DASH
    middle, low, high = (known.quantile(q) for q in (0.5, 0.25, 0.75))
    return f"{middle:.0f} ({low:.0f}–{high:.0f})"


def _unknown_age(material: Material, by_group: dict) -> list[Row]:
    counts = {group: len(own) - len(_years(own)) for group, own in by_group.items()}
    return [_row("Age not recorded", counts, material, INDENTED)] if any(counts.values()) else []


def _sexes(material: Material, by_group: dict) -> list[Row]:
    """A row per sex that occurs; the sexes of a group add up to its studies, so that one hidden hides another."""
    coded = {group: own["sex"].where(own["sex"].isin(SEXES), "") for group, own in by_group.items()}
    counts: Counts = {(sex, g): int((own == sex).sum()) for g, own in coded.items() for sex in SEXES}
    counts |= {("all", group): len(own) for group, own in by_group.items()}
    lines = []
    for group in by_group:
        parts = sorted(SEXES, key=lambda sex, group=group: counts[sex, group])
        lines.append([*((sex, group) for sex in parts), ("all", group)])
    hiding = suppression.hidden(counts, lines, min_cell=material.evaluation.min_cell)
    rows = []
    for sex, word in SEXES.items():
        if any(counts[sex, group] for group in by_group):
            cells = [_cell((sex, group), counts, hiding, len(own), material) for group, own in by_group.items()]
            rows.append(Row((word, *cells), INDENTED))
    return rows


def _hardware(material: Material, by_group: dict) -> list[Row]:
    counts = {group: int((own["hardware"] == "true").sum()) for group, own in by_group.items()}
    return [_row("Report names hardware or a cast", counts, material, totals={g: len(o) for g, o in by_group.items()})]


def _findings(material: Material, by_group: dict) -> list[Row]:
    """Per value the findings in the template's order; a finding without a case of the value anywhere is left out."""
    rows = []
    numbers = material.labels.groupby(["value", "finding", "site", "split"]).size()
    sizes = {group: len(own) for group, own in by_group.items()}
    for value, title in VALUES.items():
        listed = []
        for finding in material.findings:
            counts = {group: int(numbers.get((value, finding, *group), 0)) for group in by_group}
            if any(counts.values()):
                listed.append(_row(finding, counts, material, INDENTED, totals=sizes))
        if listed:
            rows += [Row((f"{title}, studies",), HEADING), *listed]
    return rows


def _row(name: str, counts: Counts, material: Material, kind: str = "plain", *, totals: Counts | None = None) -> Row:
    """A row of counts that do not add up to anything shown; `totals` by the same keys give percentages."""
    hiding = suppression.hidden(counts, [], min_cell=material.evaluation.min_cell)
    totals = totals or dict.fromkeys(counts, 0)
    return Row((name, *(_cell(key, counts, hiding, totals[key], material) for key in counts)), kind)


def _cell(key: tuple, counts: Counts, hiding: frozenset, total: int, material: Material) -> str:
    if key in hiding:
        return suppression.shown(key, counts, hiding, min_cell=material.evaluation.min_cell)
    return share(counts[key], total)


def _notes(material: Material) -> tuple[str, ...]:
    settings = material.evaluation
    said = (
        "Numbers are studies, with percentages of the studies of the column in parentheses, unless stated otherwise. "
        "A study is one report with its radiographs."
    )
    values = (
        "Values are what the report says: as verified where a label was verified, else as extracted. The remaining "
        "studies of a finding are false, which includes findings that the report does not mention; findings without "
        "a study of a value are not listed."
    )
    small = (
        f"Counts from 1 to {settings.min_cell - 1} are shown as <{settings.min_cell}; a count that would give one of "
        f"them away by subtraction is shown as ≥{settings.min_cell} or <{settings.min_cell}."
    )
    notes = [said, values, *([small] if settings.min_cell > 1 else []), "IQR, interquartile range."]
    left_out = material.studies[material.studies["usable"] != "true"]
    if len(left_out):
        notes.insert(1, f"{plural(len(left_out), 'study', 'studies')} could not be used and "
                        f"{'is' if len(left_out) == 1 else 'are'} not in this table.")  # fmt: skip
    return tuple(notes)
