"""A memo as PDF: what a reader of such files finds in it, and what is said where it cannot be made."""

from __future__ import annotations

import importlib.util
import re
import sys
import types
import zlib

import pytest
from helpers.synthetic import posterior, values
from typer.testing import CliRunner

from forecaster.cli.main import app
from forecaster.errors import RequestError
from forecaster.reports import pdf
from forecaster.reports.memo import memo


def usable():
    """Whether WeasyPrint and its system library are here."""
    try:
        pdf.weasyprint()
    except RequestError:
        return False
    return True


needs_weasyprint = pytest.mark.skipif(not usable(), reason="needs the extra `pdf`, and Pango")


def module_without_pango():
    """A stand-in for WeasyPrint on a system without Pango: importing it raises as cffi does."""

    class Finder:
        def find_spec(self, name, path=None, target=None):
            return importlib.util.spec_from_loader(name, self) if name == "weasyprint" else None

        def create_module(self, spec):
            return types.ModuleType(spec.name)

        def exec_module(self, module):
            raise OSError("cannot load library 'libpango-1.0-0': no such file.\nAdditionally, ...")

    return Finder()


@pytest.fixture
def without(monkeypatch):
    """``without("package")``: no WeasyPrint; ``without("pango")``: WeasyPrint that finds no Pango."""

    def take(what):
        if what == "package":
            monkeypatch.setitem(sys.modules, "weasyprint", None)
        else:
            monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
            monkeypatch.setattr(sys, "meta_path", [module_without_pango(), *sys.meta_path])

    return take


def opened(printed):
    """The bytes of a PDF with its packed objects unpacked."""
    packed = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", printed, re.S)
    return printed + b"".join(zlib.decompressobj().decompress(part) for part in packed if part[:1] == b"x")


@pytest.mark.parametrize(
    ("what", "said"),
    [("package", ["forecaster[pdf]"]), ("pango", ["libpango-1.0-0", "libpangoft2-1.0-0", "cannot load library"])],
)
def test_what_is_missing_is_named_with_what_installs_it(without, what, said):
    without(what)
    with pytest.raises(RequestError) as found:
        pdf.pdf_of("<p>words</p>")
    assert all(part in str(found.value) for part in said)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("verb", ["memo", "demo"])
def test_nothing_is_read_or_written_where_pdf_cannot_be_made(without, verb, tmp_path):
    without("package")
    source = [str(tmp_path / "curves.csv")] if verb == "memo" else []
    done = CliRunner().invoke(app, [verb, *source, "-o", str(tmp_path / "new"), "--pdf"])
    assert done.exit_code == 1
    assert "forecaster[pdf]" in done.stderr
    assert list(tmp_path.iterdir()) == []


@needs_weasyprint
@pytest.mark.filterwarnings("default")  # of WeasyPrint and what it loads
def test_a_memo_is_printed_page_by_page(tmp_path):
    found = memo(posterior({"cnn": values(level=-2.0, sd={"level": 0.05}), "mlp": values(level=-1.8)}), title="Ducks?")
    files = found.save(tmp_path, "m", pdf=True)
    assert tmp_path / "m.pdf" in files
    printed = (tmp_path / "m.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    said = opened(printed)
    assert b"(Ducks?)" in said
    assert b"/MarkInfo" in said  # tagged
    assert len(re.findall(rb"/Type */Page\b", said)) >= 3
    assert printed == pdf.pdf_of(found.html)


@needs_weasyprint
@pytest.mark.filterwarnings("default")
def test_nothing_outside_the_document_is_read(tmp_path):
    """A stylesheet beside the document would make it two pages; it is not looked at."""
    (tmp_path / "style.css").write_text("p { break-after: page }")
    text = f'<link rel="stylesheet" href="{(tmp_path / "style.css").as_uri()}"><p>one</p><p>two</p>'
    assert pdf.pdf_of(text) == pdf.pdf_of(text.replace((tmp_path / "style.css").as_uri(), "data:text/css,"))
