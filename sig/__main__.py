"""``python -m sig``."""

from sig.cli import main

if __name__ == "__main__":
    main()
