"""Start-up: whole-process times of cheap commands, beside a bare interpreter and a two-command Typer program."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import RECONCILER, best

HELLO = """
import typer
app = typer.Typer()
@app.command()
def hello(name: str = "x") -> None: print(name)
@app.command()
def bye(name: str = "x") -> None: print(name)
app()
"""
QUICK_START = Path(__file__).parents[2] / "examples" / "quickstart"


def main() -> None:
    """Print the figures."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    try:
        shutil.copytree(QUICK_START, folder / "quickstart")
        print("start-up (best of 9)")
        bare = best([sys.executable, "-c", "pass"], folder, 9)
        print(f"  python -c pass               {bare}")
        hello = best([sys.executable, "-c", HELLO, "--help"], folder, 9)
        print(f"  two-command Typer --help     {hello}")
        ours = best([*RECONCILER, "--help"], folder, 9)
        print(f"  reconciler --help            {ours}   {ours.seconds / hello.seconds:.2f} × the Typer program")
        check = best([*RECONCILER, "validate"], folder / "quickstart", 9)
        print(f"  reconciler validate          {check}   (quick start)")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
