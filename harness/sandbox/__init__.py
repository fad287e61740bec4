"""Where candidate code runs: bubblewrap, the limits in it, and the test that it really holds.

What a candidate can reach: the system's programs and libraries (read only), its views under /candidate (read
only), a scratch in memory at /tmp and /dev/shm, and three pipes. Not the network, the host's processes, its environment
or its other files.

Not built yet: seccomp, landlock, cgroups and a uid of its own. Until then a candidate meets the kernel's whole surface
(nested user namespaces too), and `limits` says which limits are looser than they read. Known gap: a sandbox that is
within its first milliseconds when somebody else kills the evaluator (out of memory, kill -9) can live on: without
network and under its limits, but with nobody to hold it to the wall clock.
"""

TESTED_VARIABLE = "AUTORESEARCH_SANDBOX_TESTED"  # set for an evaluator whose harness has passed the self-test
