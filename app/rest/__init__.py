"""The part of Sentry's REST API that `sentry-cli` and build plugins use, below `/api/0/`.

    entry    which requests come here, on which path, and how many at once
    access   whose token it is, what that reaches, and with which rights
    answers  JSON in and out; `errors` turns every error into {"detail": "…"}
    router   the resources, one module each

Every route ends in a slash. Paths are matched as they were sent, so that `%2F` in the name of a
release does not divide it.

Source: docs/symbolication.md; sentry-cli 2.31, 2.58 and 3.8.
"""
