"""Whether the skills' names and descriptions have the words in which people ask for them.

A warning of missing words and of skills that take each other's place, by BM25 alone. It is no
proof that a model opens the right one. No description is written from these sentences.
"""

import math
import re

import pytest
from tests.plugin.skill_checks import pack, parts, skills

# in turns for whoever changes a description, and for what it is then accepted by
ASKED = {
    "experiment-guide": [
        "where do my prompt experiments stand today",
        "what should I do next with the command under test",
        "I changed one sentence in a skill, does that deserve a test",
        "which of my agents should I begin with",
        "anything due or waiting for me in the experiments?",
        "I am new to this, where does one begin",
    ],
    "hypothesis-design": [
        "help me put my hunch about the /plan command as a claim one can test",
        "what would have to happen for this idea about the docs skill to be wrong",
        "is 'a friendlier tone works better' a good enough hypothesis",
        "sharpen the reason why fewer examples should make the agent cheaper",
        "which direction do we predict, and what is the reason behind it",
        "my idea bundles three edits of the prompt, is that one claim",
    ],
    "measurement-design": [
        "pick the metric for my test of the commit command",
        "what should never get worse while I make it cheaper, and by what margin",
        "how many days would such a plan take to show a tenth less cost",
        "one number or two, on what does it decide",
        "do I count each session or each use as the unit",
        "how large a sample does the agent test need",
    ],
    "exposure-control": [
        "give the new version only a small share of traffic",
        "two tests at once on prompts used in one session, does that work",
        "a bandit instead of an even split",
        "why was my command not served the new text today",
        "uses of the agent are not counted since yesterday",
        "who gets the variant when a colleague pulls the branch",
    ],
    "experiment-workspace": [
        "set up a test between the two versions of my summarize command",
        "start the experiment from this plan file",
        "pause it over the holidays and extend it by a week",
        "import the numbers from this csv",
        "run all cases against both versions tonight",
        "archive the old tests",
    ],
    "evidence-analysis": [
        "what are the results of the summarize test, is it better or only noise",
        "which version won",
        "promote the winner",
        "why is it still undecided after two weeks",
        "roll back to the old agent, it does harm",
        "can we believe this result",
    ],
    "learning-capture": [
        "keep a note of why the short version lost",
        "what lessons did earlier tests of this skill leave",
        "was something like that refuted before",
        "write up the ended test and what we try next",
        "we stopped without an answer, what do we take from it",
        "why did it win, for the record",
    ],
}
FOREIGN = [
    "fix the failing unit test in parser.py", "set up the database for the tests",
    "start the server and watch the logs", "import the module only when it is used",
    "why is this test flaky", "roll back the last migration", "record the screen",
    "extend the class by a method", "count the lines per file", "archive the old logs",
    "how much traffic goes to the second replica", "split the module into two",
    "learn what this repository does", "measure how long the page takes to load",
    "at what sample rate is the audio", "what changed between the two versions of the library",
    "write a note for the release", "which of these agents of the build is idle",
    "draw a diagram of the modules", "explain this regular expression", "open a pull request",
    "add a column to the users table", "merge main into my branch", "bump the version",
    "pause the queue when the disk is full", "make the command line accept a file",
    "a better name for this function", "deploy to staging and say when it is done",
]  # fmt: skip
ENDINGS = ["ations", "ation", "ments", "ment", "ings", "ing", "ies", "ied"]
ENDINGS += ["ers", "er", "ed", "es", "ly", "s", "e"]


def stems(text):
    return [
        next(
            (
                word[: -len(end)]
                for end in ENDINGS
                if word.endswith(end) and len(word) > len(end) + 2
            ),
            word,
        )
        for word in re.findall(r"[a-z]+", text.lower())
    ]


def described():
    return {
        name: stems(f"{name} {parts(text)[0]['description']}")
        for name, text in skills(pack()).items()
    }


def scores(asked, texts):
    """Return how well each text answers: BM25 with the usual constants."""
    usual = sum(map(len, texts.values())) / len(texts)
    found = dict.fromkeys(texts, 0.0)
    for word in set(stems(asked)):
        known = sum(word in text for text in texts.values())
        rarity = math.log(1 + (len(texts) - known + 0.5) / (known + 0.5))
        for name, text in texts.items():
            count = text.count(word)
            long = 0.25 + 0.75 * len(text) / usual
            found[name] += rarity * count * 2.2 / (count + 1.2 * long)
    return found


def chance_first(name, ranks):
    best = [other for other, rank in ranks.items() if rank == max(ranks.values()) > 0]
    return (name in best) / max(len(best), 1)


def quality(texts, half):
    """Return the share of sentences with the right skill first, and the AUC against foreign."""
    asked = [(name, said) for name, all_ in ASKED.items() for said in all_[half::2]]
    found = [(name, scores(said, texts)) for name, said in asked]
    first = sum(chance_first(name, ranks) for name, ranks in found) / len(found)
    own = [max(ranks.values()) for _, ranks in found]
    other = [max(scores(said, texts).values()) for said in FOREIGN]
    wins = sum((a > b) + (a == b) / 2 for a in own for b in other)
    return first, wins / len(own) / len(other)


@pytest.mark.parametrize("half", [0, 1])
def test_the_right_skill_comes_first_and_foreign_wishes_last(half):
    first, area = quality(described(), half)
    assert first >= 0.45
    assert area >= 0.75


def test_poor_descriptions_are_found_out():
    """Alike, or without the words in which one asks."""
    texts = described()
    dull = {name: stems("Helps with experiments") for name in texts}
    assert quality(dull, 1)[1] < 0.75
    turned = dict(
        zip(texts, [*list(texts.values())[1:], *list(texts.values())[:1]], strict=True)
    )
    assert quality(turned, 1)[0] < 0.45
