"""Recall of the de-identification gate and the share of clinical words it removes.

    python bench/deidentification.py [JSONL FILES OR FOLDERS OF THEM] [--reports 500] [--seed 11]

Reports made here from names, places and layouts that were written without the gate's lists and patterns, and the reports of JSONL files:
`report` and `identifiers` (strings), and where there are any `kinds` (kind by identifier, or a list beside them), `known` (values from
columns, as a list or by column; else the identifiers themselves) and `clinical` (terms that must stay).
An identifier counts as removed when none of its letters and digits is left, wherever it stands.
"""

# ruff: noqa: E501, SIM905  (word lists and layouts read best in one line each)

import argparse
import json
import re
import time
from collections import Counter
from pathlib import Path

import numpy as np

from labkit import deidentification

SURNAMES = {
    "de": "Ackmann Brömmelkamp Czerny Dörflinger Eschenlohr Fürstenwerth Grabowsky Hinterhuber Iwersen Jacobsmeyer Kappelhoff Löwenkamp Mühlenbrock "
    "Nottebohm Özdemir Pfannenstiel Quandt Rübsamen Schniedermann Teichgräber Uhlenbruck Vandieken Wöhrmann Yilmazoglu Zwingenberger Klein Lang Krüger "
    "Nguyen Kowalczyk Sağlam Papadopoulou Weiß Groß Bach Vogt Bender Sommerfeldt Dietz-Lohmann Meyer-Rüegg".split(),
    "en": "Abernathy Blenkinsop Cartwright Dunleavy Entwistle Featherstone Goldsborough Hathersage Inglethorpe Jessop Kilpatrick Lancaster McAllister "
    "Nakamura O'Sullivan Pemberton Quigley Ravenscroft Satterthwaite Thistlewood Underhill Venkataraman Whitcombe Yarborough Zielinski Young Bennett Mason "
    "Okonkwo Chaudhry Delacroix-Moore Fitzgerald Short Bush".split(),
}
GIVEN = {
    "de": "Gesine Traugott Ottilie Lorenz Malte Swantje Hinnerk Burkhard Adalbert Roswin Tomke Cevdet Nilgün Bogdan Agnieszka Ludmilla Korbinian Vroni Sepp "
    "Walburga Ansgar Mechthild Luis Elfi Anna Peter Karl Sabine".split(),
    "en": "Barnaby Clementine Desmond Euphemia Fergus Gwendolyn Horatio Isolde Jerome Keziah Lachlan Marguerite Nigella Orlando Prudence Quentin Rowena "
    "Siobhan Tarquin Ursula Vikram Winnifred Xiomara John Mary James Susan".split(),
}
TOWNS = {
    "de": "Kleinhausen,Oberlinden,Wüstenrode,Bad Salzbronn,Neuenfelde,Hagenow,Burgstetten,Lindau".split(","),
    "en": "Ambleford Thornbury Westhaven Millbrook Oakridge Kingsport".split(),
}
STREETS = {
    "de": "Lerchenweg,Alte Poststraße,Karolinenstr.,Am Mühlbach,Goethestrasse,Brunnengasse,Schützenplatz,Lindenallee,Hinterm-Deich-Weg".split(
        ","
    ),
    "en": "Willow Lane,Station Road,Maple Avenue,Church Street,Old Mill Drive,Queens Crescent,Harbour View Terrace".split(
        ","
    ),
}
MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "en": "January February March April May June July August September October November December".split(),
}
BODIES = {
    "de": [
        "Daumen links in 2 Ebenen: Bennett-Fraktur der Basis des Os metacarpale I mit 3 mm Stufe, Dislokation nach radial. CMC I subluxiert.",
        "Ellenbogen rechts: Radiuskopffraktur Mason II, 2 mm Stufe. Fettpolsterzeichen positiv. Keine Luxation. Olekranon intakt.",
        "Klavikula rechts in 2 Ebenen: Laterale Fraktur Typ Neer 2, AC-Gelenk Rockwood III, Tossy III. Kein Pneumothorax.",
        "Verlaufskontrolle nach 6 Wochen: K-Drähte in situ, Kallus an der Rolando-Fraktur sichtbar. Z. n. Kirschner-Draht-Osteosynthese, Winkel 30°.",
        "54-jähriger Patient, Sturz auf die Hand. Monteggia-Verletzung (Bado I), AO 2R1A2. Ulnaschaft um 2,5 cm verkürzt. HWK C6 und L4/5 nicht beurteilt.",
        "Rhizarthrose Eaton-Littler III, Heberden-Knoten D2 und D3, Bouchard-Arthrose. Verdacht auf M. Sudeck. Herbert-Schraube im Skaphoid reizlos.",
        "Suprakondyläre Humerusfraktur Gartland II bei 7-jährigem Kind, Baumann-Winkel 75°. Salter-Harris II am Daumengrundglied. Stener-Läsion möglich.",
    ],
    "en": [
        "Right thumb, 2 views: Rolando fracture of the first metacarpal base with 2 mm step. No Stener lesion. Mild swelling.",
        "Left elbow: Radial head fracture, Mason type II, displaced by 3 mm. Positive fat pad sign. Olecranon intact. Anterior humeral line normal.",
        "Right clavicle: Midshaft fracture, Allman I, Neer 2. Rockwood III separation of the AC joint. Hill-Sachs defect not seen.",
        "Follow-up after 6 weeks: Bridging callus, Herbert screw unchanged, angle 30 degrees. May represent Sudeck atrophy.",
        "45-year-old male. Essex-Lopresti injury, Galeazzi fracture excluded. AO 23-A2. C6 and L4/5 not imaged. Heberden nodes. Colles' fracture healed.",
        "Supracondylar fracture Gartland III in a 6-year-old. Salter-Harris type II of the proximal phalanx. Kirschner wires in place. Long oblique line, short fragment.",
    ],
}
LAYOUTS = {
    "de": [
        "Pat. {inverted}, geb. {birth}, Fallnummer {id}\n{body}\ngez. Dr. med. {doctor}",
        "Patient: {name} *{birth}\nAuftrag: {id}\nBefund: {body}\n\nOÄ Dr. {doctor}",
        "Sehr geehrter Herr Kollege Dr. {doctor_last},\nwir berichten über unsere gemeinsame Patientin Frau {last}, geboren am {birth}, wohnhaft {address}.\n{body}\nMit freundlichen Grüßen\n{doctor}",
        "{body}\nVoraufnahme vom {date} zum Vergleich. Rücksprache mit Dr. {doctor_last} am {short}. Tel. {phone}.",
        "{inverted} ({birth}), Pat.-ID: {id}\n{body}\nProf. Dr. {doctor}\nE-Mail: {email}",
        "Untersuchung am {date}.\nHerr {last} stellte sich vor. {body} Herrn {last} wurde die Kontrolle im {hospital} empfohlen.\nBefunder: {doctor}",
        "Name: {last}\nVorname: {first}\nGeburtsdatum: {birth}\nAdresse: {address}\n{body}\nFacharzt: {doctor}",
        "{hospital}, Station 4b\nDatum: {date}\n{body}\nMfG\n{doctor}\nOberarzt",
        "{body} Befund telefonisch an Frau {doctor_last} (Durchwahl {ext}) übermittelt. Elektronisch signiert von {doctor} am {date}.",
    ],
    "en": [
        "Patient: {name}  DOB: {birth}  MRN: {id}\n{body}\nElectronically signed by: {doctor}, MD on {date}",
        "Mr. {name} of {address} was seen on {date}. {body}\nReported by Dr. {doctor}",
        "RE: {name}\nAccession: {id}\nCOMPARISON: {date}\nFINDINGS: {body}\nDiscussed with Dr. {doctor_last} on {date}, phone {phone}.",
        "Thank you for referring Mrs {last} (born {birth}). {body}\nKind regards\n{doctor}\nConsultant Radiologist",
        "{inverted}, NHS No: {id}\nExam date: {date}\n{body}\nDictated by: {doctor}. Contact: {email}",
        "{hospital}\nName: {name}\n{body}\nReferring physician: {doctor}\nTel: {phone}",
        "{body} Ms. {last} was informed. Prof. {doctor_last} notified at {phone}.",
        "Pt {name}, {birth}. {body}\nSigned: {doctor} FRCR",
    ],
}
HOSPITALS = {
    "de": ["Klinikum {}", "St.-Anna-Krankenhaus {}", "Universitätsklinikum {}"],
    "en": ["{} General Hospital", "St. Mary's Hospital {}", "{} Medical Center"],
}
WORD = re.compile(r"[^\W\d_]{3,}")


