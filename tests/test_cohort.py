"""Reports and radiographs, linked, with pseudonyms that stay."""

import shutil

import pandas as pd
import pydicom
import pytest

from labkit import cohort, identities, synthetic, tables, templates
from labkit.delimited import read_csv
from labkit.errors import CorpusError
from labkit.params import CohortSection

TEMPLATE = templates.load("clavicle")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    synthetic.generate(TEMPLATE, synthetic.Settings(seed=2, n_internal=20, n_external=6, image_size_px=32), folder)
    return folder


def section(made, *, images=True, reports="internal/reports.csv"):
    columns = dict(synthetic.COLUMNS["internal"])
    site = {
        "test_only": False,
        "reports": str(made / reports),
        "images": str(made / "internal" / "dicom") if images else None,
        "columns": columns,
    }
    return CohortSection(link_by="accession_number", missing_view="drop", view_rules=(), sites={"internal": site})


def intake(made, tmp_path, **changes):
    return cohort.intake(
        section(made, **changes), views=TEMPLATE.views, resolve=lambda p: made / p, keys_path=tmp_path / "keys.csv"
    )


def test_all_tables_keep_their_contracts(made, tmp_path):
    found = intake(made, tmp_path)
    for name in ("KEYS", "STUDIES", "IMAGES", "EXCLUDED"):
        tables.check(getattr(found, name.lower()), getattr(tables, name))
    assert len(found.usable) == 20
    assert found.flow().groupby("kind")["n"].sum().to_dict() == {"image": 20, "report": 20}


def test_pseudonyms_tell_nothing_and_stay_when_reports_are_added(made, tmp_path):
    table = read_csv(made / "internal" / "reports.csv").table
    half = tmp_path / "half.csv"
    half.write_bytes(table.iloc[10:].to_csv(index=False, sep=";").encode())
    early = cohort.intake(
        section(made, reports=str(half)),
        views=TEMPLATE.views,
        resolve=lambda p: made / p,
        keys_path=tmp_path / "keys.csv",
    )
    later = intake(made, tmp_path)
    before = early.keys.set_index("report_id")[["study_id", "patient"]]
    after = later.keys.set_index("report_id")[["study_id", "patient"]]
    assert after.loc[before.index].equals(before)
    assert len(after) == 20 and after["study_id"].is_unique
    in_order = later.keys.sort_values("report_id")["study_id"].tolist()
    assert in_order != sorted(in_order), "numbers do not follow the report ids"


def test_a_report_that_was_missing_for_a_while_gets_its_pseudonyms_back(made, tmp_path):
    first = intake(made, tmp_path).keys
    table = read_csv(made / "internal" / "reports.csv").table
    (tmp_path / "fewer.csv").write_text(table.iloc[6:].to_csv(index=False, sep=";"), encoding="utf-8")
    between = intake(made, tmp_path, reports=str(tmp_path / "fewer.csv"))
    assert len(between.keys) == len(between.studies) == 14
    added = table.iloc[:1].assign(**{"Befund-ID": "new", "Anforderungsnummer": "none"})
    grown = pd.concat([table.iloc[6:], added])
    (tmp_path / "grown.csv").write_text(grown.to_csv(index=False, sep=";"), encoding="utf-8")
    new = intake(made, tmp_path, reports=str(tmp_path / "grown.csv")).keys.set_index("report_id").loc["new"]
    assert new["study_id"] not in set(first["study_id"]), "a number is never given twice"
    last = intake(made, tmp_path).keys
    assert last.equals(first)
    written = tables.read(tmp_path / "keys.csv", tables.KEYS)
    assert len(written) == 21 and written["study_id"].is_unique


def test_a_patients_studies_share_a_pseudonym(made, tmp_path):
    keys = intake(made, tmp_path).keys
    assert (keys.groupby("patient_id")["patient"].nunique() == 1).all()
    assert keys["patient"].nunique() == keys["patient_id"].nunique()


def without_patient_ids(made, tmp_path):
    """A section whose file of reports has no patient ids, and whose images have them."""
    columns = {field: name for field, name in synthetic.COLUMNS["internal"].items() if field != "patient_id"}
    site = {"test_only": False, "reports": str(made / "internal" / "reports.csv"), "columns": columns}
    site["images"] = str(tmp_path / "dicom")
    shutil.copytree(made / "internal" / "dicom", tmp_path / "dicom")
    return CohortSection(link_by="accession_number", missing_view="drop", view_rules=(), sites={"internal": site})


def test_studies_of_a_patient_stay_together_where_only_the_images_name_the_patient(made, tmp_path):
    options = {"views": TEMPLATE.views, "resolve": lambda p: made / p, "keys_path": tmp_path / "keys.csv"}
    known = intake(made, tmp_path / "known").keys
    cut = without_patient_ids(made, tmp_path)
    found = cohort.intake(cut, **options)
    of_patient = known.groupby("patient_id")["study_id"].apply(sorted).tolist()
    assert any(len(group) > 1 for group in of_patient), "the cohort has a patient with two studies"
    assert sorted(found.keys.groupby("patient")["study_id"].apply(sorted)) == sorted(of_patient)
    for path in (tmp_path / "dicom").rglob("*.dcm"):
        anonymous = pydicom.dcmread(path)
        anonymous.PatientID = ""
        anonymous.save_as(path)
    again = cohort.intake(cut, **options)
    assert again.keys.equals(found.keys), "what an earlier run knew still holds"


