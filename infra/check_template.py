"""Asserts the promises of template.yaml that no linter knows.

    check_template.py [template.yaml]
"""

import pathlib
import sys

import cfn_yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent

READS = {"Get", "BatchGet", "Query", "Scan", "Describe", "List", "ConditionCheck", "PartiQLSelect"}
CUSTOMER_PARAMETERS = {
    "DataTableArns", "DataTableIndexArns", "DataTableScanArns", "DataBucketArns", "DataObjectArns", "DataKmsKeyArns",
}

# What may be granted under a condition only.
BOUND = {
    "dynamodb:PartiQLSelect": {"BoolIfExists": {"dynamodb:FullTableScan": "false"}},
    "ses:SendEmail": {"StringEquals": {"ses:FromAddress": {"Ref": "SenderAddress"}}},
}

# Who may do what with a key, and for which purposes: nobody else, and nothing else.
KEYS = {
    "IdentityKey": {
        ("kms:GenerateDataKey", "cursors identity subject-index#*"): {"Intake", "Discovery", "Deletion"},
        ("kms:Decrypt", "identity"): {"Intake", "Review", "Discovery", "Deletion", "Export", "Report"},
        ("kms:Decrypt", "subject-index#*"): {"Intake", "Discovery", "Deletion"},
        ("kms:Decrypt", "cursors"): {"Intake", "Discovery"},
        ("kms:GenerateDataKey", "step-up"): {"Review"},
        ("kms:Decrypt", "step-up"): {"Review", "Export"},
        ("kms:GenerateDataKey", "reviews"): {"Review"},
        ("kms:Decrypt", "reviews"): {"Review"},
        ("kms:GenerateDataKey", "answer"): {"Intake", "Review", "Discovery", "Export", "Report"},
        ("kms:Decrypt", "answer"): {"Intake", "Review", "Discovery", "Export", "Report"},
    },
    "ManifestKey": {
        ("kms:GenerateDataKey", "manifest#*"): {"Discovery"},
        ("kms:Decrypt", "manifest#*"): {"Discovery", "Deletion", "Export"},
    },
    "VaultKey": {
        ("kms:GenerateDataKey", "vault#*"): {"Deletion"},
        ("kms:Decrypt", "vault#*"): {"Deletion"},
    },
    "ExportKey": {
        ("kms:GenerateDataKey", "export packaging"): {"Deletion"},
        ("kms:Decrypt", "export packaging"): {"Export"},
        ("kms:Decrypt", "export"): {"ExportOpenerArns"},
    },
    "MacKey": {("kms:GenerateMac", "HMAC_SHA_256"): {"Intake", "Discovery", "Deletion"}},
    "LedgerSigningKey": {
        ("kms:Sign", "ED25519_SHA_512 RAW"): {"Ledger"},
        ("kms:GetPublicKey", ""): {"Intake", "Ledger", "Report"},
    },
    "BucketKey": {
        ("kms:GenerateDataKey", "s3.${AWS::Region}.${AWS::URLSuffix}"): {"account"},
        ("kms:Decrypt", "s3.${AWS::Region}.${AWS::URLSuffix}"): {"account"},
    },
}

# What whoever administers a key may: not use it, nor let somebody use it but by its policy, which is recorded.
ADMINISTERS = {
    "kms:Describe*", "kms:Get*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Enable*", "kms:Disable*", "kms:CreateAlias",
    "kms:DeleteAlias", "kms:RevokeGrant", "kms:TagResource", "kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion",
}

CONDITION_KEYS = {
    "kms:EncryptionContext:purpose", "kms:MacAlgorithm", "kms:MessageType", "kms:SigningAlgorithm", "kms:ViaService",
}

