"""Where candidate code runs: bubblewrap, the limits in it, and the test that it really holds.

What a candidate can reach: the system's programs and libraries (read only), the views it was given under
/work (read only), a scratch in memory at /tmp and /dev/shm, and three pipes. Not the network, the host's
processes, its environment or its other files. A layer of seccomp, landlock, cgroups and a uid of its own
is not built yet; what that leaves open is listed in `limits`.
"""