def test_without_any_patient_id_every_study_stands_for_itself(made, tmp_path):
    columns = {field: name for field, name in synthetic.COLUMNS["internal"].items() if field != "patient_id"}
    site = {"test_only": False, "reports": str(made / "internal" / "reports.csv"), "images": None, "columns": columns}
    alone = CohortSection(link_by="accession_number", missing_view="drop", view_rules=(), sites={"internal": site})
    keys = cohort.intake(alone, views=(), resolve=lambda p: made / p, keys_path=tmp_path / "keys.csv").keys
    assert keys["patient"].nunique() == 20


def test_what_is_left_out_is_listed_with_its_reason(made, tmp_path):
    broken = tmp_path / "dicom"
    shutil.copytree(made / "internal" / "dicom", broken)
    cut, foreign, *_ = sorted(broken.rglob("*.dcm"))
    cut.write_bytes(cut.read_bytes()[:900])
    foreign.write_bytes(b"no image")
    raw = (made / "internal" / "reports.csv").read_bytes()
    rows = read_csv(made / "internal" / "reports.csv").table
    doubled = rows.iloc[[0]].to_csv(index=False, header=False, sep=";", lineterminator="\r\n").encode()
    (tmp_path / "r.csv").write_bytes(raw + doubled + b"lost;fields\r\n")
    two = section(made, reports=str(tmp_path / "r.csv")).sites["internal"]
    two = two.model_copy(update={"images": str(broken)})
    sites = section(made).model_copy(update={"sites": {"internal": two}})
    found = cohort.intake(sites, views=TEMPLATE.views, resolve=lambda p: made / p, keys_path=tmp_path / "keys.csv")
    excluded = found.excluded.set_index(["kind", "item"])
    assert excluded.loc[("report", "row 21"), "reason"] == "the row repeats an earlier report with the same id and text"
    assert excluded.loc[("report", "row 22"), "reason"].endswith("has 2 fields where the header has 8")
    images = found.excluded[found.excluded.kind == "image"]
    assert len(images) == 2 and images.reason.ne("").all()
    assert set(images.detail) == {path.relative_to(broken).as_posix() for path in (cut, foreign)}
    assert len(found.usable) == 18 and len(found.studies) == 20
    left_out = found.flow().query("reason != 'used'")
    assert left_out.groupby("kind")["n"].sum().to_dict() == {"image": 2, "report": 4}


def test_two_sites_never_share_a_patient_and_ids_may_repeat(made, tmp_path):
    home = section(made, images=False).sites["internal"]
    sites = {"internal": home, "external": home.model_copy(update={"test_only": True})}
    both = CohortSection(link_by="accession_number", missing_view="drop", view_rules=(), sites=sites)
    keys = cohort.intake(both, views=(), resolve=lambda p: made / p, keys_path=tmp_path / "keys.csv").keys
    assert len(keys) == 40 and keys["study_id"].is_unique
    assert (keys.groupby("patient")["site"].nunique() == 1).all()


def test_without_images_every_report_is_used(made, tmp_path):
    found = intake(made, tmp_path, images=False)
    assert len(found.usable) == 20 and len(found.images) == 0


def test_texts_are_found_again_by_pseudonym(made, tmp_path):
    found = intake(made, tmp_path)
    again = cohort.texts(section(made), resolve=lambda p: made / p, keys_path=tmp_path / "keys.csv")
    assert again == found.reports


def test_known_identifiers_are_those_of_the_columns(made, tmp_path):
    found = intake(made, tmp_path)
    known = identities.known_identifiers(found.reports)
    assert set(found.keys["accession_number"]) <= set(known.ids)
    assert len(known.dates) > 10


def test_a_patients_number_that_only_the_radiographs_give_is_an_identifier_too(made, tmp_path):
    options = {"views": TEMPLATE.views, "resolve": lambda p: made / p, "keys_path": tmp_path / "keys.csv"}
    found = cohort.intake(without_patient_ids(made, tmp_path), **options)
    numbers = set(found.keys["patient_id"]) - {""}
    assert len(numbers) > 10 and not numbers & set(identities.known_identifiers(found.reports).ids)
    assert numbers | set(found.keys["accession_number"]) <= set(found.identifiers.ids)


def test_names_and_birth_dates_of_headers_are_identifiers_too(made, tmp_path):
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in (made / "internal" / "dicom").rglob("*.dcm")]
    found = intake(made, tmp_path).identifiers
    assert {str(header.PatientName) for header in headers} <= set(found.names)
    assert {header.PatientBirthDate for header in headers} - {""} <= set(found.dates)
    assert {header.AccessionNumber for header in headers} - {""} <= set(found.ids)


def test_when_nothing_links_the_most_frequent_reason_is_named(made, tmp_path):
    wrong = section(made).model_copy(update={"link_by": "study_uid"})
    with pytest.raises(CorpusError, match="no study is left of 20 reports; the most frequent reason"):
        cohort.intake(wrong, views=TEMPLATE.views, resolve=lambda p: made / p, keys_path=tmp_path / "keys.csv")


@pytest.mark.parametrize(
    ("age", "born", "taken", "expected"),
    [
        ("054Y", "", "", "54"),
        ("", "31.12.1980", "2020-12-30", "39"),
        ("", "19801231", "31.12.2020", "40"),
        ("", "", "", ""),
    ],
)
def test_age_is_given_or_whole_years(age, born, taken, expected):
    report = cohort.Report(row=1, report_id="1", text="x", age=age, birth_date=born, study_date=taken)
    assert cohort._age(report) == expected
