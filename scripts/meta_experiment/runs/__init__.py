"""Offline runs: every variant on the same cases, each run in a checkout of its own.

`schedule` says in which order, `cases` reads what is run, `checkouts` where, all of one `base`,
`agents` by whom, `fence` what they may write to, `supervising` holds each run to its time and
ends what it began, `criteria` judges the work. Nothing here knows an
experiment's store: what comes of a run is returned.
"""
