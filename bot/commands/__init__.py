"""What a human asks of an open pull request in a comment: /recheck, /drop N, /hold.

Three jobs: `gate` decides who may ask for what, `work` measures without a token, `post` writes what followed. State
comes from recorded events; no body, label or marker of a pull request is ever read back.
"""
