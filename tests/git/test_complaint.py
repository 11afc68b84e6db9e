"""What a git says that failed is told to people, and so is cleaned before."""

from meta_experiment.files.process import ProgramResult
from meta_experiment.git.command import complaint


def test_no_token_of_a_remote_is_told():
    """Not every git hides it in the address that it could not reach."""
    said = b"fatal: unable to access 'https://ann:t0ken@git.example.org/x.git/': refused\n"
    assert complaint(ProgramResult(128, b"", said)) == (
        "fatal: unable to access 'https://git.example.org/x.git/': refused"
    )


def test_an_address_of_a_person_is_left():
    said = b"fatal: author ann@example.org of ssh://git.example.org/a@b is unknown"
    assert complaint(ProgramResult(1, b"", said)) == said.decode()
