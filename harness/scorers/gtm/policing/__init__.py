"""The rules of a policy. base.py: what is known of the night's base; pairing.py: who is who in a candidate; rules.py:
entity by entity; parameters.py: what may become of a value; afterwards.py: what the container still does.
"""
