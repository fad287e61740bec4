"""After a merge: what of it a night confirmed, what it really gained, and the tag that says so.

    plan        content decides: a target is promoted where its file is one that was confirmed
    remeasure   measures main's file against what it replaced, in a sandbox, without a secret
    publish     holds the measurement against the repository, records it, and tags; runs no candidate

Promotions of a target are one chain of segments of their own on the records branch, `<target>/promoted.<n>-promote`: a
merge may bring contents of several nights, of an old one, or of none.
"""
