"""Arguments are filled in as the client fills them in, and never guessed."""

import pytest

from meta_experiment.live.arguments import POINTER, Substitutes, split, substitute


def filled(body, arguments, *names, **variables):
    return substitute(body, Substitutes(arguments, names, variables), 1_000)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("one two", ["one", "two"]),
        ("", []),
        (" \t", []),
        ("'a b' \"c d\" e", ["a b", "c d", "e"]),
        ('a"b c"d e', ["ab cd", "e"]),
        ("'' b", ["", "b"]),
        ("a\\ b c", ["a b", "c"]),
        ("fix #12 now", ["fix"]),
        ("#12 fix", ["#12", "fix"]),
        ("x a=b --y=z", ["x", "a=b", "--y=z"]),
        ("a\nb c", ["a"]),
        ("a 'b\nc' d", ["a", "b\nc", "d"]),
        ("é 日本 😀", ["é", "日本", "😀"]),
        ("x " * 6000, ["x"] * 6000),
    ],
)
def test_plain_and_quoted_words_are_split(arguments, expected):
    assert split(arguments) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        "it's slow", 'fix "abc', "a | b", "a; b", "a && b", "a > b", "$x b", "b $x", "a $(ls)",
        "a `ls`", "{a,b}", "(a) b", "[a] b", "! a", "if a b", "export a b", "A=1 b", "a = b",
        '"$x" b', '"a\\"b"', "a \\", "a\u00a0b", "a\nif b", "a\nb 'c", "a\x00b; c",
    ],
)  # fmt: skip
def test_what_only_a_shell_parser_can_split_is_pointed_at(arguments):
    assert split(arguments) is None
    assert filled("$0 and $ARGUMENTS[1]", arguments) == f"{POINTER} and {POINTER}"
    assert filled("<$ARGUMENTS>", "a; b") == "<a; b>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("$ARGUMENTS", "one two"),
        ("$0,$1,$2", "one,two,$2"),
        ("$ARGUMENTS[1] $ARGUMENTS[9] $ARGUMENTS[x]", "two $ARGUMENTS[9] one two[x]"),
        ("\\$1 \\$ARGUMENTS \\\\$1 \\$x \\$", "$1 $ARGUMENTS \\\\two \\$x \\$"),
        ("$1a $12 $1.", "$1a $12 two."),
        ("$first-$second-$third", "one-two-"),
        ("$firsts $first[0] \\$first", "$firsts $first[0] $first"),
        ("$", "$"),
        ("$$1", "$two"),
        ("${CLAUDE_SESSION_ID} ${CLAUDE_OTHER} ${X", "s-1 ${CLAUDE_OTHER} ${X"),
        ("\\${CLAUDE_SESSION_ID}", "\\s-1"),
        ("\uffff\ufffe", "\ufffd\ufffd"),
    ],
)
def test_placeholders(body, expected):
    names = ("first", "second", "third")
    assert filled(body, "one two", *names, CLAUDE_SESSION_ID="s-1") == expected


def test_values_are_not_looked_at_again():
    assert filled("$0 $1", "'$1 $ARGUMENTS' b") == "$1 $ARGUMENTS b"
    assert filled("$ARGUMENTS", "${CLAUDE_EFFORT} $0", CLAUDE_EFFORT="low") == "low $0"


def test_injections_in_arguments_are_disarmed_as_the_client_does():
    assert (
        filled("$ARGUMENTS", "!`touch x` a !b c!d\n!`e`") == "\\! `touch x` a \\!b c!d\n\\! `e`"
    )


@pytest.mark.parametrize("body", ["$0$0", "x$0\\$1" + "y" * 500, "$NO" + "z" * 1_000])
def test_what_would_be_too_long_is_not_made(body):
    assert filled(body, "a" * 501) is None


def test_the_longest_name_counts():
    assert filled("$ab $a", "1 2", "a", "ab") == "2 1"
