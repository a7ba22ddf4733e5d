"""CSV and JSON lines as hospitals export them."""

import pytest

from labkit import delimited
from labkit.errors import TableError


def write(tmp_path, data, name="file.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_delimiter_and_encoding_are_found_out(tmp_path, delimiter, encoding):
    text = f"id{delimiter}befund\r\n0012{delimiter}Größe, köpfchennah; unverändert\r\n"
    text = text.replace("Größe, köpfchennah; unverändert", '"Größe, köpfchennah; unverändert"')
    found = delimited.read_csv(write(tmp_path, text.encode(encoding)))
    assert found.table.to_dict("records") == [{"id": "0012", "befund": "Größe, köpfchennah; unverändert"}]
    assert len(found.rejected) == 0


def test_broken_rows_are_rejected_and_the_others_kept(tmp_path):
    text = 'id,text\n1,"never closed\n2,good\n3,"a ""quoted"" word"\n\n4,too,many\n5,"stray " quote"\n6,good\n'
    found = delimited.read_csv(write(tmp_path, text))
    assert list(found.table["id"]) == ["2", "3", "6"]
    assert found.table.loc[3, "text"] == 'a "quoted" word'
    assert list(found.rejected["row"]) == [1, 4, 5]
    assert found.rejected["reason"].str.contains("quote|fields").all()


def test_a_text_over_several_lines_is_one_row(tmp_path):
    found = delimited.read_csv(write(tmp_path, 'id,text\n1,"first\nsecond"\n2,x\n'))
    assert list(found.table["text"]) == ["first\nsecond", "x"]


def test_one_damaged_line_does_not_turn_the_file_into_cp1252(tmp_path):
    data = "id,text\n1,Größe\n".encode() + b"2,br\xf6ken\n" + "3,Köpfchen\n".encode()
    found = delimited.read_csv(write(tmp_path, data))
    assert list(found.table["text"]) == ["Größe", "Köpfchen"]
    assert "not valid UTF-8" in found.rejected["reason"].iloc[0]


@pytest.mark.parametrize(
    ("data", "part"),
    [(b"", "first line is empty"), (b"a,a\n1,2\n", "stands twice"), (b"a\n\x81\x8d\n", "neither UTF-8 nor cp1252")],
)
def test_a_file_that_is_no_table_is_refused_with_its_name(tmp_path, data, part):
    with pytest.raises(TableError, match=part) as caught:
        delimited.read_csv(write(tmp_path, data))
    assert str(caught.value).startswith("file.csv:")


def test_json_lines_keep_text_as_text_and_reject_broken_lines(tmp_path):
    text = '{"id": "0012", "n": 3, "t": null}\nnot json\n[1]\n\n{"id": "2", "more": true}\n'
    found = delimited.read_jsonl(write(tmp_path, text, "file.jsonl"))
    assert found.table.to_dict("records") == [
        {"id": "0012", "n": "3", "t": "", "more": ""},
        {"id": "2", "n": "", "t": "", "more": "true"},
    ]
    assert list(found.rejected["row"]) == [2, 3]
