"""moto's server with what this program meets and moto gets wrong; the tool's own patches first.

python moto_server.py FOLDER_OF_THE_TOOL PORT
"""

import runpy
import sys
from typing import Any

import moto.ec2.models.launch_templates as templates
import moto.eks.responses as eks


def _patch() -> None:
    create_version = templates.LaunchTemplate.create_version

    def without_its_own_tags(self: Any, data: Any, description: Any) -> Any:
        """moto writes a template's own tags among those of what is launched by it."""
        if "TagSpecifications" in data:
            data["TagSpecifications"] = [
                each
                for each in data["TagSpecifications"]
                if each["ResourceType"] != "launch-template"
            ]
        return create_version(self, data, description)

    templates.LaunchTemplate.create_version = without_its_own_tags  # type: ignore[method-assign]  # a patch

    create_nodegroup = eks.EKSResponse.create_nodegroup

    def with_its_update_config(self: Any) -> Any:
        """moto forgets how many nodes of a group may be away while it is updated."""
        answer = create_nodegroup(self)
        group = self.eks_backend.clusters[self._get_param("name")].nodegroups[
            self._get_param("nodegroupName")
        ]
        group.update_config = self._get_param("updateConfig")
        return answer

    eks.EKSResponse.create_nodegroup = with_its_update_config  # type: ignore[method-assign]  # a patch


if __name__ == "__main__":
    tool, port = sys.argv[1:]
    _patch()
    sys.argv = ["moto_server", "-H", "127.0.0.1", "-p", port]
    runpy.run_path(f"{tool}/moto_patched.py", run_name="__main__")
