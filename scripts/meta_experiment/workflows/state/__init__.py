"""The state of a workflow's experiments: which run had which variant, read, merged and written.

`ledger` says what it is, `parsing` reads every form that it has had, `union` unites what
several sources hold, `tally` counts it, and `writing` adds a run to a file that others write to
as well. `branches` finds it in git.
"""
