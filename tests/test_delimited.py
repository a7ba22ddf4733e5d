"""CSV and JSON lines as hospitals export them."""

import csv

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


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_the_first_line_that_excel_writes_is_no_header(tmp_path, first, encoding):
    text = f"{first}\r\nid;befund\r\n1;Größe, 3 mm\r\n2;zu;viel\r\n"
    found = delimited.read_csv(write(tmp_path, text.encode(encoding)))
    assert found.table.to_dict("records") == [{"id": "1", "befund": "Größe, 3 mm"}]
    assert found.rejected.to_numpy().tolist() == [[2, "line 4 has 3 fields where the header has 2"]]


def test_excels_line_names_a_delimiter_that_no_other_file_has(tmp_path):
    found = delimited.read_csv(write(tmp_path, "sep=~\nid~befund\n1~a,b;c\n"))
    assert found.table.to_dict("records") == [{"id": "1", "befund": "a,b;c"}]


def test_broken_rows_are_rejected_and_the_others_kept(tmp_path):
    text = 'id,text\n1,"never closed\n2,good\n3,"a ""quoted"" word"\n\n4,too,many\n5,"stray " quote"\n6,good\n'
    found = delimited.read_csv(write(tmp_path, text))
    assert list(found.table["id"]) == ["2", "3", "6"]
    assert found.table.loc[3, "text"] == 'a "quoted" word'
    assert found.rejected.to_numpy().tolist() == [
        [1, "line 2 has a quote that is not closed or not doubled"],
        [4, "line 6 has 3 fields where the header has 2"],
        [5, "line 7 has a quote that is not closed or not doubled"],
    ]


def test_a_quote_left_open_at_the_end_takes_its_own_row_alone(tmp_path):
    found = delimited.read_csv(write(tmp_path, 'id,text\n1,good\n2,"open\n3,good\n4,"closed"\n'))
    assert list(found.table["id"]) == ["1", "3", "4"]


def test_a_file_whose_quotes_are_all_broken_is_refused(tmp_path):
    with pytest.raises(TableError, match="quotes are broken in more than 200 rows"):
        delimited.read_csv(write(tmp_path, "id,text\n" + '1,"x" y\n' * 201))


def test_a_long_report_is_read_and_the_limit_of_the_csv_module_stays(tmp_path):
    before = csv.field_size_limit()
    found = delimited.read_csv(write(tmp_path, f'id,text\n1,"{"Befund " * 60_000}"\n'))
    assert len(found.table.loc[1, "text"]) == 7 * 60_000
    assert csv.field_size_limit() == before


def test_a_text_over_several_lines_is_one_row(tmp_path):
    found = delimited.read_csv(write(tmp_path, 'id,text\n1,"first\nsecond"\n2,x\n'))
    assert list(found.table["text"]) == ["first\nsecond", "x"]


def test_one_damaged_line_does_not_turn_the_file_into_cp1252(tmp_path):
    data = "id,text\n1,Größe\n".encode() + b"2,br\xf6ken\n" + "3,Köpfchen\n".encode()
    found = delimited.read_csv(write(tmp_path, data))
    assert list(found.table["text"]) == ["Größe", "Köpfchen"]
    assert found.rejected.to_numpy().tolist() == [[2, "line 3 holds bytes that are not valid UTF-8"]]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_damage_is_told_of_its_own_row_also_after_a_bare_carriage_return(tmp_path, mark):
    rows = [b"id,text\n", '1,"Größe\rzwei"\n'.encode(), b"2,good\n", b"3,br\xf6ken\n", "4,Köpfchen\n".encode()]
    found = delimited.read_csv(write(tmp_path, mark + b"".join(rows)))
    assert list(found.table["text"]) == ["Größe\rzwei", "good", "Köpfchen"]
    assert list(found.rejected["row"]) == [3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_part_rows(tmp_path, end):
    found = delimited.read_csv(write(tmp_path, end.join(["id;text", "1;Größe", "2;gut", ""])))
    assert found.table.to_numpy().tolist() == [["1", "Größe"], ["2", "gut"]]


def test_a_file_marked_as_utf8_is_never_read_as_cp1252(tmp_path):
    found = delimited.read_csv(write(tmp_path, b"\xef\xbb\xbfid;text\n1;br\xf6ken\n2;good\n"))
    assert list(found.table["id"]) == ["2"] and list(found.rejected["row"]) == [1]


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "first line is empty"),
        (b"sep=;\n", "line after sep= is empty"),
        (b"a,a\n1,2\n", "the column 'a' stands twice in the header"),
        (b"a\n\x81\x8d\n", r"byte 2 \(value 129\) is neither UTF-8 nor cp1252"),
        (b"\xff\xfea\x00\n", "starts like UTF-16 but is cut"),
    ],
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
    assert found.rejected.to_numpy().tolist() == [
        [2, "line 2 is not valid JSON"],
        [3, "line 3 is not a JSON object"],
    ]


def test_json_lines_that_no_file_can_hold_again_are_rejected(tmp_path):
    data = '{"id": "1", "t": "Größe \u2028 weiter"}\n'.encode() + b'{"id": "2", "t": "br\xf6ken"}\n'
    found = delimited.read_jsonl(write(tmp_path, data + b'{"id": "3", "t": "\\ud83d"}\n', "file.jsonl"))
    assert found.table.to_numpy().tolist() == [["1", "Größe \u2028 weiter"]]
    assert list(found.rejected["row"]) == [2, 3]
    with pytest.raises(TableError, match=r"file.jsonl: no line holds a JSON object"):
        delimited.read_jsonl(write(tmp_path, "\n[]\n", "file.jsonl"))


def test_a_text_that_is_too_long_is_said_to_be_and_the_next_row_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "MAX_FIELD", 200)
    found = delimited.read_csv(write(tmp_path, 'id,befund\n1,"' + "Fraktur. " * 50 + '"\n2,kurz\n'))
    assert found.rejected.reason.tolist() == [
        "line 2 holds a text of more than 200 characters, or a quote that is not closed"
    ]
    assert found.table.befund.tolist() == ["kurz"]
