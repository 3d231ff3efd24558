"""`python -m daemon`, in a checkout that is not installed."""

from acestepd_main import main

raise SystemExit(main())