# Which items a role may write, by their partition.
WRITES = {
    ("Intake", "KeysTable"): {"identity#org#*"},
    ("Review", "KeysTable"): {"identity#org#*#step-up#*", "identity#org#*#reviews#*"},
    ("Discovery", "KeysTable"): {"identity#org#*", "manifest#org#*"},
    ("Ledger", "ControlTable"): {"org#*#outbox", "org#*#ledger"},
    ("Report", "ControlTable"): {
        "org#*#outbox", "org#*#report#*", "org#*#look#*", "org#*#key-use", "org#*#idempotency#*", "org#*#limits", "org#*#in-flight",
    },
    ("Notifier", "ControlTable"): {"org#*#notification#*", "org#*#outbox"},
}
# And which wrapped keys it may read.
READS_KEYS = {
    "Intake": {"identity#org#*"},
    "Discovery": {"identity#org#*", "manifest#org#*"},
    "Review": {"identity#org#*"},
    "Report": {"identity#org#*"},
    "Export": {"identity#org#*", "manifest#org#*", "export#org#*"},
}

# What of the logs may go one day: it carries this tag, and only what does is let go.
PASSES = {"Key": "oubli-passes", "Value": "true"}
MAY_PASS = ("/*/staging/*", "/*.p/*", "/*/tile/entries/*", "/*/checkpoint")

# What the stage lets through of all, and what one organization may take of it: so many of them at their limits leave room for others.
ORGANIZATIONS_AT_ONCE = 20
THROTTLES = {
    "ThrottlingRateLimit": ("CallsPerSecond", "OrganizationCallsPerSecond"),
    "ThrottlingBurstLimit": ("CallsAtOnce", "OrganizationCallsAtOnce"),
}

# What takes back a delivered export: the copy, its version, and one that is on its way.
TAKES_BACK = ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload")


