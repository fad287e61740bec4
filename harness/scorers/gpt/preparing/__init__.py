"""Makes a prepared folder from text: which texts there are (`texts.py`), and what becomes of them (`making.py`).

Nothing here knows the network: a target that fetches texts does so by locked files of its own.
"""