def spellings(language: str, d: int, m: int, y: int) -> list[str]:
    """A date as reports of the language spell it."""
    month = MONTHS[language][m - 1]
    if language == "de":
        return [
            f"{d:02}.{m:02}.{y}",
            f"{d}.{m}.{y}",
            f"{d}. {month} {y}",
            f"{y}-{m:02}-{d:02}",
            f"{d:02}.{m:02}.{y % 100:02}",
        ]
    english = f"{m:02}/{d:02}/{y}|{month} {d}, {y}|{d} {month[:3]} {y}|{y}-{m:02}-{d:02}|{d:02}-{month[:3].upper()}-{y}"
    return english.split("|")


def identifiers(language: str, rng: np.random.Generator) -> dict[str, str]:
    """Fake identifiers of one report, spelled in one of the usual ways."""

    def pick(values):
        return str(values[rng.integers(len(values))])

    def digits(n):
        return "".join(map(str, rng.integers(0, 10, n)))

    def day():
        return pick(
            spellings(language, *map(int, (rng.integers(1, 29), rng.integers(1, 13), rng.integers(1931, 2026))))
        )

    de = language == "de"
    first, last, doctor_last = pick(GIVEN[language]), pick(SURNAMES[language]), pick(SURNAMES[language])
    street, town = pick(STREETS[language]), pick(TOWNS[language])
    hospitals = HOSPITALS[language]
    phones = (
        [f"0{digits(3)}/{digits(6)}"]
        if de
        else [f"({digits(3)}) {digits(3)}-{digits(4)}", f"01{digits(3)} {digits(6)}"]
    )
    ids = [
        digits(8),
        f"{digits(2)}-{digits(5)}",
        f"RX{digits(7)}",
        f"{pick(['A', 'KH', 'F'])}-{digits(4)}/{digits(3)}",
        digits(6),
    ]
    house, code = rng.integers(1, 120), rng.integers(10000, 99999)
    # fmt: off
    return {
        "name": f"{first} {last}", "inverted": f"{last}, {first}", "first": first, "last": last, "birth": day(), "date": day(),
        "doctor": f"{pick([given := pick(GIVEN[language]), given[0] + '.'])} {doctor_last}", "doctor_last": doctor_last,
        "short": f"{rng.integers(1, 29)}.{rng.integers(1, 13)}.", "id": pick(ids), "phone": pick(phones), "ext": digits(4),
        "email": f"{last.lower().replace(chr(39), '')}@{pick(['radio', 'praxis'])}-{digits(2)}.{pick(['de', 'org'])}",
        "address": f"{street} {house}, {code} {town}" if de else f"{house} {street}, {town}", "hospital": pick(hospitals).format(town),
    }
    # fmt: on