class Grants:
    """Every (function, action, resource) the roles allow."""

    def __init__(self, resources):
        self.all = []
        self.conditions = {}
        self.problems = []
        self.statements = []
        for name, resource in resources.items():
            if resource["Type"] != "AWS::IAM::Role":
                continue
            properties = resource["Properties"]
            if properties.get("ManagedPolicyArns"):
                self.problems.append(f"{name}: a managed policy grants more than its function needs")
            for policy in properties["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    self.read(name.removesuffix("Role"), statement)

    def read(self, function, statement):
        condition = None
        if "Fn::If" in statement:
            condition, statement, otherwise = statement["Fn::If"]
            if otherwise != {"Ref": "AWS::NoValue"}:
                self.problems.append(f"{function}: what holds where {condition} does not is a grant of its own")
        if statement["Effect"] != "Allow" or "NotAction" in statement or "NotResource" in statement:
            self.problems.append(f"{function} {statement['Sid']}: only Allow, Action and Resource here")
        self.statements.append((function, statement))
        for action in as_list(statement["Action"]):
            if action in BOUND and statement.get("Condition") != BOUND[action]:
                self.problems.append(f"{function}: {action} without its condition")
            for resource in as_list(statement["Resource"]):
                self.all.append((function, action, resource))
                self.conditions.setdefault(condition, []).append((function, action, resource))

    def who(self, resource, *actions):
        return {
            function
            for function, action, granted in self.all
            if target(granted) == resource and action.split(":")[1] in actions
        }

    def conditional(self, condition):
        """Grants that stand only under this condition, as they are written."""
        for function, action, granted in self.conditions.get(condition, []):
            yield function, action, text(granted)

    def raw(self, verb, resource):
        """Grants of this action on parts of this resource, as they are written."""
        for function, action, granted in self.all:
            if action.split(":")[1] == verb and target(granted) == resource:
                yield function, action, text(granted)

def text(granted):
    return granted.get("Fn::Sub", "") if isinstance(granted, dict) else granted


def as_list(value):
    return value if isinstance(value, list) else [value]


def target(resource):
    """The logical id or parameter a grant points at, or the text itself."""
    if isinstance(resource, dict):
        if "Ref" in resource:
            return resource["Ref"]
        if "Fn::GetAtt" in resource:
            return resource["Fn::GetAtt"][0]
        if "Fn::Sub" in resource:
            return resource["Fn::Sub"].removeprefix("${").split(".")[0]
    return str(resource)


def check_roles(resources):
    grants = Grants(resources)
    problems = list(grants.problems)

    def expect(allowed, resource, *actions):
        for function in sorted(grants.who(resource, *actions) - allowed):
            problems.append(f"{function} must not {'/'.join(actions)} on {resource}")

    for function, action, resource in grants.all:
        if "*" in action:
            problems.append(f"{function}: wildcard action {action}")
        if target(resource) == "*":
            problems.append(f"{function}: {action} on every resource")
        verb = action.split(":")[1]
        resource = target(resource)
        if verb.startswith("PartiQL") and (function, verb) != ("Export", "PartiQLSelect"):
            problems.append(f"{function} must not {verb}: what it writes has no leading keys")
        reads = any(verb.startswith(read) for read in READS) or verb == "Decrypt"
        if resource in CUSTOMER_PARAMETERS and not reads and function != "Deletion":
            problems.append(f"{function} must not {verb} in customers' stores")
        # What reads a whole table costs as much: only where the data map says so, and only to look for somebody.
        if verb == "Scan" and resource in CUSTOMER_PARAMETERS and (function, resource) != ("Discovery", "DataTableScanArns"):
            problems.append(f"{function} must not scan {resource}")
        if resource == "DataTableScanArns" and verb != "Scan":
            problems.append(f"{function} must not {verb} on {resource}")
    expect({"Review"}, "DecisionsTable", "PutItem")
    expect(set(), "DecisionsTable", "UpdateItem", "DeleteItem")
    expect({"Ledger"}, "LedgerTable", "PutItem", "BatchWriteItem")
    expect(set(), "LedgerTable", "UpdateItem", "DeleteItem")
    expect({"Ledger"}, "LedgerBucket", "PutObject", "PutObjectRetention", "PutObjectTagging", "DeleteObject")
    expect(set(), "LedgerBucket", "DeleteObjectVersion", "DeleteObjectTagging", "PutObjectVersionTagging")
    for function, action, resource in grants.raw("PutObjectTagging", "LedgerBucket"):
        if not resource.endswith(MAY_PASS):
            problems.append(f"{function} may {action} of {resource}: what is written once would go with old versions")
    for function, action, resource in grants.raw("DeleteObject", "LedgerBucket"):
        pruned = resource.endswith("/*/tile/entries/*") and (function, action, resource) in grants.conditional("PrunesEntries")
        if not pruned and not resource.endswith(("/*/staging/*", "/*.p/*")):
            problems.append(f"{function} may {action} of {resource}: entries go only where policy says so")
    expect({"Export", "Deletion"}, "ExportBucket", "DeleteObject")
    expect({"Export"}, "ExportBucket", "GetObject", "PutObject")
    expect({"Deletion"}, "KeysTable", "DeleteItem")
    problems += check_leading_keys(grants)
    readers = {"Intake", "Review", "Discovery", "Deletion", "Export", "Report"}
    expect(readers, "KeysTable", "GetItem", "BatchGetItem", "Query", "Scan")
    for function, action, resource in grants.all:
        if target(resource) in KEYS and target(resource) != "BucketKey":
            problems.append(f"{function}: {action} on {target(resource)} is granted past the key's own policy")
    for function, statement in grants.statements:
        if any(target(resource) == "BucketKey" for resource in as_list(statement["Resource"])) and statement.get("Condition") != THROUGH_S3:
            problems.append(f"{function} must use BucketKey through S3 only")
    expect(set(), "KeysTable", "UpdateItem")
    for function, _, resource in grants.raw("DeleteObject", "WorkBucket"):
        if function != "Deletion" and (function != "Export" or not resource.endswith("/export/*/tail/*")):
            problems.append(f"{function} must not DeleteObject on {resource}")
    for _, _, resource in (g for g in grants.raw("PutObject", "WorkBucket") if g[0] == "Discovery"):
        if not resource.endswith("/manifest/*"):
            problems.append("Discovery must put manifests only")
    expect({"Review"}, "DirectoryTable", "PutItem", "UpdateItem", "DeleteItem")
    expect({"Deletion"}, "DeletionQueue", "ReceiveMessage", "DeleteMessage")
    for function, _, resource in grants.raw("Query", "ControlTable"):
        if resource.endswith("/index/by_due") and function != "Sweeper":
            problems.append(f"{function} must not look for what is due")
    for function, action, resource in grants.all:
        takes_back = function == "Deletion" and action in TAKES_BACK
        if target(resource) == "DeliveryObjectArns" and function != "Export" and not takes_back:
            problems.append(f"{function} must not {action} where exports are delivered")
        if action.startswith("ses:") and function != "Notifier":
            problems.append(f"{function} must not {action}")
    return problems


THROUGH_S3 = {"StringEquals": {"kms:ViaService": {"Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"}}}


def check_leading_keys(grants):
    """Writers of some items write no others."""
    for function, statement in grants.statements:
        condition = statement.get("Condition", {})
        named = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [])
        # Without it, a request that names no key would meet the condition.
        told = condition.get("Null") == {"dynamodb:LeadingKeys": "false"}
        for table in {target(resource) for resource in as_list(statement["Resource"])}:
            actions = {action.split(":")[1] for action in as_list(statement["Action"])}
            writes = actions & {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}
            allowed = WRITES.get((function, table)) if writes else READS_KEYS.get(function) if table == "KeysTable" else None
            if allowed is not None and not (told and set(named) == allowed and set(condition) == {"ForAllValues:StringLike", "Null"}):
                how = "write" if writes else "read"
                yield f"{function} must {how} of {table} only {' and '.join(sorted(allowed))}"


