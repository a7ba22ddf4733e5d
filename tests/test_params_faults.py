"""Wrong params by table: the exact sentence for each, with the file and the key."""

import pytest

from labkit import params
from labkit.errors import ParamsError
from labkit.layout import ROOT

DEMO = (ROOT / "params" / "demo" / "elbow.yaml").read_text(encoding="utf-8")
WRONG = {
    "unknown key": (
        ("  epochs: ", "  epoch: "),
        "training: 'epoch' is not known; did you mean 'epochs'? Known: accumulate, backbone, batch_size, "
        "channels_last, checkpoint_every, compile, cpu_threads, deterministic, device, epochs, flip_share, "
        "flips_at_test, grey, image_size_px, learning_rate, min_positives, pooling, precision, recipe, "
        "rotation_degrees, seeds, shared_trunks, soft, step_epochs, step_factor, strong, tensorboard, "
        "weight_decay, weights.",
    ),
    "unknown section": (
        ("figures:", "figurs:"),
        "'figurs' is not known; did you mean 'figures'? Known: anatomy, cohort, evaluation, extraction, figures, "
        "paths, policies, study, synthetic, training, verification.",
    ),
    "unknown key far from all": (
        ("  margin: 0.02", "  margin: 0.02\n  zz: 1"),
        "evaluation: 'zz' is not known. Known: age_bands, auc_interval, dose, endpoint, findings, "
        "fixed_sensitivity, fixed_specificity, level, margin, min_cell, min_positives, min_tuning_positives, n_bins, "
        "n_resamples, operating_point, power, rate_interval, seed, show_cases.",
    ),
    "endpoint misspelt": (
        ("  endpoint: macro_auc", "  endpoint: Fracture (All Location)"),
        "evaluation.endpoint: the template has no finding 'Fracture (All Location)'; did you mean "
        "'Fracture (All Locations)'?",
    ),
    "label set of another anatomy": (
        ("  findings: []", "  findings: [Ossicles, Swelling/Dactylitis]"),
        "evaluation.findings: the template has no finding 'Swelling/Dactylitis'; give the exact name.",
    ),
    "endpoint outside the label set": (
        ("  endpoint: macro_auc\n  findings: []", "  endpoint: Exostosis\n  findings: [Ossicles]"),
        "evaluation.endpoint: this finding is not among evaluation.findings; add it there.",
    ),
    "age bands that fall": (
        ("  age_bands: [18, 40, 65]", "  age_bands: [40, 18]"),
        "evaluation.age_bands: the years of the age bands rise and are above 0.",
    ),
    "unknown key of a site": (
        ("report_id: Befund-ID", "reprot: Befund-ID"),
        "cohort.sites.internal.columns: 'reprot' is not known; did you mean 'report'? Known: accession_number, age, "
        "birth_date, patient_id, patient_name, report, report_id, sex, study_date, study_uid.",
    ),
    "missing key": (
        ("  batch_size: 16\n", ""),
        "training.batch_size: this key is missing; state it, such as 'batch_size: 4'.",
    ),
    "missing clinical choice": (
        ("    consolidated_is_false: true\n", ""),
        "extraction.rules.consolidated_is_false: this key is missing; state it, such as 'consolidated_is_false: true'.",
    ),
    "missing name": (("study: demo\n", ""), "study: this key is missing; add it."),
    "1e-4 as text": (
        ("learning_rate: 5.0e-4", "learning_rate: 5e-4"),
        "training.learning_rate: must be a number, but YAML reads 5e-4 as text; write it with a point, such as 1.0e-4.",
    ),
    "no as false": (
        ("study: demo", "study: no"),
        "study: must be text, but YAML reads an unquoted yes, no, on or off as false; put the word in quotes, "
        'such as "no".',
    ),
    "no in a list": (
        ("policies: [inclusive, exclusive]", "policies: [no]"),
        "policies.0: must be text, but YAML reads an unquoted yes, no, on or off as false; put the word in quotes, "
        'such as "no".',
    ),
    "number as text": (
        ("report_id: Befund-ID", "report_id: 0012"),
        "cohort.sites.internal.columns.report_id: must be text, but YAML reads 10 as a number; put it in "
        'quotes, such as "0012".',
    ),
    "a leading zero": (
        ("  epochs: 6", "  epochs: 010"),
        "training.epochs: YAML reads 010 as 8; write the number plainly.",
    ),
    "minutes": (
        ("seeds: [1]", "seeds: [1:30]"),
        "training.seeds.0: YAML reads 1:30 as 90; write the number plainly.",
    ),
    "text as number": (
        ("cpu_threads: 1", "cpu_threads: one"),
        "training.cpu_threads: must be a whole number, not 'one'.",
    ),
    "number in quotes": (
        ("seeds: [1]", "seeds: ['1']"),
        "training.seeds.0: must be a whole number, but 1 is in quotes, which makes it text; leave them out.",
    ),
    "word as switch": (
        ("show_text: true  ", "show_text: 'on'  "),
        "extraction.show_text: must be true or false, not 'on'.",
    ),
    "fraction": (("epochs: 6", "epochs: 6.5"), "training.epochs: must be a whole number, not 6.5."),
    "infinite": (
        ("learning_rate: 5.0e-4", "learning_rate: .inf"),
        "training.learning_rate: must be a number that is not infinite, not inf.",
    ),
    "one for a list": (("seeds: [1]", "seeds: 1"), "training.seeds: must be a list, such as [a, b], not 1."),
    "a list for a section": (
        ("{seed: 1, error_share: 0.002, follow_up_share: 0.7}", "[1]"),
        "verification.simulated_reader: must be a section with keys of its own.",
    ),
    "name": (
        ("study: demo", "study: ../Demo"),
        "study: must be made of small letters, digits, - and _, and start with a letter or digit, not '../Demo'.",
    ),
    "seed twice": (
        ("seeds: [1]", "seeds: [1, 1]"),
        "training.seeds: a seed stands twice; each gives the same network again.",
    ),
    "seed below 0": (("seeds: [1]", "seeds: [-1]"), "training.seeds: a seed is a whole number of 0 or more."),
    "policy twice": (("exclusive]", "inclusive]"), "policies: a policy stands twice; name each once."),
    "site all": (
        ("    external:\n", "    all:\n"),
        "cohort: the site name 'all' stands for all sites together; choose another.",
    ),
    "site name": (
        ("    external:\n", "    Haus 2:\n"),
        "cohort: the site name 'Haus 2' is not made of small letters, digits and _.",
    ),
    "nothing to link by": (
        ("link_by: accession_number", "link_by: study_uid"),
        "cohort.sites.internal.columns.study_uid: this key is missing, and cohort.link_by needs it; name the column of "
        "the file, or link by another identifier.",
    ),
    "keys among what is shared": (
        ("reports_dir: reports", "reports_dir: ."),
        "paths.build_dir: lies in reports_dir, which may be shared, and holds what must stay in the hospital; choose "
        "another folder.",
    ),
    "true as number": (("batch_size: 16", "batch_size: true"), "training.batch_size: must be a number, not true."),
    "value not allowed": (
        ("device: cpu", "device: gpu"),
        "training.device: must be 'auto', 'cpu' or 'cuda', not 'gpu'.",
    ),
    "out of range": (
        ("batch_size: 16", "batch_size: 0"),
        "training.batch_size: must be greater than or equal to 1, not 0.",
    ),
    "policy": (
        ("[inclusive, exclusive]", "[both]"),
        "policies.0: must be 'inclusive', 'exclusive', 'ignore', 'soft', 'graded', 'multiclass' or 'self_trained', "
        "not 'both'.",
    ),
    "range of soft": (
        ("soft: [0.55, 0.85]", "soft: [0.85, 0.55]"),
        "training.soft: must be two numbers from 0 to 1, the lower one first.",
    ),
    "number of the strong recipe": (
        ("ema_decay: 0.998", "ema_decay: 1.0"),
        "training.strong.ema_decay: must be less than 1, not 1.0.",
    ),
    "shares": (("train: 0.64", "train: 0.74"), "verification.split: train, validation and test must add up to 1."),
    "two sites train": (
        ("test_only: true", "test_only: false"),
        "cohort: exactly one site has test_only: false (it is split into train, validation and test), here 2.",
    ),
    "template": (
        ("template: elbow", "template: elbows"),
        "paths.template: elbows: no such template; known names: clavicle, elbow, thumb. Give one of them "
        "or the path of a YAML file.",
    ),
    "other anatomy": (
        ("template: elbow", "template: thumb"),
        "anatomy: is 'elbow', but paths.template is for 'thumb'; make them agree.",
    ),
    "synthetic elsewhere": (
        ("build/demo/elbow/cohort/internal/reports.csv", "my.csv"),
        "cohort.sites.internal.reports: the section synthetic writes its cohort to {folder}/build/demo/elbow/cohort; "
        "name a path below it, or delete the section synthetic to use your own files.",
    ),
    "model without a name": (
        ("extractors: [rules]", "extractors: [openai]"),
        "extraction: extractors names openai, but the section openai is empty; give model and base_url there.",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_one_sentence_with_file_and_key(tmp_path, change, message):
    old, new = change
    assert old in DEMO
    path = tmp_path / "elbow.yaml"
    path.write_text(DEMO.replace(old, new), encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        params.load(path)
    assert f"{path}: {message.format(folder=tmp_path)}" in str(caught.value).splitlines()
