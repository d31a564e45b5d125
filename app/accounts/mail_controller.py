"""Which mail a member gets; and the link in every mail that ends it, without signing in."""

from html import escape
from typing import Annotated

from litestar import Controller, MediaType, Response, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from app.accounts import mail_wishes, members
from app.accounts.models import MailWish
from app.accounts.schemas import MemberView, NewMailWish
from app.foundation.auth import requires
from app.foundation.clock import utc_now
from app.foundation.http.documentation import documented
from app.foundation.http.transaction import Config, Db, Me, Tx
from app.foundation.signing import UrlSigner
from app.settings import Settings

Token = Annotated[str, QueryParameter(description="As the link in the mail has it.")]
_REFUSALS = documented({403: ("signature_invalid", "signature_expired"), 404: "member_not_found"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    # The address holds the token.
    "Referrer-Policy": "no-referrer",
}


class MailController(Controller):
    path = "/members"
    tags = ("accounts",)

    @put(
        "/{user_id:str}/mail",
        operation_id="choose_mail",
        summary="Choose a member's mail",
        guards=[requires()],
        responses=documented({404: "member_not_found"}),
    )
    async def choose(
        self, tx: Tx, principal: Me, user_id: FromPath[str], data: JSONBody[NewMailWish]
    ) -> MemberView:
        """Set of which videos a member is sent mail when they are ready or have failed.

        With the scope members:write, or for oneself.
        """
        if user_id != principal.user_id:
            principal.require("members:write")
        await mail_wishes.wish_for_mail(tx, user_id, data.mail)
        return MemberView.of(await members.get_member(tx, user_id))

    @get(
        "/unsubscribe",
        operation_id="ask_to_unsubscribe",
        summary="Ask whether mail should end",
        media_type=MediaType.HTML,
        responses=_REFUSALS,
    )
    async def ask(self, settings: Config, token: Token) -> Response[str]:
        """Show a page with one button. Programs that scan mail follow links: it ends nothing."""
        mail_wishes.read_unsubscribe_token(_signer(settings), token, now=utc_now())
        form = '<form method="post"><button>No more mail about this project</button></form>'
        return _page("Stop mail from Spool?", form)

    @post(
        "/unsubscribe",
        status_code=200,
        operation_id="unsubscribe",
        summary="End mail",
        media_type=MediaType.HTML,
        responses=_REFUSALS,
    )
    async def unsubscribe(self, database: Db, settings: Config, token: Token) -> Response[str]:
        """End the mail of one project to one person: what mail programs send (RFC 8058)."""
        project_id, user_id = mail_wishes.read_unsubscribe_token(
            _signer(settings), token, now=utc_now()
        )
        async with database.project(project_id) as tx:
            await mail_wishes.wish_for_mail(tx, user_id, MailWish.NONE)
        return _page("No more mail", "<p>Spool sends you nothing more about this project.</p>")


def _signer(settings: Settings) -> UrlSigner:
    return UrlSigner(settings.signing_secrets, settings.signing_key_id)


def _page(title: str, body: str) -> Response[str]:
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><h1>{escape(title)}</h1>{body}</html>"
    )
    return Response(html, media_type=MediaType.HTML, headers=_HEADERS)
