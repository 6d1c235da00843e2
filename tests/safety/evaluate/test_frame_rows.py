"""Which files are looked at, and what somebody says about them: whatever cannot be meant is an error that says so."""

from __future__ import annotations

import pytest

from safety.errors import InvalidContent
from safety.evaluate.frame_labels import signals_of_label
from safety.evaluate.frame_rows import read_media
from tests.safety.evaluate.frame_set import open_bench, picture, table

POLICY = open_bench().policy


@pytest.fixture
def files(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        picture(tmp_path / name, 10, 10, 10)
    return tmp_path


def read(path, **more):
    return read_media(path, POLICY, **more)


def test_a_table_says_file_labels_source_kind_scope_and_id(files):
    csv = table(
        files / "set.csv",
        "path,labels,benign,source,kind,scope,id",
        "a.png,weapon|nudity,,web,pistol,,one",
        "b.png,,true,web,,weapon,",
        "c.png,,yes,,stapler,,",
    )

    first, second, third = read(csv).rows

    assert (first.labels, first.benign, first.source, first.kind, first.id) == (
        ("weapon", "nudity"), False, "web", "pistol", "one",
    )  # fmt: skip
    assert (second.benign, second.labels, second.id) == (True, (), "b.png")
    assert second.is_negative_for("weapon")
    assert not second.is_negative_for("nudity")
    assert (third.source, third.kind) == ("set", "stapler")
    assert first.path == files / "a.png"


@pytest.mark.parametrize(
    ("word", "labels", "kind"),
    [
        ("weapon", ("weapon",), ""),
        ("handgun", ("weapon",), "handgun"),
        ("hate_bolts", ("hate_symbol",), "hate_bolts"),
        ("fight", ("fight",), ""),
        ("violence", ("violence",), ""),
        ("frame.weapon", ("frame.weapon",), ""),
    ],
)
def test_words_of_data_sets_mean_labels_and_stay_as_kinds(files, word, labels, kind):
    (row,) = read(table(files / "set.csv", "file,label", f"a.png,{word}")).rows

    assert (row.labels, row.kind, row.benign) == (labels, kind, False)


@pytest.mark.parametrize("word", ["benign", "nofight", "lookalike_fork", "benign_wheel", "calm"])
def test_words_that_mean_that_nobody_should_stop_it(files, word):
    (row,) = read(table(files / "set.csv", "file,label", f"a.png,{word}")).rows

    assert (row.benign, row.labels, row.kind) == (True, (), word)


def test_a_manifest_that_keeps_the_origin_in_path_names_its_files_in_file(files):
    (row,) = read(table(files / "set.csv", "file,label,path", "a.png,gun,data/train/7.jpg")).rows

    assert row.path == files / "a.png"


def test_rows_that_nobody_verified_are_left_out_and_counted(files):
    read_set = read(table(files / "set.csv", "file,label", "a.png,review_rifle", "b.png,gun"))

    assert len(read_set.rows) == 1
    assert read_set.left_out == 1


def test_a_folder_of_folders_is_a_table_too(tmp_path):
    picture(tmp_path / "weapon" / "web" / "a.png", 1, 1, 1)
    picture(tmp_path / "benign" / "b.png", 1, 1, 1)
    (tmp_path / "weapon" / "notes.txt").touch()

    benign, weapon = read(tmp_path).rows

    assert (weapon.labels, weapon.source) == (("weapon",), "web")
    assert (benign.benign, benign.source) == (True, tmp_path.name)


def test_a_folder_with_a_manifest_is_read_from_it(files):
    table(files / "MANIFEST.csv", "file,label", "a.png,gun")

    assert [row.id for row in read(files).rows] == ["a.png"]


def test_all_may_be_taken_as_benign_whatever_their_words_are(files):
    rows = read(files, all_benign=True).rows
    assert [row.benign for row in rows] == [True, True, True]

    (row,) = read(table(files / "set.csv", "file,label", "a.png,whatever"), all_benign=True).rows
    assert (row.benign, row.kind) == (True, "whatever")


def test_only_rows_with_a_value_in_a_column(files):
    csv = table(files / "set.csv", "file,label,split", "a.png,gun,dev", "b.png,gun,holdout")

    assert [row.id for row in read(csv, where={"split": "holdout"}).rows] == ["b.png"]
    with pytest.raises(InvalidContent, match="no column 'colour'"):
        read(csv, where={"colour": "red"})
    with pytest.raises(InvalidContent, match="no row to look at for that --where"):
        read(csv, where={"split": "x"})


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("name,label", "a.png,gun"), "no column path"),
        (("file,source", "a.png,x"), "neither a column labels nor benign"),
        (("file,label", "a.png,gnu"), "line 2: unknown label 'gnu'; do you mean 'gun'?"),
        (("file,label", "a.png,"), "line 2: has no label"),
        (("file,label", ",gun"), "line 2: names no file"),
        (("file,label,benign", "a.png,nofight,false"), "line 2: 'nofight' means benign"),
        (("file,label", "a.png,gun nofight"), "line 2: 'nofight' means benign"),
        (("file,label,benign", "a.png,,maybe"), "line 2: benign is 'maybe'"),
        (("file,label,benign,scope", "a.png,,true,quux"), "line 2: unknown label 'quux'"),
        (("file,label", "a.png,gun", "z.png,gun", "y.png,gun"), "2 of 3 files are not there, first .*z.png"),
        (("file,label",), "no row to look at"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(files, lines, words):
    with pytest.raises(InvalidContent, match=words):
        read(table(files / "set.csv", *lines))


def test_neither_a_table_nor_a_folder(tmp_path):
    with pytest.raises(InvalidContent, match="neither a table nor a folder"):
        read(tmp_path / "nowhere")
    (tmp_path / "set.csv").write_bytes(b"file,label\n\xff\xfe,gun\n")
    with pytest.raises(InvalidContent, match="not a table in UTF-8"):
        read(tmp_path / "set.csv")


def test_a_loose_file_in_a_folder_says_where_it_belongs(files):
    with pytest.raises(InvalidContent, match=r"a\.png: lies in no folder that is named by a label"):
        read(files)
    with pytest.raises(InvalidContent, match="leave --where out"):
        read(files, where={"split": "dev"})


def test_signals_of_a_category_are_those_of_its_rules():
    assert signals_of_label("violence", POLICY) == {"frame.weapon"}
    assert signals_of_label("weapon", POLICY) == {"frame.weapon"}
    assert signals_of_label("frame.else", POLICY) == {"frame.else"}
