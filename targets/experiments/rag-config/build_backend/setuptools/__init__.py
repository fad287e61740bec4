"""Stands in for setuptools while pip fetches an archive, so that nothing of the archive is run. See build_meta.py."""
