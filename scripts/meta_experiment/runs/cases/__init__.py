"""Cases, read from the files in which people keep them.

`forms` is the table of what is known, a module each; `case_text` reads a file that nobody
vouches for; `case_fields` and `criterion_fields` say what a case and a criterion may hold,
whatever the form. What is not understood is refused: nothing of a case is guessed at or left
out in silence.
"""
