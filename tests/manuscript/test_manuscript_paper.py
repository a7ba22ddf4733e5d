"""All of a manuscript as files: complete, the same bytes each time, and without paths, pseudonyms or dates."""

import io
import re
import zipfile

import pytest

from labkit import manuscript

STEMS = {"table_1_cohort", "table_2_extraction", "table_3_performance"}
LISTS = {"checklist_claim_2024", "checklist_tripod_ai_2024", "checklist_stard_ai_2025", "checklist_mi_clear_llm_2025"}


@pytest.fixture(scope="module")
def paper(material):
    return manuscript.typeset(material)


@pytest.fixture(scope="module")
def files(paper, tmp_path_factory):
    return manuscript.write(paper, tmp_path_factory.mktemp("manuscript"))


def content(path):
    """The text of a file, of a Word file that of its parts."""
    if path.suffix != ".docx":
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        return "".join(archive.read(name).decode("utf-8") for name in archive.namelist() if name.endswith(".xml"))


def test_every_table_and_list_is_there_in_every_format(files):
    wanted = {f"{stem}.{end}" for stem in STEMS for end in ("html", "csv", "tex", "docx")}
    wanted |= {f"{stem}.{end}" for stem in (*LISTS, "methods") for end in ("html", "docx")} | {"references.bib"}
    assert {path.name for path in files} == wanted and len(files) == len(wanted)


def test_the_same_paper_gives_the_same_bytes(paper, files, tmp_path):
    again = manuscript.write(paper, tmp_path)
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in again]


def test_no_file_names_a_study_a_patient_a_day_or_a_place(files):
    for path in files:
        text = content(path)
        assert not re.search(r"\b[SP]-[\w-]*\d{4}|03\.02\.2019", text), path.name
        assert not re.search(r"(?<![\w/.:+<-])/(?:home|root|tmp|work|Users)/", text), path.name


def test_no_page_points_into_the_network(files):
    for path in files:
        if path.suffix == ".html":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"""(?:src|href)=|@import|url\(|<script""", text), path.name


def test_notebooks_show_tables_text_and_counts(paper):
    shown = manuscript.show(paper.cohort, paper.extraction).data
    assert shown.count("<table") == 2 and "Table 2." in shown
    assert "Statistical analysis" in manuscript.show_text(paper.text).data
    counts = manuscript.show_checklists(paper)
    assert list(counts["items"])[:3] == [44, 52, 48]
    assert (counts[["filled", "for the author", "not applicable"]].sum(axis=1) == counts["items"]).all()


def test_a_notice_stands_on_every_page(make_material, tmp_path):
    made = make_material(synthetic=True, verified="simulated")
    for path in manuscript.write(manuscript.typeset(made), tmp_path):
        if path.suffix in (".html", ".docx"):
            assert "SYNTHETIC DATA" in content(path), path.name
