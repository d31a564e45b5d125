from workers.process import grace_of


def test_a_long_drain_lets_an_encode_end_and_a_short_one_hands_it_back() -> None:
    assert grace_of(4) == 1
    assert grace_of(300) == 290
    assert all(grace_of(seconds) < seconds for seconds in range(1, 600))
