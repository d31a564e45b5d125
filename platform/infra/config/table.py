"""The table of keys, section by section, in the order of `__main__.py`."""

from collections.abc import Mapping

from infra.config.keys import PRESETS, Key, by_preset

GENERAL: Mapping[str, Key] = {
    "preset": Key("string", "Which column of defaults this stack takes.", "dev", choices=PRESETS),
    "region": Key("string", "AWS region of everything but the replicas.", "us-east-1"),
    "account": Key("string", "Account id that the stack must meet; a wrong login then fails."),
    "owner": Key("string", "Whose stack it is: the tag `owner`.", "platform"),
    "costCenter": Key("string", "The tag `cost-center`.", "video"),
    "expiresAt": Key("string", "RFC 3339 time after which a branch's stack may be reaped."),
    "protect": Key(
        "boolean",
        "Databases, buckets and keys resist deletion, and a last snapshot is kept.",
        presets=by_preset(False, False, True),
    ),
    "euResidency": Key("boolean", "Refuse any region outside the EU.", False),
    "accountBaseline": Key(
        "boolean",
        "This stack makes what an account has once: GuardDuty, CloudTrail, cost monitors.",
        presets=by_preset(False, False, True),
    ),
    "kmsKeys": Key(
        "boolean",
        "One customer-managed KMS key per class of data; without, AWS' own keys.",
        presets=by_preset(False, True, True),
    ),
    "target": Key(
        "object",
        "Another target than AWS: endpoint, pathStyle, maxRetries, skipTypes. For tests.",
    ),
}

NETWORK: Mapping[str, Key] = {
    "vpcCidr": Key("string", "Addresses of the VPC, a /16 to /20.", "10.0.0.0/16"),
    "zones": Key("integer", "Availability zones.", presets=by_preset(2, 3, 3), least=2, most=3),
    "zoneNames": Key("list", "The zones by name; as many as `zones`. Default: a, b, c."),
    "natGateways": Key(
        "string",
        "NAT gateways. With none, the images of the services in the cluster have to be reached by "
        "a way of your own, such as a transit gateway.",
        presets=by_preset("one", "one", "per-zone"),
        choices=("none", "one", "per-zone"),
    ),
    "interfaceEndpoints": Key(
        "boolean",
        "VPC endpoints for the AWS services that workloads call; each costs by zone and hour.",
        presets=by_preset(False, False, True),
    ),
    "flowLogs": Key("boolean", "VPC flow logs.", presets=by_preset(False, True, True)),
}

CLUSTER: Mapping[str, Key] = {
    "kubernetesVersion": Key("string", "Minor version of EKS.", "1.35"),
    "compute": Key(
        "string",
        "Managed node groups, or Fargate for everything but media work.",
        "nodes",
        choices=("nodes", "fargate"),
    ),
    "nodeScaling": Key(
        "string",
        "Who adds and removes nodes.",
        "cluster-autoscaler",
        choices=("none", "cluster-autoscaler", "karpenter"),
    ),
    "podCredentials": Key(
        "string",
        "How pods get their role: IAM roles for service accounts, or EKS Pod Identity.",
        "irsa",
        choices=("irsa", "pod-identity"),
    ),
    "nodeTypes": Key(
        "list",
        "Instance types of general-1 and general-2.",
        ["t3.medium", "t3.large", "t3a.medium"],
    ),
    "nodesMin": Key(
        "integer", "Least nodes of each general group.", presets=by_preset(1, 2, 3), least=1
    ),
    "nodesDesired": Key(
        "integer", "Nodes of each general group at first.", presets=by_preset(2, 3, 4), least=1
    ),
    "nodesMax": Key(
        "integer", "Most nodes of each general group.", presets=by_preset(3, 5, 5), least=1
    ),
    "mediaNodeTypes": Key(
        "list", "Instance types of the media pool.", ["c6i.xlarge", "c6a.xlarge", "c7i.xlarge"]
    ),
    "mediaNodesMax": Key(
        "integer", "Most nodes of the media pool.", presets=by_preset(2, 6, 20), least=1
    ),
    "mediaSpot": Key("boolean", "The media pool is of spot instances.", True),
    "publicEndpointCidrs": Key(
        "list", "Who reaches the cluster's API from outside the VPC; nobody where it is empty.", []
    ),
    "adminRoleArns": Key("list", "IAM roles that administer the cluster.", []),
    "readOnlyRoleArns": Key("list", "IAM roles that read the cluster, such as CI.", []),
    "containerInsights": Key(
        "boolean",
        "CloudWatch's measurements of nodes and pods, which alarms on nodes need; paid by number.",
        presets=by_preset(False, True, True),
    ),
}

