"""The one step that is no notebook: the synthetic cohort, written where the params' sites read it."""

from labkit import synthetic, templates
from labkit.layout import Layout
from labkit.params.study import template_path
from labkit.run import receipts
from labkit.run.steps import Plan, Step

__all__ = ["make"]


def make(plan: Plan, step: Step) -> None:
    """Write the cohort (a finished one of the same settings is left as it is) and list its tables for the receipt.

    The radiographs are not listed one by one: the manifest, written last, says that all of them are there.

    Raises
    ------
    ParamsError : the settings cannot be fulfilled, or the folder holds files of something else.
    """
    settings = synthetic.Settings.model_validate(step.parameters["synthetic"])
    template = templates.load(template_path(step.parameters["template"], step.base))
    layout = Layout(
        build_dir=plan.build_dir,
        reports_dir=plan.reports_dir,
        reviews_dir=plan.build_dir,
        study=step.study,
        anatomy=step.anatomy,
    )
    manifest = layout.cohort / "manifest.json"
    before = manifest.read_bytes() if manifest.exists() else b""
    synthetic.generate(template, settings, layout.cohort)
    if manifest.read_bytes() != before:
        # Other people under the same numbers: pseudonyms and the split of the earlier cohort are not theirs.
        for path in (layout.keys, layout.splits):
            path.unlink(missing_ok=True)
    receipts.receipt([*sorted(layout.cohort.rglob("*.csv")), manifest])
