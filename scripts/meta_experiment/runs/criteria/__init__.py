"""Criteria, judged on what a run left behind.

`judging` has the table of kinds, each a function of a criterion and the work; `bounded` holds
what strangers' patterns can make last for ever to its time. What cannot be judged has no
verdict: that is neither a pass nor a failure, and counts as neither.
"""