def synthetic(n: int, rng: np.random.Generator) -> list[dict]:
    """Reports with `text` and `places`: (start, end, kind) of each identifier."""
    made = []
    for i in range(n):
        language = ("de", "en")[i % 3 == 2]
        values = identifiers(language, rng)
        values["body"] = BODIES[language][rng.integers(len(BODIES[language]))]
        layout = LAYOUTS[language][rng.integers(len(LAYOUTS[language]))]
        text, places = "", []
        for piece in re.split(r"(\{\w+\})", layout):
            kind = piece[1:-1] if piece.startswith("{") else None
            value = values[kind] if kind else piece
            if kind and kind != "body":
                places.append((len(text), len(text) + len(value), kind))
            text += value
        known = [
            values["inverted"],
            values["name"],
            values["id"],
            values["phone"],
            values["email"],
            values["birth"],
            values["address"],
            values["doctor"],
        ]
        made.append({"text": text, "places": places, "known": known})
    return made


def annotated(path: Path) -> list[dict]:
    """The reports of a JSONL file, or of all in a folder, with the places of their identifiers and clinical terms."""
    reports = []
    for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
        for line in filter(str.strip, file.read_text(encoding="utf-8").splitlines()):
            row = json.loads(line)
            kinds = row.get("kinds") or {}
            kinds = kinds if isinstance(kinds, dict) else dict(zip(row["identifiers"], kinds))
            known = row.get("known", row["identifiers"])
            reports.append(
                {
                    "text": row["report"],
                    "places": places(row["report"], {i: kinds.get(i, "any") for i in row["identifiers"]}),
                    "known": list(known.values()) if isinstance(known, dict) else known,
                    "clinical": places(row["report"], dict.fromkeys(row.get("clinical", ()), "term")),
                }
            )
    return reports


