"""Paths of a study: what stays in the hospital, what may be shared, and that no two things share a place."""

from pathlib import Path

import pytest

from labkit.layout import ALL_POLICIES, COMPARISON, NOTEBOOKS, ROOT, Layout, PolicyLayout

LAYOUT = Layout(Path("keep"), Path("share"), Path("readings"), "trial", "elbow")
SHARED = {"reports"}
WHOLE = {"answer_store", "reviews"}  # not below build/<study>/<anatomy>, see the tests


def paths(layout, kind):
    return {name: getattr(layout, name) for name, value in vars(kind).items() if isinstance(value, property)}


def test_only_reports_are_in_the_folder_that_may_be_shared():
    everything = paths(LAYOUT, Layout) | {
        f"policy {n}": p for n, p in paths(LAYOUT.policy("soft"), PolicyLayout).items()
    }
    shared = {name for name, path in everything.items() if path.is_relative_to("share")}
    assert shared == {"reports", "policy reports", "policy manuscript"}


def test_all_else_of_an_anatomy_is_below_its_own_build_folder():
    for name, path in paths(LAYOUT, Layout).items():
        if name not in SHARED | WHOLE:
            assert path.is_relative_to(Path("keep/trial/elbow")), name


def test_readings_are_kept_outside_of_what_can_be_built_again():
    assert LAYOUT.reviews == Path("readings/trial/elbow")


def test_answers_are_kept_once_for_all_studies_of_a_build_folder():
    assert LAYOUT.answer_store == Path("keep/answers.sqlite")


@pytest.mark.parametrize("other", [("trial", "thumb"), ("second", "elbow")])
def test_studies_and_anatomies_share_no_file_but_the_answers(other):
    beside = Layout(LAYOUT.build_dir, LAYOUT.reports_dir, LAYOUT.reviews_dir, *other)
    same = {name for name, path in paths(LAYOUT, Layout).items() if getattr(beside, name) == path}
    assert same == {"answer_store"}


def test_no_two_things_have_the_same_path():
    found = [*paths(LAYOUT, Layout).values()]
    for policy in ("inclusive", "exclusive", ALL_POLICIES):
        found += paths(LAYOUT.policy(policy), PolicyLayout).values()
    assert len(set(found)) == len(found)


def test_the_comparison_of_all_policies_has_a_folder_of_its_own():
    assert LAYOUT.policy(ALL_POLICIES).build == LAYOUT.build / COMPARISON
    assert LAYOUT.policy("inclusive").metrics == LAYOUT.build / "inclusive" / "metrics.csv"


def test_every_step_has_its_notebook_and_numbers_give_the_order():
    assert all(path.is_file() and path.parent == ROOT / "notebooks" for path in NOTEBOOKS.values())
    assert [path.stem for path in NOTEBOOKS.values()] == [f"{n:02d}_{step}" for n, step in enumerate(NOTEBOOKS, 1)]
