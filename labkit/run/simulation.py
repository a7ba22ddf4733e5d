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
    synthetic.generate(template, settings, layout.cohort)
    receipts.receipt([*sorted(layout.cohort.rglob("*.csv")), layout.cohort / "manifest.json"])
