"""Repositories of the images that all stacks of an account run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component

IMAGES: Sequence[str] = ("api", "worker", "console")
# What lost its tag was a build that failed half way.
_UNTAGGED_DAYS = 14


@dataclass(frozen=True)
class RegistryArgs:
    """What `Registry` takes.

    Args:
        project: What the repositories are under: `spool/api`. They bear no stack in their names,
            because an image goes from dev to prod by its digest and is never built again.
        keep_images: How many of each are kept, the newest ones.
        protect: Resists deletion.
        delete_images: Repositories are destroyed with their images. Without, ECR refuses to destroy
            one that holds any: other stacks run them, and their pods could not start again.
    """

    project: str
    keep_images: int
    protect: bool
    delete_images: bool


class Registry(Component):
    """Repositories, one an image. Made by one stack of an account and region.

    Attributes:
        urls: Of the repositories, by image.
    """

    KIND = "state:Registry"

    def __init__(
        self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        made = {
            image: aws.ecr.Repository(
                f"{name}-{image}",
                name=f"{args.project}/{image}",
                # A tag names a commit and means one image for ever.
                image_tag_mutability="IMMUTABLE",
                image_scanning_configuration={"scan_on_push": True},
                encryption_configurations=[{"encryption_type": "KMS"}],
                force_delete=args.delete_images,
                opts=self.child(protect=args.protect),
            )
            for image in IMAGES
        }
        for image, repository in made.items():
            aws.ecr.LifecyclePolicy(
                f"{name}-{image}",
                repository=repository.name,
                policy=lifecycle(args.keep_images),
                opts=self.child(),
            )
        self.urls = {image: each.repository_url for image, each in made.items()}
        self.register_outputs({"urls": self.urls})


def lifecycle(keep: int) -> str:
    """The policy that keeps so many images, as ECR writes it."""
    rules = [
        (
            "untagged",
            {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": _UNTAGGED_DAYS},
        ),
        ("any", {"countType": "imageCountMoreThan", "countNumber": keep}),
    ]
    return json.dumps(
        {
            "rules": [
                {
                    "rulePriority": priority,
                    "selection": {"tagStatus": status, **selection},
                    "action": {"type": "expire"},
                }
                for priority, (status, selection) in enumerate(rules, start=1)
            ]
        }
    )
