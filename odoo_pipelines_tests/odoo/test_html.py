"""Canonical spellings as a real Odoo 19 left them unchanged; test_round_trip.py asks one."""

from __future__ import annotations

import pytest

from odoo_pipelines.odoo.html import comparable_html, html_from_text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Late arrival", "<p>Late arrival</p>"),
        ("a & b", "<p>a &amp; b</p>"),
        ("<b>no tag</b>", "<p>&lt;b&gt;no tag&lt;/b&gt;</p>"),
        ("&amp;", "<p>&amp;amp;</p>"),
        ('"it\'s"', '<p>"it\'s"</p>'),
        ("one\r\ntwo\rthree\nfour", "<p>one<br>two<br>three<br>four</p>"),
        (" two  spaces\tand a tab ", "<p> two  spaces\tand a tab </p>"),
        ("10\u00a0EUR", "<p>10&nbsp;EUR</p>"),
        ("5\x80 \x93quoted\x94", "<p>5€ “quoted”</p>"),
        ("é 😀", "<p>é 😀</p>"),
    ],
)
def test_a_text_becomes_the_html_that_odoo_does_not_change(text: str, html: str) -> None:
    assert html_from_text(text) == html
    assert comparable_html(html) == html


def test_marks_on_quotations_do_not_count() -> None:
    assert comparable_html('<p data-o-mail-quote="1">-- </p><b data-o-mail-quote-node="1">x</b>\r\n') == (
        "<p>-- </p><b>x</b>\n"
    )
