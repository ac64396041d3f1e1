"""Settings of the documentation site. Build it with `uv run --group docs python docs/build.py`."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from forecaster import __version__  # noqa: E402

project = "forecaster"
author = "The forecaster authors"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
exclude_patterns = ["_build"]
suppress_warnings = ["myst.header"]  # pages of results begin with tables of their own

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature says them in the source; the text says units and shapes
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "forecaster"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {"**": ["menu.html"]}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_center": [],  # the menu stands at the side, whole
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
copyright = "The forecaster authors, Apache-2.0"
