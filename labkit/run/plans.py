"""From checked params files to the plan of a run: which steps there are, what each is given and what it reads.

Per anatomy: the synthetic cohort (where the params ask for one), extraction, verification; per policy
training, evaluation and figures; at last evaluation and figures of all policies side by side. Without
radiographs the first two are all.
"""

from collections.abc import Iterable
from pathlib import Path
from shutil import which
from typing import Any

from labkit import certainty, hardware, params
from labkit.errors import ParamsError
from labkit.layout import ALL_POLICIES, NOTEBOOKS, ROOT
from labkit.params import Study
from labkit.policies import Policy
from labkit.run import files, sources
from labkit.run.steps import Plan, Step, declared_parameters

__all__ = ["of_params", "of_studies"]

# Names that a notebook declares for a person in JupyterLab or for some steps only; a run gives them empty.
OPTIONAL = {"params_file": "", "policies": []}
# Word lists and prompts decide what is extracted; each is a file that a user may edit.
LANGUAGE_DIRS = ("language", "prompts", "deidentification")


def of_params(paths: Iterable[Path]) -> Plan:
    """The plan of one or more params files, all of them checked first.

    Raises
    ------
    ParamsError : one sentence per fault; or the files do not fit into one run.
    """
    return of_studies([params.load(path) for path in paths])


def of_studies(studies: list[Study]) -> Plan:
    """The plan of checked studies.

    Raises
    ------
    ParamsError : none is given, two write to the same place, or they do not share their folders.
    """
    if not studies:
        raise ParamsError("no params file was given; give one or more, such as params/demo/elbow.yaml.")
    first = studies[0]
    seen: dict[tuple[str, str], Study] = {}
    for study in studies:
        for folder in ("build_dir", "reports_dir"):
            if _folder(study, folder) != _folder(first, folder):
                raise ParamsError(
                    f"{study.file.name}: paths.{folder} differs from that of {first.file.name}; "
                    "run them one after the other."
                )
        twin = seen.setdefault((study.study, study.anatomy), study)
        if twin is not study:
            raise ParamsError(
                f"{study.file.name}: study '{study.study}' and anatomy '{study.anatomy}' are also those of "
                f"{twin.file.name}, so both would write to one place; give one of them another study name."
            )
    steps = [step for study in studies for step in _steps(study)]
    return Plan(build_dir=_folder(first, "build_dir"), reports_dir=_folder(first, "reports_dir"), steps=tuple(steps))


def _folder(study: Study, name: str) -> Path:
    return getattr(study.layout, name).resolve()


def _steps(study: Study) -> list[Step]:
    made: list[Step] = []
    if study.synthetic:
        made.append(_synthetic(study))
    made.append(_notebook(study, "extraction", after=[step.id for step in made], inputs=_cohort_inputs(study)))
    made.append(_notebook(study, "verification", after=[made[-1].id], inputs=_reviews(study)))
    if not study.cohort.has_images:
        return made
    verified, evaluated, doses = made[-1].id, [], _doses(study)
    for policy in study.policies:
        trained = _notebook(study, "training", policy, after=[verified], inputs=_weights(study))
        measured = _notebook(study, "evaluation", policy, after=[verified, trained.id], inputs=doses)
        drawn = _notebook(study, "figures", policy, after=[verified, trained.id, measured.id], inputs=doses)
        made += [trained, measured, drawn]
        evaluated += [trained.id, measured.id]
    if len(study.policies) > 1:
        measured = _notebook(study, "evaluation", ALL_POLICIES, after=[verified, *evaluated], inputs=doses)
        after = [verified, *evaluated, measured.id]
        made += [measured, _notebook(study, "figures", ALL_POLICIES, after=after, inputs=doses)]
    return made


def _synthetic(study: Study) -> Step:
    return Step(
        id=f"{study.study}/{study.anatomy}/synthetic",
        name="synthetic",
        study=study.study,
        anatomy=study.anatomy,
        base=study.base_dir,
        parameters={"synthetic": study.raw["synthetic"], "template": study.paths.template},
        fingerprints={**_template(study), "labkit": sources.digest_of_modules("labkit", "labkit.synthetic")},
        receipt=study.layout.build / "receipts" / "synthetic.json",
    )


def _notebook(
    study: Study, name: str, policy: str = "", *, after: list[str], inputs: dict[str, str] | None = None
) -> Step:
    policy = str(policy)
    notebook = NOTEBOOKS[name]
    place = study.layout.policy(policy) if policy else study.layout
    given = OPTIONAL | study.parameters(name, policy)
    declared = declared_parameters(notebook)
    given = {key: value for key, value in given.items() if key in declared or key not in OPTIONAL}
    trains = name == "training"
    if trains and policy == Policy.GRADED:
        inputs = {**(inputs or {}), "params/hedges.yaml": files.sha256(certainty.PHRASES_PATH)}
    return Step(
        id="/".join(part for part in (study.study, study.anatomy, policy, name) if part),
        name=name,
        study=study.study,
        anatomy=study.anatomy,
        policy=policy,
        base=study.base_dir,
        notebook=notebook,
        parameters=given,
        fingerprints={**(inputs or {}), "labkit": sources.digest_of_notebook(notebook)},
        after=tuple(after),
        receipt=place.build / "receipts" / f"{name}.json",
        ipynb=place.reports / f"{notebook.stem}.ipynb",
        html=place.reports / f"{notebook.stem}.html",
        threads=study.training.cpu_threads if trains else 1,
        gpus=int(trains and study.training.device != "cpu" and which("nvidia-smi") is not None),
    )


def _cohort_inputs(study: Study) -> dict[str, str]:
    """What extraction reads from outside: reports and images by site, unless an earlier step makes them."""
    found = _template(study)
    for folder in LANGUAGE_DIRS:
        found[f"params/{folder}"] = _folder_digest(ROOT / "params" / folder, "*")
    found["params/hardware.yaml"] = files.sha256(hardware.WORDS_PATH)
    prompt = Path(study.openai.prompt if study.openai else "")
    if prompt.is_absolute() and prompt.is_file():  # a user's own; labkit's are in the folder above
        found["prompt"] = files.sha256(prompt)
    if study.synthetic:
        return found
    for name, site in study.cohort.sites.items():
        found[f"reports of {name}"] = files.sha256(study.resolve(site.reports))
        if site.images is not None:
            found[f"images of {name}"] = files.fingerprint_folder(study.resolve(site.images))
    return found


def _template(study: Study) -> dict[str, str]:
    return {"template": files.digest(study.template.model_dump(mode="json"))}


def _reviews(study: Study) -> dict[str, str]:
    return {"readings": _folder_digest(study.layout.reviews, "*.csv")}


def _doses(study: Study) -> dict[str, str]:
    """What `labkit dose` wrote; nothing where it has not run."""
    path = study.layout.dose
    return {"dose.csv": files.sha256(path)} if path.is_file() else {}


def _weights(study: Study) -> dict[str, str]:
    weights = study.training.weights
    return {} if weights in ("imagenet", "none") else {"weights": files.sha256(study.resolve(weights))}


def _folder_digest(folder: Path, pattern: str) -> str:
    """Digest of the content of a folder's files; an absent folder is an empty one."""
    found: dict[str, Any] = {p.name: files.sha256(p) for p in sorted(folder.glob(pattern)) if p.is_file()}
    return files.digest(found)
