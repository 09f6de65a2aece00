"""Whether the machine can bear another session, and what is given up so that it can.

    judge      readings against thresholds, with hysteresis: what there is too little of, and how much (pure)
    demand     what another session may be expected to take, by those that live (pure)
    gauge      reads the machine at most once a second, for whoever asks
    relief     what can be given up for memory or tasks, in order: warm sandboxes first
    keeper     looks now and then by itself, and has something given up before the kernel has to choose

What is not known (a kernel without pressure stall information, a file that cannot be read) is never "short".
"""
