"""What CloudFront keeps apart and what it says with every answer (docs/delivery.md)."""

import pulumi
import pulumi_aws as aws

_DAY_SECONDS = 24 * 3600


def cache_policy(
    name: str, called: str, opts: pulumi.ResourceOptions
) -> aws.cloudfront.CachePolicy:
    """By path alone: however viewers were let in, all share what is cached."""
    return aws.cloudfront.CachePolicy(
        name,
        name=called,
        min_ttl=1,
        default_ttl=_DAY_SECONDS,
        max_ttl=365 * _DAY_SECONDS,
        parameters_in_cache_key_and_forwarded_to_origin={
            "cookies_config": {"cookie_behavior": "none"},
            "headers_config": {"header_behavior": "none"},
            "query_strings_config": {"query_string_behavior": "none"},
            # Playlists are compressed at the edge only where both are kept apart.
            "enable_accept_encoding_gzip": True,
            "enable_accept_encoding_brotli": True,
        },
        opts=opts,
    )


def headers_policy(
    name: str, called: str, page_origin: str | None, opts: pulumi.ResourceOptions
) -> aws.cloudfront.ResponseHeadersPolicy:
    """Headers of every answer.

    Args:
        name: Of the resource.
        called: Of the policy.
        page_origin: Of pages that use cookies. A browser takes no `*` beside credentials, and
            without cookies there are no credentials.
        opts: Of the resource.
    """
    return aws.cloudfront.ResponseHeadersPolicy(
        name,
        name=called,
        cors_config={
            "origin_override": True,
            "access_control_allow_credentials": page_origin is not None,
            "access_control_allow_origins": {"items": [page_origin or "*"]},
            "access_control_allow_methods": {"items": ["GET", "HEAD", "OPTIONS"]},
            "access_control_allow_headers": {"items": ["Range"]},
            "access_control_expose_headers": {"items": ["Content-Length", "Content-Range", "ETag"]},
            "access_control_max_age_sec": 3600,
        },
        # No Cache-Control: CloudFront puts these into refusals too, and a browser that had kept one
        # would show it to a viewer whose cookies were renewed.
        custom_headers_config={
            "items": [
                {
                    "header": "Cross-Origin-Resource-Policy",
                    "value": "cross-origin",
                    "override": True,
                }
            ]
        },
        security_headers_config={
            "content_type_options": {"override": True},
            "strict_transport_security": {
                "access_control_max_age_sec": 365 * _DAY_SECONDS,
                "override": True,
            },
        },
        opts=opts,
    )
