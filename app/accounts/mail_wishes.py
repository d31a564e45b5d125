"""Of which videos a member is sent mail: set by the member, or by a link in a mail."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import MailWish, Member
from app.foundation.errors import Forbidden, NotFound
from app.foundation.signing import SignatureExpired, SignatureInvalid, UrlSigner

UNSUBSCRIBE_PATH = "/v1/members/unsubscribe"
# Mail is read late.
_LINK_WORKS_FOR = timedelta(days=365)


async def wish_for_mail(tx: AsyncSession, user_id: str, wish: MailWish) -> None:
    """Sets the wish of a member of the transaction's project.

    Raises:
        NotFound: `member_not_found`.
    """
    changed = await tx.scalar(
        update(Member)
        .where(Member.user_id == user_id)
        .values(mail=wish)
        .returning(Member.user_id)
        .execution_options(synchronize_session=False)
    )
    if changed is None:
        raise NotFound("member_not_found", "No member of this project has this id.")


def unsubscribe_link(
    signer: UrlSigner, public_url: str, *, project_id: str, user_id: str, now: datetime
) -> str:
    """A link that ends the mail of one project to one person, without signing in (RFC 8058)."""
    token = signer.sign(
        "POST",
        UNSUBSCRIBE_PATH,
        expires_at=now + _LINK_WORKS_FOR,
        claims={"project": project_id, "user": user_id},
    )
    return f"{public_url}{UNSUBSCRIBE_PATH}?{urlencode({'token': token})}"


def read_unsubscribe_token(signer: UrlSigner, token: str, *, now: datetime) -> tuple[str, str]:
    """Project and person of a link.

    Raises:
        Forbidden: `signature_invalid` or `signature_expired`.
    """
    try:
        claims = signer.verify(token, "POST", UNSUBSCRIBE_PATH, now=now)
    except SignatureInvalid as error:
        raise Forbidden("signature_invalid", "The link is not one of ours.") from error
    except SignatureExpired as error:
        raise Forbidden("signature_expired", "Use the link of a newer mail.") from error
    return str(claims["project"]), str(claims["user"])
