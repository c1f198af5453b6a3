from search.space.misplaced import ON_TOP, SECTIONS
from search.space.schema import TOP


def test_keys_on_top_and_sections_are_those_of_the_schema():
    assert TOP["properties"].keys() == ON_TOP
    own = {name for name, rule in TOP["properties"].items() if rule.get("additionalProperties") is False}
    assert own - {"command"} == SECTIONS.keys()
