"""How well a Google Tag Manager container measures a business: nine dimensions by what tags do, not by their names.

    container = read(content, "container.json")     # an export or the API's JSON, web or server, of any age
    scored = score(container, Declared(business="shop"))

The model: `entities.py` (what stands in the file), `container.py` (what it is), `references.py` (who uses what),
`values.py` (what a parameter comes to), `conditions.py` and `reach.py` (what can fire, on which events),
`senders.py` (what a tag sends, and to whom). `dimensions/` holds one dimension per file, `scoring.py` adds up.
docs/gtm-scorer.md defines each dimension; `profiles.yaml` holds weights and what a business must measure.

`audit/` holds rules that the score knows nothing of (docs/gtm-audit.md). `serving.py` is the evaluator of a target.
"""

from harness.scorers.gtm.container import Container, read
from harness.scorers.gtm.declared import Declared
from harness.scorers.gtm.scoring import Scored, score


def serve(file: str) -> None:
    """The evaluator of a container target; file: the declared.yaml beside its target.yaml."""
    from harness.scorers.gtm.serving import serve as serve_declared

    serve_declared(file)


__all__ = ["Container", "Declared", "Scored", "read", "score", "serve"]
