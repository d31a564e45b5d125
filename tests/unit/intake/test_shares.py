from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.intake.shards import Shard, plan_takeover


def shards(count: int) -> list[Shard]:
    return [Shard(f"shard-{n}", None, 0, None, can_start=True) for n in range(count)]


def take_turns(table: list[Shard], consumers: list[str], turns: int) -> list[Shard]:
    for turn in range(turns):
        me = consumers[turn % len(consumers)]
        taken = {shard.id for shard in plan_takeover(table, me)}
        table = [replace(each, owner=me) if each.id in taken else each for each in table]
    return table


@given(count=st.integers(1, 12), consumers=st.integers(1, 5))
def test_all_shards_are_held_and_nobody_has_two_more_than_another(
    count: int, consumers: int
) -> None:
    names = [f"consumer-{n}" for n in range(consumers)]
    table = take_turns(shards(count), names, 100)
    held = [sum(shard.owner == name for shard in table) for name in names]
    assert sum(held) == count
    assert max(held) - min(held) <= 1
    assert take_turns(table, names, 10) == table


def test_who_is_left_takes_what_the_dead_had() -> None:
    table = take_turns(shards(6), ["a", "b"], 20)
    orphaned = [replace(shard, owner=None) if shard.owner == "b" else shard for shard in table]
    assert {shard.owner for shard in take_turns(orphaned, ["a"], 1)} == {"a"}


def test_children_wait_for_their_parents() -> None:
    table = [*shards(1), Shard("child", None, 0, None, can_start=False)]
    assert [shard.id for shard in plan_takeover(table, "me")] == ["shard-0"]
