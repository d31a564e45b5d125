"""How many connections a database takes. Pure.

RDS sets `max_connections` to memory ÷ 9 531 392 bytes and 5000 at most (Amazon RDS User Guide,
quotas); superusers and RDS itself keep some of them.
"""

from typing import Literal

_BYTES_EACH = 9_531_392
_MOST = 5000
_KEPT = 15
_GIB = 1024**3
# GiB of memory of the smallest size that a family is counted from.
_LARGE = {"t": 8, "m": 8, "r": 16, "x": 32}
_BELOW_LARGE = {"micro": 1, "small": 2, "medium": 4}
_ACU_GIB = 2


def connections_of(kind: Literal["rds", "aurora"], instance_class: str, max_acu: float) -> int:
    """What clients may open together.

    Raises:
        ValueError: `instance_class` is none; it is not looked at for Aurora.
    """
    memory = max_acu * _ACU_GIB if kind == "aurora" else memory_gib(instance_class)
    return min(_MOST, int(memory * _GIB) // _BYTES_EACH) - _KEPT


def memory_gib(instance_class: str) -> float:
    """Memory of an instance class such as `db.r6g.2xlarge`, by its family and size.

    Raises:
        ValueError: not such a class.
    """
    try:
        _, family, size = instance_class.split(".")
        if size in _BELOW_LARGE:
            return _BELOW_LARGE[size]
        large = _LARGE[family[0]]
        if size == "large":
            return large
        factor = size.removesuffix("xlarge")
        return large * 2 * int(factor or 1)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{instance_class!r} is no class such as db.r6g.large") from error
