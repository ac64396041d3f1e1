"""A memo as PDF, from its HTML: WeasyPrint, which the extra ``forecaster[pdf]`` installs, and the library Pango."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from forecaster.errors import RequestError

EXTRA = "pip install 'forecaster[pdf]' (in a clone: uv run --extra pdf forecaster ...)"
PANGO = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 (macOS: brew install pango)"


def weasyprint() -> Any:
    """The module; RequestError, with what to install, where it or Pango is missing."""
    try:
        return import_module("weasyprint")
    except ImportError as error:
        raise RequestError(f"PDF: found no WeasyPrint; expected it installed: {EXTRA}") from error
    except OSError as error:  # it is there, and loads Pango when it is imported
        said = str(error).partition("\n")[0].rstrip(".: ")
        raise RequestError(f"PDF: WeasyPrint found no Pango ({said}); expected it installed: {PANGO}") from error


def pdf_of(html: str) -> bytes:
    """The pages that a browser would print, with tags for screen readers; nothing is fetched.

    Parameters
    ----------
    html : str
        A self-contained document: its pictures are data URIs. Others are left out.

    Returns
    -------
    bytes
        The PDF, the same for the same document and version of WeasyPrint.

    Raises
    ------
    RequestError
        WeasyPrint or Pango is missing.
    """
    library = weasyprint()
    inside = import_module("weasyprint.urls").URLFetcher(allowed_protocols=["data"])
    return library.HTML(string=html, url_fetcher=inside).write_pdf(pdf_tags=True)
