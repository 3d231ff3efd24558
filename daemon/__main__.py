"""`python -m daemon`, in a checkout that is not installed."""

from acestepd import main

raise SystemExit(main())
