from harness.scorers import saas

saas.serve("columns.yaml")
