"""`python -m daemon`, in a checkout that is not installed."""

from acestepd_main import main

if __name__ == "__main__":  # Dask imports it in the processes that it starts
    raise SystemExit(main())
