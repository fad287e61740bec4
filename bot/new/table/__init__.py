"""A scoring target from a table of accounts: `autoresearch new NAME --data accounts.csv`.

asked.py holds what the command line said, reading.py and query.py fetch the table, content.py says what its cells are,
detection.py what its columns are, refusals.py what cannot be meant, split.py which rows are held out, and writing.py
makes the files. Nothing is written before everything is known to be sound.
"""