DATABASE: Mapping[str, Key] = {
    "database": Key("string", "What runs PostgreSQL.", "rds", choices=("rds", "aurora")),
    "databaseVersion": Key(
        "string",
        "Major version of PostgreSQL, of a new database: none that runs is upgraded.",
        "16",
    ),
    "databaseClass": Key(
        "string",
        "Instance class; not for Aurora Serverless.",
        presets=by_preset("db.t3.micro", "db.t3.small", "db.r6g.large"),
    ),
    "databaseMultiAz": Key(
        "boolean", "A standby in another zone.", presets=by_preset(False, True, True)
    ),
    "databaseReplicas": Key("integer", "Readers beside the writer.", 0, least=0, most=5),
    "databaseStorageGib": Key(
        "integer", "Storage at first; grows by itself.", presets=by_preset(20, 50, 100), least=20
    ),
    "databaseStorageMaxGib": Key(
        "integer", "Storage at most.", presets=by_preset(50, 200, 1000), least=20
    ),
    "databaseBackupDays": Key(
        "integer",
        "Days that one can go back to any second of.",
        presets=by_preset(1, 7, 30),
        least=1,
        most=35,
    ),
    "databasePassword": Key(
        "string",
        "Who keeps the master's password: RDS itself, or our secret with a rotation function.",
        "managed",
        choices=("managed", "secret"),
    ),
    "databaseRotationDays": Key(
        "integer",
        "Days between two passwords of the app's login, and of a master's that is ours; 0: never.",
        presets=by_preset(0, 30, 30),
        least=0,
        most=1000,
    ),
    "databaseMonitoring": Key(
        "boolean",
        "The database's operating system is measured each minute.",
        presets=by_preset(False, True, True),
    ),
    "databaseProxy": Key(
        "boolean", "Pooled connections by RDS Proxy.", presets=by_preset(False, False, True)
    ),
    "auroraMinAcu": Key("number", "Least capacity of Aurora.", 0.5, least=0.5, most=128),
    "auroraMaxAcu": Key(
        "number", "Most capacity of Aurora.", presets=by_preset(1, 1, 8), least=1, most=128
    ),
}

STATE: Mapping[str, Key] = {
    "sourceTiers": Key("boolean", "Sources move to IA, Glacier and Deep Archive.", True),
    "replicaRegion": Key(
        "string",
        "Region that sources, media and backups are copied to; none where it is empty.",
        presets=by_preset("", "", "us-west-2"),
    ),
    "kinesis": Key("boolean", "Take videos from a Kinesis data stream.", False),
    "kinesisShards": Key("integer", "Shards of the stream.", 2, least=1, most=200),
    "kinesisRetentionHours": Key("integer", "What the stream keeps.", 24, least=24, most=8760),
    "kinesisProjectId": Key("string", "Project that streamed videos belong to."),
    "bucketEvents": Key(
        "string",
        "Objects under incoming/ of the source bucket become assets: no, or by which notices.",
        "none",
        choices=("none", "s3", "eventbridge"),
    ),
    "registry": Key(
        "boolean",
        "This stack makes the repositories spool/api, spool/worker and spool/console, which an "
        "account and region has once for all its stacks.",
        presets=by_preset(True, False, False, False),
    ),
    "registryDeleteImages": Key(
        "boolean",
        "Destroying the stack destroys images too, which other stacks may run; without, "
        "repositories stay while they hold some.",
        presets=by_preset(False, False, False, True),
    ),
    "registryKeepImages": Key(
        "integer",
        "Images kept per repository; of more, the oldest go, also one that a stack still runs.",
        200,
        least=5,
    ),
    "cognito": Key(
        "boolean",
        "A Cognito user pool, an OpenID provider; Spool's own sign-in does not ask it.",
        False,
    ),
    "mailFrom": Key(
        "string",
        "Sender of mail by SES, in no other stack of the account and region; no mail without.",
    ),
}

