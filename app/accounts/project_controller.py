"""Who I am, my projects, and the members of the one I am in."""

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody

from app.accounts import members, service
from app.accounts.models import Project, Role
from app.accounts.schemas import MemberView, NewMember, NewProject, NewRole, ProjectView, Whoami
from app.foundation.auth import requires
from app.foundation.errors import Forbidden
from app.foundation.http.documentation import documented
from app.foundation.http.etag import etag
from app.foundation.http.idempotency import idempotent
from app.foundation.http.parameters import Cursor, IfMatch, Limit
from app.foundation.http.transaction import Gate, Me, Tx
from app.foundation.paging import LIMIT_DEFAULT, Page


class ProjectController(Controller):
    tags = ("accounts",)

    @get("/me", operation_id="whoami", summary="Who am I", guards=[requires()])
    async def whoami(self, tx: Tx, principal: Me) -> Whoami:
        """Tell whom the credentials stand for, and what they may do."""
        project = await service.get_project(tx, principal.project_id)
        return Whoami(
            project=ProjectView.of(project),
            scopes=sorted(principal.scopes),
            role=Role(principal.role) if principal.role is not None else None,
            user_id=principal.user_id,
            api_key_id=principal.api_key_id,
        )

    @get("/projects", operation_id="list_projects", summary="List projects", guards=[requires()])
    async def list_projects(
        self, gate: Gate, principal: Me, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> Page[ProjectView]:
        """List the projects you are a member of. An API key has one project."""
        if principal.user_id is None:
            only = await service.get_project(gate, principal.project_id)
            return Page([ProjectView.of(only)], None)
        found, following = await service.list_projects(
            gate, principal.user_id, limit=limit, cursor=cursor
        )
        return Page([ProjectView.of(project) for project in found], following)

    @post(
        "/projects",
        operation_id="create_project",
        summary="Create a project",
        guards=[requires("project:write")],
    )
    @idempotent
    async def create_project(
        self, gate: Gate, principal: Me, data: JSONBody[NewProject]
    ) -> Response[ProjectView]:
        """Make a project in the same organisation, which you own.

        Refresh with its id to act in it. API keys cannot make projects.
        """
        if principal.user_id is None:
            raise Forbidden("scope_missing", "Only people make projects: sign in.")
        project = await service.create_project(
            gate,
            beside_project_id=principal.project_id,
            name=data.name,
            user_id=principal.user_id,
        )
        return _tagged(project)

    @get(
        "/projects/{project_id:str}",
        operation_id="get_project",
        summary="Get a project",
        guards=[requires()],
        responses=documented({404: "project_not_found"}),
    )
    async def get_project(self, tx: Tx, project_id: FromPath[str]) -> Response[ProjectView]:
        """Get the project that the credentials are for."""
        return _tagged(await service.get_project(tx, project_id))

    @patch(
        "/projects/{project_id:str}",
        operation_id="rename_project",
        summary="Rename a project",
        guards=[requires("project:write")],
        responses=documented(
            {
                404: "project_not_found",
                412: "precondition_failed",
                428: "precondition_required",
            }
        ),
    )
    async def rename_project(
        self,
        tx: Tx,
        project_id: FromPath[str],
        data: JSONBody[NewProject],
        if_match: IfMatch = None,
    ) -> Response[ProjectView]:
        """Rename the project that the credentials are for."""
        return _tagged(await service.rename_project(tx, project_id, data.name, if_match=if_match))


class MemberController(Controller):
    path = "/members"
    tags = ("accounts",)

    @get(operation_id="list_members", summary="List members", guards=[requires("members:read")])
    async def list_members(
        self, tx: Tx, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> Page[MemberView]:
        """List who is a member of the project, and as what."""
        found, following = await members.list_members(tx, limit=limit, cursor=cursor)
        return Page([MemberView.of(member) for member in found], following)

    @post(
        operation_id="add_member",
        summary="Add a member",
        guards=[requires("members:write")],
        responses=documented({404: "member_not_found", 409: "member_exists"}),
    )
    @idempotent
    async def add_member(self, gate: Gate, principal: Me, data: JSONBody[NewMember]) -> MemberView:
        """Add somebody who has an account, by e-mail address. Only owners add owners."""
        added = await members.add_member(gate, principal, email=data.email, role=data.role)
        return MemberView.of(added)

    @put(
        "/{user_id:str}/role",
        operation_id="change_role",
        summary="Change a member's role",
        guards=[requires("members:write")],
        responses=documented({404: "member_not_found", 409: "last_owner"}),
    )
    async def change_role(
        self, tx: Tx, principal: Me, user_id: FromPath[str], data: JSONBody[NewRole]
    ) -> MemberView:
        """Set a member's role. It shows in the tokens of the member's next refresh."""
        return MemberView.of(await members.change_role(tx, principal, user_id, data.role))

    @delete(
        "/{user_id:str}",
        operation_id="remove_member",
        summary="Remove a member",
        guards=[requires()],
        responses=documented({404: "member_not_found", 409: "last_owner"}),
    )
    async def remove_member(self, tx: Tx, principal: Me, user_id: FromPath[str]) -> None:
        """End a membership, with the scope members:write or one's own.

        The member's access tokens stay valid until they expire, which is soon.
        """
        await members.remove_member(tx, principal, user_id)


def _tagged(project: Project) -> Response[ProjectView]:
    return Response(ProjectView.of(project), headers={"ETag": etag(project.version)})
