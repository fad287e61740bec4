from harness.scorers import gpt

gpt.serve("prepared")