def check_keys(resources):
    account = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    for name, resource in resources.items():
        if resource["Type"] != "AWS::KMS::Key":
            continue
        if name not in KEYS:
            yield f"{name} is of no known purpose"
            continue
        if name not in ("MacKey", "LedgerSigningKey") and resource["Properties"].get("EnableKeyRotation") is not True:
            yield f"{name} is never rotated"
        if resource.get("DeletionPolicy") != {"Fn::If": ["Protected", "Retain", "Delete"]}:
            yield f"{name} goes with its stack, and all that it opens"
        granted = {}
        for statement in resource["Properties"].get("KeyPolicy", {}).get("Statement", [None]):
            if statement is None:
                yield f"{name} has no policy of its own: whoever the account lets may use it"
                continue
            if "Fn::If" in statement:
                _, statement, otherwise = statement["Fn::If"]
                if otherwise != {"Ref": "AWS::NoValue"}:
                    yield f"{name} lets others where a condition does not hold"
            principals = as_list(statement["Principal"]["AWS"])
            actions = as_list(statement["Action"])
            if principals == [account] and set(actions) <= ADMINISTERS and statement["Effect"] == "Allow":
                continue
            conditions = statement.get("Condition", {})
            for operator in sorted(set(conditions) - {"StringEquals", "StringLike"}):
                yield f"{name}: {operator} binds nothing"
            asked = [(key, value) for operator in conditions.values() for key, value in operator.items()]
            for key, _ in asked:
                if key not in CONDITION_KEYS:
                    yield f"{name}: {key} binds nothing"
            bound = sorted(text(value) for _, values in asked for value in as_list(values))
            who = {"account" if p == account else target(p).removesuffix("Role") for p in principals}
            for action in actions:
                granted.setdefault((action, " ".join(bound)), set()).update(who)
        for grant in sorted(granted):
            for who in sorted(granted[grant] - KEYS[name].get(grant, set())):
                yield f"{name}: {who} must not {grant[0]} for {grant[1] or 'anything'}"


