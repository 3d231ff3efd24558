"""Several machines: workers that Dask's `distributed` leads us to. Nothing of it is imported where
no cluster is asked for, and nothing of Dask outside of here.
"""
