"""acestepd beside another implementation of the same model: `python -m tests.tools.bench --peer`.

Each of the two computes in a process of its own, and only one at a time. The peer's modules are
started by the Python that has its libraries; they import nothing of ours but `serving` and
`names`, which import nothing.
"""
