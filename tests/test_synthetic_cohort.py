"""Synthetic cohort: files, determinism, restart, and the shares that the settings ask for."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from pydantic import ValidationError

from labkit import synthetic, templates
from labkit.errors import ParamsError

TINY = {"seed": 4, "n_internal": 5, "n_external": 3, "image_size_px": 40, "repeat_patient_share": 0.5}


@pytest.fixture(scope="module")
def elbow():
    return templates.load("elbow")


def hashes(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows(path, encoding="utf-8", delimiter=","):
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def values(cohort):
    """Latent truth and report values of all studies, both (n, n_findings)."""
    studies = list(cohort.studies())
    return (
        np.concatenate([study.latent.truth for study in studies]),
        np.concatenate([study.latent.value for study in studies]),
        np.concatenate([study.latent.strength for study in studies]),
        np.concatenate([study.latent.said for study in studies]),
    )


def test_same_settings_give_the_same_bytes_and_another_seed_does_not(elbow, tmp_path):
    settings = synthetic.Settings(**TINY)
    made = synthetic.generate(elbow, settings, tmp_path / "a")
    assert synthetic.generate(elbow, settings, tmp_path / "b") == made
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    other = synthetic.generate(elbow, synthetic.Settings(**TINY | {"seed": 5}), tmp_path / "c")
    assert other.truth_sha256 != made.truth_sha256


def test_a_study_does_not_depend_on_how_many_follow(elbow):
    few = synthetic.Cohort(elbow, synthetic.Settings(**TINY), "internal")
    many = synthetic.Cohort(elbow, synthetic.Settings(**TINY | {"n_internal": 30}), "internal")
    for one, other in zip(few.studies(), many.studies(), strict=False):
        if one.number < few.n_studies - 3:
            assert one.report == other.report
            assert dict(few.files(one)) == dict(many.files(other))


def test_a_half_written_folder_is_completed_to_the_same_bytes(elbow, tmp_path):
    settings = synthetic.Settings(**TINY)
    synthetic.generate(elbow, settings, tmp_path / "whole")
    synthetic.generate(elbow, settings, tmp_path / "half")
    half = tmp_path / "half"
    (half / "manifest.json").unlink()
    (half / "truth.csv").unlink()
    (half / "external" / "reports.csv.part").write_bytes(b"cut")
    victim = next((half / "internal").rglob("*.dcm"))
    victim.write_bytes(victim.read_bytes()[:100])
    synthetic.generate(elbow, settings, half)
    assert hashes(half) == hashes(tmp_path / "whole")


def test_killed_at_any_moment_it_completes(elbow, tmp_path):
    settings = TINY | {"n_internal": 60}
    code = (
        "import sys, json; from labkit import synthetic, templates\n"
        "synthetic.generate(templates.load('elbow'), synthetic.Settings(**json.loads(sys.argv[1])), sys.argv[2])"
    )
    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", code, json.dumps(settings), str(folder)])
    deadline = time.monotonic() + 60
    while not list(folder.rglob("*.dcm")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "manifest.json").exists()
    synthetic.generate(elbow, synthetic.Settings(**settings), folder)
    synthetic.generate(elbow, synthetic.Settings(**settings), tmp_path / "whole")
    assert hashes(folder) == hashes(tmp_path / "whole")


def test_a_finished_folder_is_left_as_it_is_and_other_settings_replace_it(elbow, tmp_path):
    settings = synthetic.Settings(**TINY)
    synthetic.generate(elbow, settings, tmp_path)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.dcm")}
    synthetic.generate(elbow, settings, tmp_path)
    assert written == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.dcm")}
    synthetic.generate(elbow, synthetic.Settings(**TINY | {"n_internal": 2, "n_external": 0}), tmp_path)
    assert len(list(tmp_path.rglob("*.dcm"))) == 4


def test_a_folder_of_somebody_else_is_refused_and_kept(elbow, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ParamsError, match="labkit did not write"):
        synthetic.generate(elbow, synthetic.Settings(**TINY), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_tables_have_the_columns_that_the_manifest_names(elbow, tmp_path):
    made = synthetic.generate(elbow, synthetic.Settings(**TINY), tmp_path)
    accessions = {}
    for name, site in made.sites.items():
        table = rows(tmp_path / site.reports, site.encoding, site.delimiter)
        assert list(table[0]) == list(site.columns.values())
        assert len(table) == site.n_studies
        assert all(row[column] for row in table for column in site.columns.values())
        accessions[name] = {row[site.columns["accession_number"]] for row in table}
        assert len(accessions[name]) == site.n_studies
        assert len({row[site.columns["patient_id"]] for row in table}) == site.n_patients
    assert (tmp_path / "internal" / "reports.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    truth = rows(tmp_path / "truth.csv")
    assert list(truth[0]) == ["accession_number", "site", "finding", "truth", "report_value"]
    assert {row["truth"] for row in truth} == {"true", "false"}
    assert {row["report_value"] for row in truth} <= {"true", "false", "uncertain"}
    for name, expected in accessions.items():
        of_site = [row for row in truth if row["site"] == name]
        assert {row["accession_number"] for row in of_site} == expected
        assert [row["finding"] for row in of_site[: len(elbow.names)]] == list(elbow.names)
    assert made.truth_sha256 == hashlib.sha256((tmp_path / "truth.csv").read_bytes()).hexdigest()


def test_ids_are_never_given_twice_not_even_at_the_other_site(elbow):
    seen = []
    for name in ("internal", "external"):
        cohort = synthetic.Cohort(elbow, synthetic.Settings(**TINY | {"n_internal": 80, "n_external": 80}), name)
        studies = list(cohort.studies())
        seen += [f"report {study.stay.report_id}" for study in studies]
        seen += [f"accession {study.stay.accession_number[1:]}" for study in studies]
        seen += sorted({f"patient {study.stay.person.patient_id}" for study in studies})
    assert len(seen) == len(set(seen))


def test_some_patients_come_back_with_the_same_side_later(elbow):
    cohort = synthetic.Cohort(elbow, synthetic.Settings(**TINY | {"n_internal": 60}), "internal")
    by_patient = {}
    for study in cohort.studies():
        by_patient.setdefault(study.stay.person.patient_id, []).append(study)
    repeated = [studies for studies in by_patient.values() if len(studies) > 1]
    assert len(repeated) >= 5
    for studies in repeated:
        days = [study.stay.day for study in studies]
        assert days == sorted(set(days))
        assert len({study.stay.side for study in studies}) == 1


@pytest.mark.parametrize(
    ("anatomy", "share", "true_share"), [("clavicle", 0.03, 0.55), ("thumb", 0.08, 0.3), ("elbow", 0.015, 0.7)]
)
def test_shares_of_uncertain_labels_are_reached(anatomy, share, true_share):
    settings = synthetic.Settings(
        seed=2, n_internal=900, uncertain_share=share, hedge_true_share=true_share, repeat_patient_share=0.2
    )
    cohort = synthetic.Cohort(templates.load(anatomy), settings, "internal")
    truth, value, _, _ = values(cohort)
    uncertain = value == 1
    assert uncertain.mean() == pytest.approx(share, rel=0.2)
    assert truth[uncertain].mean() == pytest.approx(true_share, abs=0.08)


def test_a_share_that_cannot_be_reached_is_refused_before_anything_is_written(elbow, tmp_path):
    settings = synthetic.Settings(**TINY | {"uncertain_share": 0.4, "hedge_true_share": 1.0})
    with pytest.raises(ParamsError, match="cannot be reached"):
        synthetic.generate(elbow, settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_doubt_at_all_leaves_no_uncertain_label(elbow):
    settings = synthetic.Settings(**TINY | {"uncertain_share": 0.0, "n_internal": 100})
    _, value, _, _ = values(synthetic.Cohort(elbow, settings, "internal"))
    assert not (value == 1).any()


def test_hedges_go_with_equivocal_images(elbow):
    settings = synthetic.Settings(seed=2, n_internal=800, uncertain_share=0.05)
    truth, _, strength, said = values(synthetic.Cohort(elbow, settings, "internal"))
    drawn = truth & (strength > 0)
    assert strength[drawn & (said == 1)].mean() < strength[drawn & (said == 2)].mean() - 0.15
    assert (strength[~truth & (said == 1)] > 0).mean() > 0.5
    assert (strength[~truth & (said == 0)] > 0).mean() < 0.05
    assert strength[~truth].max() < 0.5


def test_sites_differ_in_prevalence_hedges_language_and_form(elbow):
    settings = synthetic.Settings(seed=2, n_internal=400, n_external=400)
    internal, external = (synthetic.Cohort(elbow, settings, name) for name in ("internal", "external"))
    assert values(internal)[0].mean() > values(external)[0].mean() * 1.05
    german = [study.report.text for study in internal.studies()]
    english = [study.report.text for study in external.studies()]
    assert sum("nicht sicher" in text for text in german) > 20
    assert not any("nicht sicher" in text for text in english)
    assert sum("onsistent with" in text or "ompatible with" in text for text in english) > 20
    assert settings.internal.hedge_mix != settings.external.hedge_mix


@pytest.mark.parametrize("anatomy", ["clavicle", "elbow", "thumb"])
def test_frequent_findings_have_enough_positives_for_a_demo(anatomy):
    cohort = synthetic.Cohort(templates.load(anatomy), synthetic.Settings(seed=1, n_internal=250), "internal")
    truth = values(cohort)[0]
    assert (truth.sum(axis=0) * 0.2 >= 10).sum() >= 3


@pytest.mark.parametrize("anatomy", ["clavicle", "elbow", "thumb"])
def test_truth_and_report_values_keep_the_hierarchy(anatomy):
    template = templates.load(anatomy)
    cohort = synthetic.Cohort(template, synthetic.Settings(n_internal=150, uncertain_share=0.05), "internal")
    words = ("false", "uncertain", "true")
    for study in cohort.studies():
        reported = {i: words[v] for i, v in zip(template.ids, study.latent.value[0], strict=True)}
        latent = {i: str(bool(v)).lower() for i, v in zip(template.ids, study.latent.truth[0], strict=True)}
        assert template.violations(reported) == []
        assert template.violations(latent) == []


def test_settings_are_frozen_and_name_what_they_do_not_know():
    with pytest.raises(ValidationError, match="seeed"):
        synthetic.Settings(seeed=1)
    with pytest.raises(ValidationError, match="'perhaps' is not known"):
        synthetic.Settings(internal={"hedge_mix": {"perhaps": 1}})
    with pytest.raises(ValidationError, match="at least one weight"):
        synthetic.Settings(external={"transfer_syntaxes": {"rle": 0}})
    settings = synthetic.Settings(external={"english_share": 0.5})
    assert settings.external.aspect == synthetic.Settings().external.aspect
    with pytest.raises(ValidationError):
        settings.seed = 2
