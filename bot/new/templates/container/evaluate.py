from harness.scorers import gtm

gtm.serve("declared.yaml")
