"""`python -m pullback`: the same as the command `pullback`."""

from pullback.cli import main

raise SystemExit(main())
