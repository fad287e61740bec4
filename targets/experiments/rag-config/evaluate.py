from harness.scorers import retrieval

retrieval.serve("prepared")
