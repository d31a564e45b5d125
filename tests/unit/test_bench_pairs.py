import pytest

from tests.bench.pairs import Comparison, Goal, Sample, in_turn, paired, percentile


async def test_sides_take_turns_in_going_first() -> None:
    order: list[str] = []

    async def a() -> Sample:
        order.append("a")
        return Sample(float(len(order)))

    async def b() -> Sample:
        order.append("b")
        return Sample(float(len(order)))

    of_a, of_b = await in_turn(3, a, b)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert [sample.value for sample in of_a] == [1, 4, 5]
    assert [sample.value for sample in of_b] == [2, 3, 6]


def test_the_ratio_is_the_median_of_ratios_and_not_a_ratio_of_medians() -> None:
    a = [Sample(value) for value in (1.0, 20.0, 300.0)]
    b = [Sample(value) for value in (2.0, 10.0, 900.0)]
    compared = Comparison("P", "speed", "a", "b", "s", paired(a, b))
    assert compared.ratio == 0.5
    assert compared.cpu_ratio is None


def test_cpu_is_compared_where_both_sides_have_it() -> None:
    a, b = [Sample(1, cpu_seconds=3.0)], [Sample(1, cpu_seconds=2.0)]
    assert Comparison("P", "speed", "a", "b", "s", paired(a, b)).cpu_ratio == 1.5


@pytest.mark.parametrize(
    ("percent", "value"), [(50, 5), (99, 10), (100, 10), (10, 1), (1, 1), (91, 10)]
)
def test_percentiles_are_values_that_were_measured(percent: float, value: float) -> None:
    assert percentile(list(range(10, 0, -1)), percent) == value


def test_a_goal_is_met_at_its_limit() -> None:
    assert Goal("≤", 1.05).met(1.05)
    assert not Goal("≤", 1.05).met(1.06)
    assert Goal("≥", 0.5).met(0.5)
    assert not Goal("≥", 0.5).met(0.49)
