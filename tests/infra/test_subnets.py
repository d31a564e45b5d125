"""The plan of subnets, for every size of VPC."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.ground.subnets import plan_subnets, zones_of


@st.composite
def _vpcs(draw: st.DrawFn) -> IPv4Network:
    prefix = draw(st.integers(16, 20))
    block = draw(st.integers(0, 2 ** (prefix - 8) - 1))
    return IPv4Network((10 << 24 | block << (32 - prefix), prefix))


@given(vpc=_vpcs(), zones=st.integers(1, 3))
def test_subnets_lie_in_the_vpc_and_share_no_address(vpc: IPv4Network, zones: int) -> None:
    plan = plan_subnets(str(vpc), zones)
    assert len(plan.public) == len(plan.private) == len(plan.database) == zones
    networks = [IPv4Network(each) for each in (*plan.public, *plan.private, *plan.database)]
    assert all(each.subnet_of(vpc) and each.prefixlen == 24 for each in networks)
    assert not any(one.overlaps(other) for one, other in combinations(networks, 2))


@given(vpc=_vpcs())
def test_a_zone_more_moves_no_subnet(vpc: IPv4Network) -> None:
    two, three = plan_subnets(str(vpc), 2), plan_subnets(str(vpc), 3)
    assert three.public[:2] == two.public
    assert three.private[:2] == two.private
    assert three.database[:2] == two.database


def test_numbers_of_a_16() -> None:
    plan = plan_subnets("10.0.0.0/16", 3)
    assert plan.public == ("10.0.101.0/24", "10.0.102.0/24", "10.0.103.0/24")
    assert plan.private == ("10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24")
    assert plan.database == ("10.0.201.0/24", "10.0.202.0/24", "10.0.203.0/24")


@pytest.mark.parametrize(
    ("cidr", "zones", "word"),
    [
        ("10.0.0.0/21", 3, "no /16 to /20"),
        ("10.0.0.0/8", 3, "no /16 to /20"),
        ("10.0.0.1/16", 3, "host bits"),
        ("10.0.0.0/16", 4, "4 zones"),
    ],
)
def test_what_is_refused(cidr: str, zones: int, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        plan_subnets(cidr, zones)


def test_zones_are_the_chosen_ones_or_the_first() -> None:
    assert zones_of("eu-west-1", 2) == ("eu-west-1a", "eu-west-1b")
    assert zones_of("us-east-1", 2, ["us-east-1b", "us-east-1d"]) == ("us-east-1b", "us-east-1d")
