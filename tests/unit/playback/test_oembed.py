import pytest

from app.foundation.errors import NotFound
from app.playback.oembed import PageLink, parse_page_link

HOSTS = frozenset({"video.example", "127.0.0.1:8000"})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://video.example/watch/abc123", PageLink("abc123", None)),
        ("http://127.0.0.1:8000/embed/abc/?x=1&token=t.1..m", PageLink("abc", "t.1..m")),
    ],
)
def test_links_to_pages_of_ours_are_understood(url: str, expected: PageLink) -> None:
    assert parse_page_link(url, HOSTS) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://elsewhere.example/watch/abc",
        "https://video.example@elsewhere.example/watch/abc",
        "https://video.example:81/watch/abc",
        "javascript://video.example/watch/abc",
        "https://video.example/watch/",
        "https://video.example/watch/a/b",
        "https://video.example/watch/../v1",
        "https://video.example/watch/ABC",
        "//video.example/watch/abc",
        "https://[video.example/watch/abc",
    ],
)
def test_other_links_are_not(url: str) -> None:
    with pytest.raises(NotFound):
        parse_page_link(url, HOSTS)
