"""Text and tables made to fit the columns of a terminal, by what is seen of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.render.blocks import Column, Emphasis, Text, Tone

Word = list[tuple[str, Tone | None]]  # parts without a space between, each in its tone
Cells = Sequence[Text]

_COMMAND = "meta-experiment"
_ENDS = ".,;:)"  # signs that end a command
_NARROWEST = 6  # columns that a cell of a table keeps


def plain(text: Text) -> str:
    """Return a text without its tones."""
    if isinstance(text, str):
        return text
    return text.text if isinstance(text, Emphasis) else "".join(map(plain, text))


def seen(text: Text) -> int:
    """Count the columns that a text takes in a terminal."""
    letters = plain(text)
    if letters.isascii():
        return len(letters)
    import unicodedata

    return sum(
        0
        if unicodedata.combining(letter)
        else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in letters
    )


def clipped(text: str, width: int) -> str:
    """Cut a text to so many columns, with a sign that it was."""
    if seen(text) <= width:
        return text
    kept = ""
    for letter in text:
        if seen(kept + letter) >= width:
            break
        kept += letter
    return f"{kept}…"


def flowed(text: Text, width: int, rest: int | None = None) -> Iterator[Text]:
    """Break a text between words into lines of at most so many columns, `rest` after the first.

    A longer word, such as a path, stays whole, and so does a command: they are copied.
    """
    line: Word = []
    taken = 0
    for spaces, word in _words(text):
        room = seen(_text(word))
        if line and taken + len(spaces) + room > width:
            yield _text(line)
            line, taken, width = list(word), room, width if rest is None else rest
        else:
            line += [(spaces, None), *word]
            taken += len(spaces) + room
    yield _text(line)


def hanging(head: Text, text: Text, width: int, indent: int) -> Iterator[Text]:
    """Write a text behind a head, what does not fit below it; without a width all fits."""
    if not width or seen(head) + seen(text) <= width:
        yield (head, text)
        return
    first, *rest = flowed(text, width - seen(head), width - indent)
    yield (head, first)
    for line in rest:  # a long command moves to the left
        yield (" " * max(0, min(indent, width - seen(line))), line)


def widths(columns: Sequence[Column], rows: Sequence[Cells], width: int) -> list[int] | None:
    """Share columns of a terminal among those of a table, the widest of which give way.

    Returns:
        what each may take; None where the words of a row do not fit beside each other.
    """
    count = len(columns)
    cells = [[row[place] for row in rows if place < len(row)] for place in range(count)]
    natural = [max(map(seen, column), default=0) for column in cells]
    least = [
        max((_longest_word(cell) for cell in column), default=0)
        if item.align == "left"
        else most
        for item, column, most in zip(columns, cells, natural, strict=True)
    ]
    left = width - 1 - sum(item.gap for item in columns)
    for limit in range(max(natural, default=0), _NARROWEST - 1, -1):
        shares = [
            min(most, max(limit, floor)) for most, floor in zip(natural, least, strict=True)
        ]
        if sum(shares) <= left:
            return shares
    return None


def _longest_word(text: Text) -> int:
    return max((seen(_text(word)) for _, word in _words(text)), default=0)


def _words(text: Text) -> Iterator[tuple[str, Word]]:
    """Yield each word with the spaces before it; a command or an interval counts as one."""
    spaces, word = "", Word()
    for part, tone in _parts(text):
        for place, piece in enumerate(part.split(" ")):
            if place and _goes_on(word):
                word.append((" ", tone))
            elif place:
                if word:
                    yield spaces, word
                    spaces, word = "", Word()
                spaces += " "
            if piece:
                word.append((piece, tone))
    if word:
        yield spaces, word


def _goes_on(word: Word) -> bool:
    """Tell whether a word has begun a command or an interval, and no sign has ended it."""
    if not word:
        return False
    first, last = word[0][0], word[-1][0]
    if first.startswith("["):
        return not any("]" in part for part, _ in word)
    return first == _COMMAND and last[-1] not in _ENDS


def _parts(text: Text) -> Iterator[tuple[str, Tone | None]]:
    if isinstance(text, str):
        yield text, None
    elif isinstance(text, Emphasis):
        yield text.text, text.tone
    else:
        for part in text:
            yield from _parts(part)


def _text(word: Word) -> Text:
    return tuple(part if tone is None else Emphasis(part, tone) for part, tone in word)
