"""`make soak`: kills nights with SIGKILL at random instants and holds every resume against a night that nobody killed.

    python -m tests.benchmarks.soak [--kills 300] [--seed N]

Four kinds of night; in each the evaluator's scores follow from content and seed alone, so that a killed night has to
end as an unkilled one of the same --seed does, event for event. The evaluator writes a line per measurement to a log
that no night can see: what stands there and was recorded when the kill fell may not be measured again.
"""
