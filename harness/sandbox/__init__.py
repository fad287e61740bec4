"""Where candidate code runs: bubblewrap, what is done in it right before the candidate starts, and the self-test.

What a candidate can reach: the system's programs and libraries and the bot's base Python (read only), its views under
/candidate (read only), a scratch in memory at /tmp and /dev/shm, and three pipes. Not the network, the host's
processes, its environment, its users or its other files; nor any system call of `seccomp`'s list. An agent, which is
no candidate, gets one Unix socket besides (`door`), and loopback. A candidate that is given the card (`gpu`) gets its
device nodes, three folders of /sys to read, the names of its threads to write, and Unix sockets and files in memory of
its own: what CUDA cannot begin without (`harness.device`).

Which function builds which layer (each is looked up in its module when it is called, so a test can take out just one):

    namespaces           bwrap.namespaces           processes, network, System V IPC, host name; users unless `uid`
    filesystem views     views.declared, roots      what is shown, and from where it may be taken
                         bwrap._system, _filesystem the mounts: everything read only but the scratch
    environment          bwrap._environment, and run_bounded(env={}) in harness.candidate
    descriptors          launch.first_closed        and harness.child._launch, which passes none on
    uid                  identity.own_uid           a user for each launch where the bot is root; None: a user namespace
    limits               limits.settings            of each process, by the kernel
                         usage.watch                of all together: memory, processor time, processes
    seccomp              seccomp.program            second layer; empty: none
    landlock             landlock.rules             second layer; empty: none
    output escape        harness.process.printable  and harness.measure._tail, _plain
    output, wall clock   harness.child.Child.pump   by the reader, who kills the whole process namespace
    lifeline             launcher.end_if_abandoned  and bwrap's --die-with-parent

Without a layer of the first kind no candidate runs (`selftest.self_test`); what is missing of the second is told
(`selftest.layers`). The launcher adds some 12 ms to bubblewrap's 5, most of it the start of its interpreter.

Known limits: a filter of calls is a list of what is refused, not of what is allowed. `usage` says what a watch cannot
see. In a user namespace (a bot that is not root) a candidate is the same user as the bot to the kernel: namespaces
alone hold them apart. A bubblewrap whose parent is killed in the very milliseconds in which it begins can stay,
waiting, before any candidate: it runs nothing, and ends with the verb (bot.night.lifeline). The scratch, views and
Python of a bot that is root must be readable for other users.
"""

TESTED_VARIABLE = "AUTORESEARCH_SANDBOX_TESTED"  # set for an evaluator whose harness has passed the self-test
