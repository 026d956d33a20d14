"""Breaks the template in ways that the check must refuse, one after another, each for its own reason."""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What is replaced, by what, and what the check has to say of it.
MUTANTS = [
    ("          errorCode: [{exists: false}]\n", "", "DownloadRule takes refused downloads"),
    ("ThrottlingRateLimit: !Ref CallsPerSecond, ", "", "no ThrottlingRateLimit"),
    (', ThrottlingBurstLimit: !Ref CallsAtOnce', "", "no ThrottlingBurstLimit"),
    ("ThrottlingRateLimit: !Ref CallsPerSecond", "ThrottlingRateLimit: 50", "another ThrottlingRateLimit than CallsPerSecond"),
    ("    Default: 500\n", "    Default: 499\n", "CallsPerSecond must be 20 times OrganizationCallsPerSecond"),
    ("    Default: 1000\n", "    Default: 100\n", "CallsAtOnce must be 20 times OrganizationCallsAtOnce"),
    ("    Default: 50\n", "    Default: 51\n", "CallsAtOnce must be 20 times OrganizationCallsAtOnce"),
    ("    Default: 60\n", "    Default: 0\n", "OrganizationDiscoveriesPerMinute is no limit"),
    (
        "        OUBLI_ORGANIZATION_CALLS_PER_SECOND: !Ref OrganizationCallsPerSecond\n",
        "        OUBLI_ORGANIZATION_CALLS_PER_SECOND: 25\n",
        "OrganizationCallsPerSecond is told to no function",
    ),
    ('"route":"$context.routeKey"', '"route":"$context.path"', "can name a person"),
    (
        "      Role: !GetAtt ReportRole.Arn\n"
        '      ReservedConcurrentExecutions: !If [ReservesHttp, !Ref HttpConcurrency, !Ref "AWS::NoValue"]\n',
        "      Role: !GetAtt ReportRole.Arn\n",
        "ReportFunction answers calls with no limit of its own",
    ),
    ("ScalingConfig: {MaximumConcurrency: !Ref DiscoveryConcurrency}, ", "", "DiscoveryFunction takes as much work at once"),
    ('    Default: ""\n    Description: Origins that browsers', '    Default: "*"\n    Description: Origins that browsers', "no origin may call"),
    ('Condition: {"Null": {"s3:if-none-match": "true"}}', 'Condition: {"Null": {"s3:if-none-match": "false"}}', "be written over"),
    (
        '["identity#org#*#step-up#*", "identity#org#*#reviews#*"]',
        '["identity#org#*"]',
        "Review must write of KeysTable only identity#org#*#reviews#* and identity#org#*#step-up#*",
    ),
    ('["identity#org#*", "manifest#org#*"]}, "Null"', '["identity#org#*", "vault#org#*"]}, "Null"', "Discovery must write of KeysTable"),
    ('["identity#org#*", "manifest#org#*", "export#org#*"]', '["*"]', "Export must read of KeysTable"),
    ('["org#*#notification#*", "org#*#outbox"]', '["org#*"]', "Notifier must write of ControlTable"),
    ('["org#*#outbox", "org#*#report#*", ', '["org#*#request#*", ', "Report must write of ControlTable"),
    ('["org#*#outbox", "org#*#ledger"]}, "Null": {"dynamodb:LeadingKeys": "false"}', '["org#*#outbox", "org#*#ledger"]}', "Ledger must write of ControlTable"),
    (
        'Action: s3:PutObject\n            Resource: [!Sub "${LedgerBucket.Arn}/*/tile/*", ',
        "Action: s3:PutObject\n            Resource: [",
        "lets /*/tile/* be written over",
    ),
    (
        ', !Sub "${LedgerBucket.Arn}/*/cosignatures/*"]\n            Condition: {"Null"',
        ']\n            Condition: {"Null"',
        "lets /*/cosignatures/* be written over",
    ),
    ("      ObjectLockEnabled: true\n", "", "LedgerBucket locks nothing"),
    ('TagFilters: [{Key: oubli-passes, Value: "true"}], ', "", "takes more than what passes"),
    ('TagFilters: [{Key: oubli-passes, Value: "true"}], ', "Prefix: acme/, ", "takes more than what passes"),
    (
        'Action: [s3:PutObjectTagging]\n                Resource: [!Sub "${LedgerBucket.Arn}/*/staging/*"',
        'Action: [s3:PutObjectTagging]\n                Resource: [!Sub "${LedgerBucket.Arn}/*/tile/*"',
        "would go with old versions",
    ),
    ('!Sub "${LedgerBucket.Arn}/*/checkpoint"]', '!Sub "${LedgerBucket.Arn}/*/checkpoint*"]', "would go with old versions"),
    (
        "Action: [s3:GetObject, s3:PutObject]\n                Resource: !Sub \"${LedgerBucket.Arn}/*\"",
        "Action: [s3:GetObject, s3:PutObject, s3:PutObjectTagging]\n                Resource: !Sub \"${LedgerBucket.Arn}/*\"",
        "would go with old versions",
    ),
    (
        "Action: [dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:PutItem]\n                Resource: !GetAtt KeysTable.Arn",
        "Action: [dynamodb:GetItem, dynamodb:DeleteItem, dynamodb:PutItem]\n                Resource: !GetAtt KeysTable.Arn",
        "must not DeleteItem on KeysTable",
    ),
    (
        '            Principal: {AWS: [!GetAtt DeletionRole.Arn]}\n            Action: [kms:Decrypt]',
        '            Principal: {AWS: [!GetAtt DeletionRole.Arn, !GetAtt IntakeRole.Arn]}\n            Action: [kms:Decrypt]',
        "VaultKey: Intake must not kms:Decrypt",
    ),
    ('"kms:EncryptionContext:purpose": ["vault#*"]', '"kms:EncryptionContext:purpose": ["*"]', "VaultKey: Deletion must not kms:GenerateDataKey for *"),
    ('{StringLike: {"kms:EncryptionContext:purpose": ["vault#*"]}}', '{StringNotLike: {"kms:EncryptionContext:purpose": ["vault#*"]}}', "VaultKey: StringNotLike binds nothing"),
    ('            Condition: {StringLike: {"kms:EncryptionContext:purpose": ["manifest#*"]}}\n', "", "ManifestKey: Discovery must not kms:GenerateDataKey for anything"),
    ('{StringEquals: {"kms:MessageType": RAW, "kms:SigningAlgorithm"', '{StringEquals: {"kms:SigningAlgorithm"', "LedgerSigningKey: Ledger must not kms:Sign"),
    ('"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["identity#org#*"]}, "Null"', '"Null"', "Intake must write of KeysTable only"),
    ('"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["org#*#notification#*"', '"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["org#*#notification#*"', "Notifier must write of ControlTable only"),
    ("EnableKeyRotation: true", "EnableKeyRotation: false", "IdentityKey is never rotated"),
    ("  VaultKey:\n    Type: AWS::KMS::Key\n    DeletionPolicy: !If [Protected, Retain, Delete]\n", "  VaultKey:\n    Type: AWS::KMS::Key\n    DeletionPolicy: Delete\n", "VaultKey goes with its stack"),
    ("ServerSideEncryptionByDefault: {SSEAlgorithm: aws:kms, KMSMasterKeyID: !GetAtt BucketKey.Arn}", "ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}", "WorkBucket is not encrypted with BucketKey"),
    (
        '                "kms:EncryptionContext:purpose": ["export"]}}\n            - !Ref AWS::NoValue\n'.replace('                "', 'Condition: {StringEquals: {"'),
        'Condition: {StringEquals: {"kms:EncryptionContext:purpose": ["export"]}}\n            - {Sid: Or, Effect: Allow, Principal: {AWS: !GetAtt IntakeRole.Arn}, Action: [kms:Decrypt], Resource: "*"}\n',
        "ExportKey lets others where a condition does not hold",
    ),
    ("kms:RevokeGrant, kms:TagResource", "kms:CreateGrant, kms:TagResource", "IdentityKey: account must not kms:"),
    (
        "              - Sid: ReadDirectory\n                Effect: Allow\n",
        "              - Sid: Open\n                Effect: Allow\n                Action: [kms:Decrypt]\n"
        "                Resource: !GetAtt VaultKey.Arn\n"
        "              - Sid: ReadDirectory\n                Effect: Allow\n",
        "is granted past the key's own policy",
    ),
    (
        '                Resource: !GetAtt BucketKey.Arn\n                Condition: {StringEquals: {"kms:ViaService": !Sub "s3.${AWS::Region}.${AWS::URLSuffix}"}}\n',
        "                Resource: !GetAtt BucketKey.Arn\n",
        "must use BucketKey through S3 only",
    ),
    (
        "              - Sid: ReadDirectory\n                Effect: Allow\n"
        "                Action: [dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query]",
        "              - Sid: ReadDirectory\n                Effect: Allow\n"
        "                Action: [dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:PutItem]",
        "must not PutItem/UpdateItem/DeleteItem on DirectoryTable",
    ),
    (
        "              - Sid: ReadDecisions\n                Effect: Allow\n"
        "                Action: [dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query]",
        "              - Sid: ReadDecisions\n                Effect: Allow\n"
        "                Action: [dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:PutItem]",
        "must not PutItem on DecisionsTable",
    ),
    (
        'Action: [s3:PutObject]\n                Resource: !Sub "${WorkBucket.Arn}/manifest/*"',
        'Action: [s3:PutObject]\n                Resource: !Sub "${WorkBucket.Arn}/*"',
        "Discovery must put manifests only",
    ),
    ("PointInTimeRecoveryEnabled: false", "PointInTimeRecoveryEnabled: true", "KeysTable must have no point-in-time recovery"),
]


def check(path):
    command = [sys.executable, str(ROOT / "infra/check_template.py"), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main():
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "template.yaml"
        for before, after, said in MUTANTS:
            if before not in template:
                missed.append(f"the template has no {before!r}")
                continue
            path.write_text(template.replace(before, after, 1), encoding="utf-8")
            run = check(path)
            if run.returncode == 0 or said not in run.stderr:
                missed.append(f"{said!r} was not said of a template with {after!r} for {before!r}: {run.stderr}")
    for miss in missed:
        print(miss, file=sys.stderr)
    sys.exit(1 if missed else 0)


main()
