"""Build the documentation site into `docs/_build`; warnings are errors.

uv run --group docs python docs/build.py
"""

import sys
from pathlib import Path

from sphinx.cmd.build import main

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.exit(main(["-W", "--keep-going", "-q", "-b", "html", str(HERE), str(HERE / "_build"), *sys.argv[1:]]))
