"""Which studies and pixels a training sees."""

import numpy as np
import pandas as pd
import pytest

from labkit import radiographs, training
from labkit.errors import ParamsError, TableError, TrainingError

VIEWS = ("AP", "LATERAL")


def without(images, *image_ids):
    return images.assign(usable=images["usable"].mask(images["image_id"].isin(image_ids), "false"))


def test_studies_are_sorted_with_their_views_in_the_order_asked_for(cohort, labels, images, cache):
    assert list(cohort.studies["study_id"]) == sorted(labels["study_id"].unique())
    turned = training.assemble(labels, images, cache, views=VIEWS[::-1])
    assert (cohort.rows == turned.rows[:, ::-1]).all()
    expected = cache.array[cache.rows(["S-0007-AP-1", "S-0007-LATERAL-1"])]
    assert (cohort.batch([7])[0] == expected).all()


def test_order_of_rows_does_not_matter(cohort, labels, images, cache):
    shuffled = training.assemble(
        labels.sample(frac=1, random_state=1), images.sample(frac=1, random_state=2), cache, views=VIEWS
    )
    assert cohort.studies.equals(shuffled.studies)
    assert (cohort.rows == shuffled.rows).all()
    assert cohort.validation.equals(shuffled.validation)


def test_only_validation_references_are_kept(cohort, labels):
    chosen = labels.loc[labels["split"] == "validation", "study_id"]
    assert set(cohort.validation.index) == set(chosen)


def test_an_uncertain_reference_is_not_used(labels, images, cache):
    study = labels.loc[labels["split"] == "validation", "study_id"].iloc[0]
    changed = labels.assign(reference=labels["reference"].mask(labels["study_id"] == study, "uncertain"))
    cohort = training.assemble(changed, images, cache, views=VIEWS)
    assert cohort.validation.loc[study].isna().all()
    assert cohort.validation.drop(index=study).notna().all(axis=None)


def test_a_study_without_a_view_is_left_out_with_its_reason(labels, images, cache):
    incomplete = without(images, "S-0003-LATERAL-1", "S-0004-AP-1", "S-0004-LATERAL-1")
    cohort = training.assemble(labels, incomplete, cache, views=VIEWS)
    assert not cohort.studies["study_id"].isin(["S-0003", "S-0004"]).any()
    assert cohort.left_out.set_index("study_id")["reason"].to_dict() == {
        "S-0003": "no usable view LATERAL",
        "S-0004": "no usable radiograph",
    }


def test_a_missing_view_can_be_stood_in_for_by_the_other(labels, images, cache):
    incomplete = without(images, "S-0003-LATERAL-1")
    cohort = training.assemble(labels, incomplete, cache, views=VIEWS, missing_view="duplicate")
    assert cohort.rows[3, 0] == cohort.rows[3, 1]
    assert cohort.left_out.empty


def test_a_gap_can_be_kept_for_a_network_that_knows_of_it(labels, images, cache):
    incomplete = without(images, "S-0003-LATERAL-1", "S-0004-AP-1", "S-0004-LATERAL-1")
    cohort = training.assemble(labels, incomplete, cache, views=VIEWS, missing_view="mask")
    assert cohort.masked
    assert cohort.rows[3].tolist()[1] == -1
    assert cohort.left_out["study_id"].tolist() == ["S-0004"]
    assert cohort.present([2, 3]).tolist() == [[True, True], [True, False]]
    assert (cohort.batch([3])[0, 1] == 0).all() and cohort.batch([3])[0, 0].any()


def test_without_gaps_nothing_is_masked(cohort):
    assert not cohort.masked and cohort.present([0, 1]) is None and cohort.slots == (0, 1)


def test_all_images_of_a_view_are_kept_where_views_are_pooled(labels, images, cache):
    # the third image of a study is another's, so that the cache need not be made anew
    third = images[images["image_id"] == "S-0008-AP-1"].assign(study_id="S-0003")
    more = pd.concat([images[images["image_id"] != "S-0008-AP-1"], third])
    first = training.assemble(labels, more, cache, views=VIEWS, missing_view="mask")
    every = training.assemble(labels, more, cache, views=VIEWS, missing_view="mask", several_images="all")
    assert first.rows.shape[1] == 2 and every.slots == (0, 1, 0)
    own = cache.rows(["S-0003-AP-1", "S-0003-LATERAL-1", "S-0008-AP-1"])
    assert every.rows[3].tolist() == list(own)
    assert (np.delete(every.rows[:, 2], 3) == -1).all() and every.masked


def test_an_image_that_the_cache_could_not_decode_is_not_used(labels, images, cache):
    broken = cache.images["image_id"] == "S-0005-AP-1"
    index = cache.images.assign(
        usable=cache.images["usable"].mask(broken, "false"), position=cache.images["position"].mask(broken, -1)
    )
    damaged = radiographs.Cache(cache.tiles_path, cache.size_px, index)
    cohort = training.assemble(labels, images, damaged, views=VIEWS)
    assert list(cohort.left_out["study_id"]) == ["S-0005"]


def test_a_patient_in_two_splits_stops_everything(labels, images, cache):
    leaking = labels.assign(patient=labels["patient"].replace("P-0000", "P-0095"))
    with pytest.raises(TableError, match="patient P-0095 is in external and train"):
        training.assemble(leaking, images, cache, views=VIEWS)


def test_no_study_to_train_on_is_an_error(labels, images, cache):
    with pytest.raises(TrainingError, match="No study with usable radiographs is in train; 96 studies were left out"):
        training.assemble(labels, images.assign(usable="false"), cache, views=VIEWS)


def test_an_unknown_rule_for_missing_views_is_refused(labels, images, cache):
    with pytest.raises(ParamsError, match="allowed are drop, duplicate, mask"):
        training.assemble(labels, images, cache, views=VIEWS, missing_view="zero")


def test_positions_follow_the_split(cohort):
    assert len(cohort.positions("train")) == 48
    assert np.array_equal(cohort.positions("test", "external"), np.arange(72, 96))
