"""`playhead serve --workers N`: a parent that starts workers, watches over them and replaces them.

    parent    data folder, listening socket, embedded Postgres; serves nothing itself
      └ worker 1 … N    a whole process each, with a journal of its own, on the shared socket

A worker is what a process on another host would be: it has a row in `processes`, and the others
adopt its journal when it dies. The parent has one thread and no event loop, so that it can fork.
"""