def places(text: str, kinds: dict[str, str]) -> list[tuple[int, int, str]]:
    """Start, end and kind of each whole occurrence of the strings."""
    return [
        (m.start(), m.end(), kind)
        for value, kind in kinds.items()
        for m in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text)
    ]


def measure(reports: list[dict], *, known: bool) -> dict:
    """Identifiers removed, clinical words and terms removed, seconds; misses are counted by kind."""
    gate = deidentification.Gate()
    total, missed, gone = Counter(), Counter(), Counter()
    words = terms = lost = 0
    started = time.process_time()
    found = [gate.find(r["text"], r["known"] if known else ()) for r in reports]
    seconds = time.process_time() - started
    for report, spans in zip(reports, found):
        text = report["text"]
        covered = {i for span in spans for i in range(span.start, span.end)}
        for start, end, kind in report["places"]:
            total[kind] += 1
            missed[kind] += any(text[i].isalnum() and i not in covered for i in range(start, end))
        for start, end, _ in report.get("clinical", ()):
            terms += 1
            lost += not covered.isdisjoint(range(start, end))
        own = {i for start, end, _ in report["places"] for i in range(start, end)}
        for match in WORD.finditer(text):
            if match.start() not in own and match.group().casefold() not in LABELS:
                words += 1
                gone[match.group()] += match.start() in covered
    return {"n": len(reports), "total": total, "missed": missed, "words": words, "gone": +gone, "terms": terms, "lost": lost,
            "seconds": seconds}  # fmt: skip


def show(name: str, r: dict, *, known: bool) -> None:
    """Print one set's figures: recall with its interval, words and terms removed, speed, misses by kind."""
    n, missed, gone = r["total"].total(), r["missed"].total(), r["gone"].total()
    print(
        f"{name:10} {'with' if known else 'without':7} known  reports {r['n']:4}  recall {1 - missed / max(1, n):.4f} ({n - missed}/{n})  "
        f"other words removed {gone / max(1, r['words']):.3%} ({gone}/{r['words']})  "
        + (f"clinical terms {r['lost'] / r['terms']:.3%} ({r['lost']}/{r['terms']})  " if r["terms"] else "")
        + f"{r['n'] / r['seconds']:,.0f} reports/s"
    )
    print(
        "           missed: "
        + (", ".join(f"{k} {m}/{r['total'][k]}" for k, m in (+r["missed"]).most_common()) or "none")
    )
    print("           removed: " + (", ".join(f"{w} {m}" for w, m in r["gone"].most_common(15)) or "none"))


# words that go with an identifier and carry nothing clinical
LABELS = set(
    "pat patient patientin geb geboren frau herr herrn hr gez med prof auftrag fallnummer fallnr adresse wohnhaft tel telefon mail durchwahl station phone dob mrn "
    "accession nhs mrs miss the born signed kollege".split()
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("annotated", nargs="*", type=Path, help="JSONL files, or folders of them")
    parser.add_argument("--reports", type=int, default=500)
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    sets = {"synthetic": synthetic(arguments.reports, np.random.default_rng(arguments.seed))}
    sets |= {path.stem: annotated(path) for path in arguments.annotated}
    for name, reports in sets.items():
        for known in (False, True):
            show(name, measure(reports, known=known), known=known)


if __name__ == "__main__":
    main()
