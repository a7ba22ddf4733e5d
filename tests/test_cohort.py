"""Reports and radiographs, linked, with pseudonyms that stay."""

import pytest

from labkit import cohort, synthetic, tables, templates
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
    content = (made / "internal" / "reports.csv").read_bytes()
    header = content.split(b"\r\n" if b"\r\n" in content else b"\n")[0]
    from labkit.delimited import read_csv

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
    assert header.startswith(b"\xef\xbb\xbf")


def test_a_patients_studies_share_a_pseudonym(made, tmp_path):
    keys = intake(made, tmp_path).keys
    assert (keys.groupby("patient_id")["patient"].nunique() == 1).all()
    assert keys["patient"].nunique() == keys["patient_id"].nunique()


def test_without_images_every_report_is_used(made, tmp_path):
    found = intake(made, tmp_path, images=False)
    assert len(found.usable) == 20 and len(found.images) == 0


def test_texts_are_found_again_by_pseudonym(made, tmp_path):
    found = intake(made, tmp_path)
    again = cohort.texts(section(made), resolve=lambda p: made / p, keys_path=tmp_path / "keys.csv")
    assert again == found.reports


def test_known_identifiers_are_those_of_the_columns(made, tmp_path):
    found = intake(made, tmp_path)
    known = cohort.known_identifiers(found.reports)
    assert set(found.keys["accession_number"]) <= set(known.ids)
    assert len(known.dates) > 10


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
