"""The key of the bug hunt of unit 01, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not. Every run draws 200 episodes, so that what happens in some of them is seen.
"""

import pytest
import torch

from medmeta_ref.grading.specs.unit_01.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "01_episodes"
MENDED = {
    3: "    chosen = [there[i] for i in torch.randperm(len(there))[:n_way]]",
    5: "    for slot, code in enumerate(chosen):",
    7: "        order = torch.randperm(len(own)).tolist()",
    9: "        asked += [(own[i], slot) for i in order[k_shot : k_shot + n_query]]",
}
CODES = torch.tensor([20, 31, 47, 55]).repeat(8)


def episodes(*mended):
    """Return 200 episodes of the listing with some of its lines mended."""
    draw = function_of(UNIT, MENDED, mended=mended, names={"torch": torch})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return [draw(CODES, 3, 2, 3) for _ in range(200)]


def class_of_slots(shown):
    return {slot: int(CODES[image]) for image, slot in shown}


def twin_classes(drawn):
    return any(len(set(class_of_slots(shown).values())) < 3 for shown, _ in drawn)


def telling_slots(drawn):
    """Is the lowest code of an episode always slot 0?"""
    slots = [class_of_slots(shown) for shown, _ in drawn]
    return all(classes[0] == min(classes.values()) for classes in slots)


def frozen_images(drawn):
    images = {}
    for shown, _ in drawn:
        for slot, code in class_of_slots(shown).items():
            own = tuple(image for image, its in shown if its == slot)
            images.setdefault(code, set()).add(own)
    return all(len(each) == 1 for each in images.values())


def seen_queries(drawn):
    """Within a slot: of two slots with one class the images may well be the same."""
    return any(set(shown) & set(asked) for shown, asked in drawn)


SYMPTOMS = {
    "twin classes": twin_classes,
    "telling slots": telling_slots,
    "frozen images": frozen_images,
    "seen queries": seen_queries,
}


def test_every_line_of_the_key_is_a_line_of_the_listing():
    assert set(KEY.values()) == set(MENDED)
    assert all(MENDED[line] != listing(UNIT)[line - 1] for line in MENDED)
    assert set(SYMPTOMS) == set(KEY)


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](episodes())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](episodes(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    others = (line for line in MENDED if line != KEY[symptom])
    assert SYMPTOMS[symptom](episodes(*others))


def test_with_every_line_mended_episodes_are_sound():
    for shown, asked in episodes(*MENDED):
        images = [image for image, _ in shown + asked]
        assert len(set(images)) == len(images) == 3 * 2 + 3 * 3
        classes = class_of_slots(shown)
        assert all(classes[slot] == CODES[image] for image, slot in asked)
