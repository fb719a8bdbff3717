"""`python -m reconciler`: the command line, where no script is on the path."""

from reconciler.cli.main import run

if __name__ == "__main__":
    run()