APPLICATION: Mapping[str, Key] = {
    "apiImage": Key("string", "Image of the API by digest, or by tag in dev."),
    "workerImage": Key("string", "Image of the workers."),
    "consoleImage": Key("string", "Image of the console."),
    "apiReplicasMin": Key(
        "integer", "Least pods of each API role.", presets=by_preset(1, 2, 2), least=1
    ),
    "apiReplicasMax": Key(
        "integer", "Most pods of each API role.", presets=by_preset(2, 4, 10), least=1
    ),
    "workersMax": Key(
        "integer", "Most pods of each kind of worker.", presets=by_preset(2, 10, 40), least=1
    ),
    "workersMin": Key(
        "integer", "Least pods of each kind of worker.", presets=by_preset(0, 0, 1), least=0
    ),
    "logRetentionDays": Key(
        "integer", "How long logs are kept.", presets=by_preset(7, 30, 90), least=1
    ),
    "traceRatio": Key(
        "number", "Share of traces kept.", presets=by_preset(1, 1, 0.1), least=0, most=1
    ),
}

EDGE: Mapping[str, Key] = {
    "domain": Key("string", "Name of the site; the media's is media.<domain>."),
    "hostedZoneId": Key("string", "Route 53 zone that `domain` is in."),
    "certificateArn": Key("string", "ACM certificate for `domain`; made where there is a zone."),
    "cdn": Key(
        "boolean", "CloudFront in front of the media bucket.", presets=by_preset(False, True, True)
    ),
    "cdnPublicKeys": Key("object", "PEM public keys of signed cookies, by a name of ours."),
    "cdnPrivateKeys": Key(
        "object", "PEM private keys of signed cookies, by the same names.", secret=True
    ),
    "cdnSigningKey": Key("string", "Which of cdnPublicKeys signs; the others still verify."),
    "waf": Key(
        "boolean",
        "Managed rules and a rate rule at the edge.",
        presets=by_preset(False, True, True),
    ),
    "wafRateLimit": Key("integer", "Requests of one address in five minutes.", 2000, least=100),
    "stickySessions": Key("boolean", "The load balancer keeps a client at one pod.", False),
    "apiGateway": Key(
        "boolean", "API Gateway with keys and usage plans in front of the API.", False
    ),
    "apiGatewayRate": Key("integer", "Requests a second of one key.", 50, least=1),
    "apiGatewayMonthly": Key("integer", "Requests a month of one key.", 1000000, least=1),
    "apiGatewayCache": Key(
        "boolean",
        "It caches /openapi.json, the one answer that is the same for all; costs by the hour.",
        False,
    ),
}

DAY_TWO: Mapping[str, Key] = {
    "alarmEmails": Key("list", "Who gets mail of alarms and budgets.", []),
    "prometheus": Key(
        "boolean", "Prometheus and Grafana in the cluster.", presets=by_preset(False, True, True)
    ),
    "monthlyBudgetUsd": Key(
        "integer",
        "Budget with alerts at 80 % and 100 %.",
        presets=by_preset(400, 1000, 5000),
        least=1,
    ),
    "backups": Key(
        "boolean",
        "AWS Backup plans over database and buckets.",
        presets=by_preset(False, True, True),
    ),
    "ciRepository": Key(
        "string",
        "GitHub repository, owner/name, whose workflows in the environment of the stack's name "
        "may deploy it; those on main push images, by the stack with accountBaseline.",
    ),
}

SECTIONS: Mapping[str, Mapping[str, Key]] = {
    "General": GENERAL,
    "Network": NETWORK,
    "Cluster": CLUSTER,
    "Database": DATABASE,
    "State": STATE,
    "Application": APPLICATION,
    "Edge": EDGE,
    "Day two": DAY_TWO,
}

KEYS: Mapping[str, Key] = {
    name: key for section in SECTIONS.values() for name, key in section.items()
}
