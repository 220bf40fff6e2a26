"""The second door: what a guarded Python does instead of searching its path.

Here: what stands between a name and the bytes that are run (`finder`, `opening`), the bootstrap of
a run, and how both are packed. Not here: whether anything is believed. That was decided before, and
a `plan` says what came of it.

What goes into the child imports only the standard library, its neighbours only relatively, and
works from Python 3.9 on.
"""
