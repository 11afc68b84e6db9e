"""What the runs of a workflow came to, out of the artifacts that they leave.

`run_files` finds the runs in a folder of downloads and reads no more than is asked for,
`archives` opens what is still packed, `measuring` makes numbers of it, and `gathering` brings
runs, numbers and state together.
"""