def check_folders(template):
    binaries = cfn_yaml.functions(template)
    folders = {manifest.parent.name for manifest in ROOT.glob("functions/*/Cargo.toml")}
    for name, binary in binaries.items():
        if binary not in folders:
            yield f"{name}Function has no folder functions/{binary}"
    for folder in sorted(folders - set(binaries.values())):
        yield f"functions/{folder} is deployed by no function of the template"


def check_functions(resources, shared):
    if shared.get("RecursiveLoop") != "Allow":
        yield "Lambda ends chains of messages that a function sends to itself: RecursiveLoop must be Allow"
    functions = {
        name.removesuffix("Function"): r["Properties"]
        for name, r in resources.items()
        if r["Type"] == "AWS::Serverless::Function"
    }
    for name, properties in functions.items():
        if "RecursiveLoop" in properties:
            yield f"{name} has a RecursiveLoop of its own"
        if properties.get("Role") != {"Fn::GetAtt": [f"{name}Role", "Arn"]}:
            yield f"{name} does not have a role of its own"
        if resources.get(f"{name}Logs", {}).get("Properties", {}).get("RetentionInDays") is None:
            yield f"{name} keeps its logs for ever"


def check_queues(resources):
    consumed = {}
    for name, resource in resources.items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        for event in resource["Properties"].get("Events", {}).values():
            if event["Type"] == "SQS":
                consumed[target(event["Properties"]["Queue"])] = event["Properties"]
    alarms = {
        target(dimension["Value"])
        for r in resources.values()
        if r["Type"] == "AWS::CloudWatch::Alarm"
        for dimension in r["Properties"].get("Dimensions", [])
    }
    for name, resource in resources.items():
        if resource["Type"] != "AWS::SQS::Queue":
            continue
        if name not in alarms:
            yield f"{name} has no alarm"
        if name.endswith("DeadLetters"):
            continue
        if "RedrivePolicy" not in resource["Properties"]:
            yield f"{name} has no dead-letter queue"
        if "ReportBatchItemFailures" not in consumed.get(name, {}).get("FunctionResponseTypes", []):
            yield f"{name} is not consumed with partial batch responses"


def check_stores(resources):
    keys = resources["KeysTable"]["Properties"]
    if keys["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is not False:
        yield "KeysTable must have no point-in-time recovery: a destroyed key must stay destroyed"
    if resources["WorkBucket"]["Properties"].get("VersioningConfiguration"):
        yield "WorkBucket must not be versioned: a purged payload must not survive as an old version"
    for name, resource in resources.items():
        if resource["Type"] == "AWS::S3::Bucket":
            rules = resource["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            wrapped = [rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID") for rule in rules]
            if name != "TrailBucket" and wrapped != [{"Fn::GetAtt": ["BucketKey", "Arn"]}]:
                yield f"{name} is not encrypted with BucketKey"
            if not all(resource["Properties"]["PublicAccessBlockConfiguration"].values()):
                yield f"{name} is not closed to the public"
            if f"{name}Policy" not in resources:
                yield f"{name} does not insist on TLS"
        if resource["Type"] == "AWS::DynamoDB::Table" and not resource["Properties"]["SSESpecification"]["SSEEnabled"]:
            yield f"{name} is not encrypted with a KMS key"


