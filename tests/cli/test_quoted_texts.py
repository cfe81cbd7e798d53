import pytest

from pipeline.cli.compose import make_config
from pipeline.errors import ConfigError
from pipeline.score.target_weights import parse_weights
from pipeline.targets.target import parse_target


@pytest.mark.parametrize(
    ("typed", "targets"),
    [
        ('[text:"red circle"]', ['text:"red circle"']),
        ("[text:red circle, block10]", ["text:red circle", "block10"]),
        ('["text:red circle"]', ["text:red circle"]),
        ("['text:\"a, b\" + block10']", ['text:"a, b" + block10']),
        (
            "[0.5*text:\"a, b\"{circle(0.5,0.4,0.2)} + block10, [text:'[x]'[coarse]], block5]",
            ['0.5*text:"a, b"{circle(0.5,0.4,0.2)} + block10', ["text:'[x]'[coarse]"], "block5"],
        ),
        ('[text:"it\'s 100% {a} = ${b}"]', ['text:"it\'s 100% {a} = ${b}"']),
        ('[{text\\:red circle: "0s: 1, 4s: 0"}]', [{"text:red circle": "0s: 1, 4s: 0"}]),
    ],
)
def test_quotes_of_texts_reach_the_score(typed: str, targets: list[object]) -> None:
    assert make_config([f"score.targets={typed}"]).score.targets == targets


@pytest.mark.parametrize(
    ("written", "words", "canonical"),
    [
        ('text:"a cathedral of bones"', "a cathedral of bones", None),
        ("text:  red   circle", "red circle", 'text:"red circle"'),
        ("text:'say \"hi\"'", 'say "hi"', None),
        ('text:"a [b] {c} @d + e"@places{left}[coarse]', "a [b] {c} @d + e", None),
        ('text:"owl"@clip', "owl", 'text:"owl"'),
    ],
)
def test_texts_have_one_notation(written: str, words: str, canonical: str | None) -> None:
    target = parse_target(written, "score.targets")
    assert (target.name, str(target)) == (words, canonical or written)
    assert parse_target(str(target), "score.targets") == target


def test_a_plus_in_a_text_adds_nothing() -> None:
    weights = parse_weights("0.5*text:\"salt + pepper\" + -1*text:'a + b'{left} + block10", "score.targets")
    assert {str(target): weight for target, weight in weights.items()} == {
        'text:"salt + pepper"': 0.5,
        'text:"a + b"{left}': -1.0,
        "block10": 1.0,
    }


@pytest.mark.parametrize("written", ["text:", 'text:""', 'text:" "', 'text:"a"b', 'text:"a" "b"', 'text:it\'s "x"'])
def test_texts_that_cannot_be_read_are_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="text:"):
        parse_target(written, "score.targets")
