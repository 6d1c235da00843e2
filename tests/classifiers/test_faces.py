"""Faces are found where they are, compared whatever the light, and enrolled only where a photo shows one of them."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
import skimage.data

from classifiers.base import MeasurementError, WeightsError
from classifiers.face_finder import FOLDER, FaceFinder
from classifiers.face_recogniser import cut_out
from classifiers.faces import EVEN, SAME, SMALLEST, FaceReader, distance, likeness
from classifiers.weights import EMBEDDED


@pytest.fixture(scope="module")
def faces():
    return FaceReader()


@pytest.fixture(scope="module")
def astronaut():
    return np.ascontiguousarray(skimage.data.astronaut())


@pytest.fixture(scope="module")
def stranger():
    return np.ascontiguousarray(np.stack([skimage.data.camera()] * 3, axis=-1))


def scaled(picture, width, height):
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def test_a_face_is_found_with_its_eyes_nose_and_mouth(astronaut):
    (face,) = FaceFinder().find(astronaut)

    assert face.confidence > 0.99
    left, top, right, bottom = face.box
    assert (left, top, right, bottom) == pytest.approx((174, 53, 271, 177), abs=8)
    (left_eye, right_eye, nose, left_lip, right_lip) = face.points
    assert left < left_eye[0] < nose[0] < right_eye[0] < right
    assert top < left_eye[1] < nose[1] < left_lip[1] < bottom
    assert left_lip[0] < right_lip[0]


def test_a_large_picture_is_searched_small_and_answered_in_its_own_pixels(astronaut):
    large = cv2.resize(astronaut, (2048, 2048))

    (face,), (small,) = FaceFinder().find(large), FaceFinder().find(astronaut)

    np.testing.assert_allclose(np.array(face.box) / 4, small.box, atol=12)
    np.testing.assert_allclose(face.points / 4, small.points, atol=6)


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket"])
def test_things_and_cats_have_no_face(name):
    assert FaceFinder().find(np.ascontiguousarray(getattr(skimage.data, name)())) == []


@pytest.mark.parametrize("shape", [(8, 8), (1, 500), (500, 1), (31, 31)])
def test_pictures_without_room_for_a_face_have_none(shape):
    assert FaceFinder().find(np.full((*shape, 3), 120, np.uint8)) == []


def test_every_face_is_found_and_cut_out_upright(astronaut):
    beside = np.ascontiguousarray(np.hstack([astronaut, astronaut[:, ::-1]]))
    turned = cv2.warpAffine(astronaut, cv2.getRotationMatrix2D((256, 256), 25, 1), (512, 512))

    both = FaceFinder().find(beside)
    (upright,), (leaning,) = FaceFinder().find(astronaut), FaceFinder().find(turned)

    assert len(both) == 2
    difference = cut_out(astronaut, upright).astype(int) - cut_out(turned, leaning)
    assert np.abs(difference[30:120, 30:120]).mean() < 14
    assert np.abs(cut_out(astronaut, upright).astype(int) - turned[:150, :150]).mean() > 40


def changed(picture, how):
    return {
        "darker": (picture * 0.5).astype(np.uint8),
        "mirrored": picture[:, ::-1],
        "smaller": scaled(picture, 320, 320),
        "larger": cv2.resize(picture, (1500, 1500)),
        "leaning": cv2.warpAffine(picture, cv2.getRotationMatrix2D((256, 256), 25, 1), (512, 512)),
        "red": picture * np.array([1, 0, 0], np.uint8),
        "coarse": cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 15])[1], 1),
    }[how]


@pytest.mark.parametrize("how", ["darker", "mirrored", "smaller", "larger", "leaning", "red", "coarse"])
def test_one_person_stays_alike_under_another_light_and_angle(faces, astronaut, how):
    ((_, known),) = faces.read(astronaut)
    ((_, again),) = faces.read(np.ascontiguousarray(changed(astronaut, how)))

    assert distance(known, again) < 0.35
    assert likeness(np.array(distance(known, again))) > 0.99


def test_two_persons_are_not_alike(faces, astronaut, stranger):
    ((_, known),), ((_, other),) = faces.read(astronaut), faces.read(stranger)

    assert distance(known, other) > SAME
    assert likeness(np.array(distance(known, other))) < 0.01


def test_likeness_falls_with_distance_and_is_one_half_at_the_even_point():
    distances = np.linspace(0, 2, 200, dtype=np.float32)

    values = likeness(distances)

    assert (np.diff(values) <= 0).all()
    assert ((values >= 0) & (values <= 1)).all()
    assert likeness(np.float32(EVEN)) == pytest.approx(0.5)


def test_a_face_that_is_too_small_is_not_compared(faces, astronaut):
    small = scaled(astronaut, 200, 200)

    (found,) = FaceFinder().find(small)

    assert found.side < SMALLEST
    assert faces.read(small) == []


def test_photos_of_one_person_are_enrolled_whichever_way_the_camera_was_held(faces, astronaut):
    photos = [astronaut, np.rot90(astronaut), np.rot90(astronaut, 3), np.rot90(astronaut, 2)]

    descriptors = faces.enrol(photos)

    assert descriptors.shape == (4, 128)
    assert np.linalg.norm(descriptors - descriptors[0], axis=1).max() < 0.2


def test_a_photo_that_cannot_be_used_is_named_with_the_reason(faces, astronaut, stranger):
    beside = np.hstack([astronaut, astronaut])

    for photo, why in (
        (skimage.data.coffee(), "photo 2 shows no face"),
        (beside, "photo 2 shows 2 faces"),
        (scaled(astronaut, 270, 270), "photo 2 is 5[0-9] pixels wide: at least 60"),
        (stranger, "photo 1 does not show the person of the others"),
    ):
        with pytest.raises(MeasurementError, match=why):
            faces.enrol([astronaut, photo])


@pytest.mark.parametrize("name", ["pnet", "rnet", "onet", "recogniser"])
def test_a_network_that_was_altered_or_is_missing_is_refused(tmp_path, name):
    shutil.copytree(EMBEDDED / FOLDER, tmp_path / FOLDER)
    file = tmp_path / FOLDER / f"{name}.onnx"
    FaceReader(tmp_path)
    changed_bytes = bytearray(file.read_bytes())
    changed_bytes[-1] ^= 1

    other = tmp_path / "other"
    shutil.copytree(tmp_path / FOLDER, other / FOLDER)
    (other / FOLDER / f"{name}.onnx").write_bytes(bytes(changed_bytes))
    with pytest.raises(WeightsError, match="pinned"):
        FaceReader(other)

    gone = tmp_path / "gone"
    shutil.copytree(tmp_path / FOLDER, gone / FOLDER)
    (gone / FOLDER / f"{name}.onnx").unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        FaceReader(gone)
