"""`python -m necc` is the `necc` command."""

from necc.cli import main

if __name__ == "__main__":
    main()
