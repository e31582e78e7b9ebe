"""``python -m core.prepare`` makes the database fit to serve: ``flask db upgrade`` and, in a demo, ``flask demo load``.

Both run in one process, since starting Python and importing the application a second time would cost a second.
"""

from __future__ import annotations

import os
import sys

from flask.cli import cli


def main() -> int:
    """Run each step; the exit status of the first that fails, else 0."""
    steps = [["db", "upgrade"]] + ([["demo", "load"]] if os.environ.get("LINJU_ENV") == "demo" else [])
    for step in steps:
        try:
            cli.main(["--app", "app", *step], prog_name="flask")
        except SystemExit as end:
            if end.code:
                print(f"flask --app app {' '.join(step)} 没有做成，原因见上", file=sys.stderr, flush=True)
                return end.code if isinstance(end.code, int) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
