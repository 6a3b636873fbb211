"""Papers are read back from the drawn page: QR codes by a decoder, sentences by a PDF reader."""

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.policy import Place, Policy
from formats.schedule import Window
from formats.tests.site_samples import POLICY
from provisioning.errors import PaperRefused
from provisioning.papers.labels import LAYOUTS, Label, draw_labels
from provisioning.papers.pages import REGULAR, broken, drawable
from provisioning.papers.sign import describe_hours, describe_rate, draw_sign
from provisioning.tests.sticks import publish, sign_both
from provisioning.tests.workshop import Workshop, refusal, tallylight
from terminal.fingerprints import fingerprint_words


def label(number: int = 1) -> Label:
    keys = bytes([number]) * 160
    return Label(
        "north-yard", f"{number:032x}", f"10000000{number:08x}", "otp", keys, training=False
    )


def words_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    return " ".join(" ".join(pages).split())


def codes_of(pdf: bytes) -> list[str]:
    found: list[str] = []
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            pixels = np.ascontiguousarray(page.render(scale=4).to_numpy())
            _, texts, *_ = cv2.QRCodeDetector().detectAndDecodeMulti(pixels)
            found += texts
    return found


def test_a_label_is_read_back_by_a_decoder_and_by_a_person() -> None:
    one = label()
    pdf = draw_labels([one], LAYOUTS["roll"])
    (code,) = codes_of(pdf)
    assert code.split(":")[:4] == ["TL1", one.site, one.camera, one.board]
    assert code.split(":")[4].replace("-", " ") == fingerprint_words(one.keys)
    said = words_of(pdf)
    for expected in (one.site, one.camera[:8], one.board, "otp", fingerprint_words(one.keys)):
        assert expected in said


def test_a_sheet_holds_24_and_the_25th_begins_the_next() -> None:
    labels = [label(number) for number in range(1, 26)]
    with pypdfium2.PdfDocument(draw_labels(labels, LAYOUTS["sheet"])) as document:
        sizes = [[round(length / 72 * 25.4) for length in page.get_size()] for page in document]
        rests = [len(page.get_textpage().get_text_range().split("board ")) - 1 for page in document]
    assert sizes == [[210, 297], [210, 297]]
    assert rests == [24, 1]


def test_places_of_a_begun_sheet_are_left_empty() -> None:
    with pypdfium2.PdfDocument(draw_labels([label()], LAYOUTS["sheet"], skip=23)) as document:
        (page,) = document
        used = page.get_textpage().get_text_bounded(left=72 * 5, bottom=0, top=72 * 2)
    assert "north-yard" in used


def test_the_same_labels_are_the_same_bytes() -> None:
    assert draw_labels([label()], LAYOUTS["sheet"]) == draw_labels([label()], LAYOUTS["sheet"])


def place(site: Policy) -> Place:
    return site.places[0]


def test_the_sign_says_every_figure_of_the_policy() -> None:
    site = replace(POLICY, cap=37, fpir_ppm=10_000, retention_days=23)
    said = words_of(draw_sign(site, place(site), "0123 456, privacy@example.org"))
    for expected in (
        "At most 37 people", "one of 100 passers-by", "after 23 days", place(site).grounds,
        site.agreement.url, "privacy@example.org", "while the lamp on the camera is lit",
        *site.categories, *(each.organisation for each in site.suppliers),
    ):  # fmt: skip
        assert expected in said


def test_a_sign_with_the_longest_texts_stays_on_its_page() -> None:
    long = " ".join(["reason"] * 140)
    many = tuple(f"category {number} {long[:100]}" for number in range(32))
    site = replace(POLICY, categories=many)
    sign = draw_sign(site, replace(place(site), grounds=long), long)
    with pypdfium2.PdfDocument(sign) as document:
        (page,) = document
        text = page.get_textpage()
        assert text.get_text_bounded(bottom=20) == text.get_text_bounded()
    assert words_of(sign).count("reason") >= 280


def test_a_sign_that_cannot_stay_on_its_page_is_refused_and_loses_no_line() -> None:
    with pytest.raises(PaperRefused, match="shorten --contact"):
        draw_sign(POLICY, place(POLICY), "privacy " * 5000)


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ([], "never"),
        ([(0, 0, 1440)], "Mon 00:00 to 24:00"),
        (
            [(0, 480, 960), (2, 480, 960), (1, 60, 90)],
            "Mon, Wed 08:00 to 16:00; Tue 01:00 to 01:30",
        ),
        ([(6, 600, 660), (6, 60, 120)], "Sun 01:00 to 02:00, 10:00 to 11:00"),
    ],
)
def test_hours_are_told_by_days(windows: list[tuple[int, int, int]], said: str) -> None:
    assert describe_hours(tuple(Window(*each) for each in windows)) == said


@given(st.integers(1, 1_000_000))
def test_the_sign_states_no_smaller_rate_than_the_policy_accepts(ppm: int) -> None:
    (people,) = re.findall(r"one of ([\d,]+) passers-by", describe_rate(ppm))
    assert int(people.replace(",", "")) * ppm <= 1_000_000


@given(st.text(max_size=200), st.floats(20, 170))
def test_any_text_is_drawn_and_none_of_it_is_lost(text: str, width: float) -> None:
    assert "".join(broken(text, width, 10)).replace(" ", "") == "".join(text.split())
    assert len(drawable(text, REGULAR)) <= len(text)


def test_a_letter_that_the_font_lacks_is_drawn_as_its_base_letter() -> None:
    assert drawable("Łódź 漢", REGULAR).startswith("Łód")
    assert drawable("漢", REGULAR) == "?"


def test_the_sign_is_of_the_policy_in_force_and_not_of_a_draft(
    listed: Workshop, tmp_path: Path
) -> None:
    (request,) = (listed.site / "cameras").iterdir()
    words = ("papers", "sign", listed.site, request.stem[:4], "--contact", "the porter")
    to = tmp_path / "sign.pdf"
    assert "No policy is in force yet" in refusal(*words, "--to", to)
    sign_both(listed)
    tallylight(*publish(listed))
    tallylight("camera", "remove", listed.site, request.stem, "--yes")
    assert "version 1 of the policy" in tallylight(*words, "--to", to)
    assert "the porter" in words_of(to.read_bytes())
