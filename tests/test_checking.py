"""What `labkit check` says: every fault at once, what the inputs hold, what would run; and that it changes nothing."""

import re

import pytest

from labkit import checking
from labkit.layout import ROOT

OWN = (ROOT / "params" / "elbow.yaml").read_text(encoding="utf-8")
DEMO = ROOT / "params" / "demo" / "elbow.yaml"
NAME = "Gundula Beispielfrau"
TEXT = f"Patientin {NAME}: Olekranonfraktur."
COLUMNS = "report_id,report,accession_number,patient_id,study_date,sex,birth_date"


def row(number, text=TEXT):
    return f"{number},{text},A{number},P{number},2024-05-31,W,1960-02-01"


def hospital(tmp_path, *rows, header=COLUMNS, images=3, change=()):
    """A copy of the shipped params file with inputs of its own beside it."""
    data = tmp_path / "data" / "elbow"
    if images is not None:
        (data / "dicom" / "deep").mkdir(parents=True)
        for n in range(images):
            (data / "dicom" / "deep" / f"{n}.dcm").write_bytes(b"not read")
    data.mkdir(parents=True, exist_ok=True)
    (data / "reports.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    text = OWN if images is not None else re.sub(r"images: data\S+", "images: null", OWN)
    for old, new in change:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "elbow.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def check(*paths):
    said = []
    return checking.check(list(paths), say=said.append), said


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_study_that_is_ready_says_what_it_holds_and_what_would_run(tmp_path):
    path = hospital(tmp_path, row(1), row(2))
    before = files(tmp_path)
    code, said = check(path)
    assert code == 0
    assert said[:3] == [
        "elbow.yaml: study my_study, elbow, 29 findings, policies inclusive, exclusive",
        "  internal: 2 reports in 2 rows",
        "    3 files in the image folder",
    ]
    n_steps = 2 + 3 * 2 + 2
    assert said[3] == f"{n_steps} steps would run:" and len(said) == 4 + n_steps
    assert files(tmp_path) == before, "nothing was made or changed"


def test_rows_that_are_not_used_are_counted_by_reason(tmp_path):
    path = hospital(tmp_path, row(1), row(2, ""), row(3, ""), "4,too,few", "5,too,few", row(1), row(6))
    code, said = check(path)
    assert code == 0
    assert said[1] == "  internal: 2 reports in 7 rows"
    counted = {line.strip() for line in said if "rows are not used" in line}
    assert counted == {
        "2 rows are not used: the report text is empty",
        "2 rows are not used: has 3 fields where the header has 7",
        "1 rows are not used: the row repeats an earlier report with the same id and text",
    }


def test_without_radiographs_only_extraction_and_verification_would_run(tmp_path):
    code, said = check(hospital(tmp_path, row(1), images=None))
    assert code == 0
    assert "    no radiographs: extraction and verification only" in said
    assert said[3] == "2 steps would run:"
    assert [line.split("  ")[1].split()[-1] for line in said[4:]] == ["extraction", "verification"]


def test_a_synthetic_study_says_how_many_studies_it_would_make(tmp_path):
    path = tmp_path / "demo.yaml"
    path.write_text(DEMO.read_text(encoding="utf-8").replace("n_internal: 250", "n_internal: 33"), encoding="utf-8")
    code, said = check(path)
    assert code == 0
    assert said[1] == "  synthetic cohort: 33 internal and 100 external studies"
    assert said[2] == "11 steps would run:"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (
            COLUMNS.replace("accession_number", "number"),
            [row(1)],
            "reports.csv: the column 'accession_number' (for accession_number) is not there; the file has report_id, "
            "report, number, patient_id, study_date, sex, birth_date.",
        ),
        (COLUMNS, [row(1, "")], "reports.csv: none of 1 rows holds a report id and a text."),
        (COLUMNS.replace("sex", "report"), [row(1)], "reports.csv: the column 'report' stands twice in the header"),
    ],
    ids=["column", "rows", "header"],
)
def test_reports_that_cannot_be_used_are_a_fault_of_their_key(tmp_path, header, rows, message):
    code, said = check(hospital(tmp_path, *rows, header=header))
    assert code == 2
    assert said[1].startswith(f"elbow.yaml: cohort.sites.internal.reports: {message}")
    assert said[2:] == ["1 fault; nothing was run."]


def test_every_fault_of_every_file_is_said_and_the_sound_files_are_still_looked_at(tmp_path):
    sound = hospital(tmp_path, row(1))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        sound.read_text(encoding="utf-8").replace("batch_size: 4", "batch_size: 0").replace("epochs: 25", "epoch: 25"),
        encoding="utf-8",
    )
    missing = tmp_path / "missing.yaml"
    code, said = check(wrong, missing, sound)
    assert code == 2
    assert said[1] == "  internal: 1 reports in 1 rows"
    faults = said[3:-1]
    assert [fault.split(": ")[0] for fault in faults] == [str(wrong), str(wrong), str(missing)]
    assert said[-1] == "3 faults; nothing was run."


def test_inputs_that_are_not_there_are_faults(tmp_path):
    path = tmp_path / "elbow.yaml"
    path.write_text(OWN, encoding="utf-8")
    code, said = check(path)
    assert code == 2
    assert [fault.split(": ")[1] for fault in said[:-1]] == [
        "cohort.sites.internal.reports",
        "cohort.sites.internal.images",
    ]
    assert said[-1] == "2 faults; nothing was run."


@pytest.mark.parametrize("rows", [[row(1)], [row(1), row(1, "Anderer Befund."), row(2)], [f'1,"{NAME}']])
def test_no_report_text_or_name_is_said(tmp_path, rows):
    _, said = check(hospital(tmp_path, *rows))
    assert NAME not in "\n".join(said) and "Befund" not in "\n".join(said)


def test_a_network_that_is_not_known_is_said_before_hours_of_work(tmp_path):
    change = [("backbone: resnet50 ", "backbone: resnet51 ")]
    code, said = check(hospital(tmp_path, row(1), change=change))
    assert code == 2
    assert said[-2].startswith("elbow.yaml: training.backbone 'resnet51' is not known to torchvision; near it are")
    (tmp_path / "other").mkdir()
    assert check(hospital(tmp_path / "other", row(1), images=None, change=change))[0] == 0, "nothing is trained"