def check_limits(template, resources):
    """Nobody's calls, or work, take all there is."""
    settings = resources["ApiStage"]["Properties"].get("DefaultRouteSettings", {})
    for limit, (of_all, of_one) in THROTTLES.items():
        if limit not in settings:
            yield f"ApiStage has no {limit}"
        elif settings[limit] != {"Ref": of_all}:
            yield f"ApiStage has another {limit} than {of_all}"
        if template["Parameters"][of_all]["Default"] < ORGANIZATIONS_AT_ONCE * template["Parameters"][of_one]["Default"]:
            yield f"{of_all} must be {ORGANIZATIONS_AT_ONCE} times {of_one}: one organization could take what all have"
    log = resources["ApiStage"]["Properties"].get("AccessLogSettings", {}).get("Format", "")
    if not log:
        yield "ApiStage writes no access log"
    for named in ("$context.path", "queryString", "$context.requestOverride"):
        if named in log:
            yield f"the access log holds {named}, which can name a person"
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    for name, parameter in template["Parameters"].items():
        if not name.startswith("Organization"):
            continue
        if parameter["Default"] == 0:
            yield f"{name} is no limit unless somebody sets one"
        if {"Ref": name} not in variables.values():
            yield f"{name} is told to no function"
    integrated = {
        text(r["Properties"]["Target"]).split("/")[-1].strip("${}")
        for r in resources.values()
        if r["Type"] == "AWS::ApiGatewayV2::Route"
    }
    for name, resource in resources.items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        function = name.removesuffix("Function")
        if f"{function}Integration" in integrated and "ReservedConcurrentExecutions" not in resource["Properties"]:
            yield f"{name} answers calls with no limit of its own"
        for event in resource["Properties"].get("Events", {}).values():
            queue = event["Properties"].get("Queue")
            ordered = queue and resources[target(queue)]["Properties"].get("FifoQueue")
            if event["Type"] == "SQS" and not ordered and "ScalingConfig" not in event["Properties"]:
                yield f"{name} takes as much work at once as there is"


def check_exposure(template, resources):
    if template["Parameters"]["AllowedOrigins"]["Default"] != "":
        yield "no origin may call the API unless somebody allows it"
    for name in ("Api", "ExportBucket"):
        if "Fn::If" not in resources[name]["Properties"].get("CorsConfiguration", {}):
            yield f"{name} answers other origins also where none is allowed"
    pattern = resources["DownloadRule"]["Properties"]["EventPattern"]["detail"]
    if pattern.get("errorCode") != [{"exists": False}]:
        yield "DownloadRule takes refused downloads, of which anybody can make as many as they like"


def check_ledger(resources):
    """Written once, whoever writes."""
    once = set()
    for statement in resources["LedgerBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]:
        denies = statement["Effect"] == "Deny" and statement["Principal"] == "*" and statement["Action"] == "s3:PutObject"
        if denies and statement.get("Condition") == {"Null": {"s3:if-none-match": "true"}}:
            once |= {text(r).removeprefix("${LedgerBucket.Arn}") for r in as_list(statement["Resource"])}
    for part in ("/*/tile/*", "/*/checkpoints/*", "/*/cosignatures/*"):
        if part not in once:
            yield f"LedgerBucket lets {part} be written over"
    bucket = resources["LedgerBucket"]["Properties"]
    if bucket.get("ObjectLockEnabled") is not True:
        yield "LedgerBucket locks nothing"
    expires = {name for rule in bucket["LifecycleConfiguration"]["Rules"] for name in rule if name.startswith(("Expiration", "Noncurrent"))}
    if not expires:
        yield "LedgerBucket keeps what was tidied away for ever"
    for rule in bucket["LifecycleConfiguration"]["Rules"]:
        if expires & rule.keys() and rule.get("TagFilters") != [PASSES]:
            yield f"the rule {rule['Id']} of LedgerBucket takes more than what passes"


def main():
    template = cfn_yaml.load(sys.argv[1] if len(sys.argv) > 1 else ROOT / "template.yaml")
    resources = template["Resources"]
    problems = [
        *check_roles(resources),
        *check_folders(template),
        *check_functions(resources, template["Globals"]["Function"]),
        *check_queues(resources),
        *check_stores(resources),
        *check_keys(resources),
        *check_limits(template, resources),
        *check_exposure(template, resources),
        *check_ledger(resources),
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


main()
