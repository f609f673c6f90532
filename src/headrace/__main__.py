"""`python -m headrace`: says which headrace this is and what it stands on."""

import platform
import sys

import numpy

import headrace


def main() -> int:
    """Prints the versions of headrace, Python and NumPy, and returns the exit status 0."""
    print(f"headrace {headrace.__version__}")
    print(f"Python {platform.python_version()}, NumPy {numpy.__version__}, {platform.platform()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
