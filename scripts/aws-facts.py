#!/usr/bin/env python3
"""Writes content/aws/<service>.json: what Yagura needs to know to call AWS's read operations; and content/writes/<service>.json:
the same of the operations that change something and that a remedy (content/remedies) names, and of no others; and
content/own/<service>.json: the few that Yagura calls by itself (OWN).

    python3 scripts/aws-facts.py

One command, no arguments. It makes a throw-away virtual environment under target/, installs the
botocore version named below from PyPI (AWS's own public service models), and rewrites every file in
content/aws/, content/writes/ and content/own/. The same botocore gives the same bytes. Raise BOTOCORE to take newer models.

Only operations that read are kept: List, Describe, Get, BatchGet, BatchDescribe, Search, Lookup and
Head, with iam:GenerateCredentialReport (it makes the report that GetCredentialReport reads). Operations
that answer secrets, mint credentials, or stream a body are left out (REFUSED below says which).

A file holds (everything that equals its default is left out):

    service     botocore's name; id: AWS's service id (names AWS_ENDPOINT_URL_<ID>)
    signing     the name in the SigV4 scope; version: the API version
    protocol    json | rest-json | rest-xml | query | ec2 | cbor
    json        1.0 or 1.1; target: prefix of X-Amz-Target; shape_name: the Smithy service name (cbor)
    endpoints   partition -> variant ("" | fips | dual | fips+dual) -> "host[@signing Region]";
                {region} stands for the Region; "except" holds the Regions that differ
    operations  name -> http ("GET /path", default "POST /"), in, out (shape names), wrap (resultWrapper),
                host (prefix), unwrapped (S3's bare root element), pages {in, out, more},
                checksum (the request's body must be sent with its digest)
    shapes      name -> {members, required, payload} | {list} | {map: [key, value]}
                A reference is a shape's name, a scalar (string, integer, long, float, double, boolean,
                timestamp, blob, document), or {shape, name, in, fmt, attr, query, flat}.
"""
import json
import os
import re
import subprocess
import sys
import venv

BOTOCORE = "1.44.5"
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, "content", "aws")
WRITES = os.path.join(ROOT, "content", "writes")
OWN_FACTS = os.path.join(ROOT, "content", "own")
REMEDIES = os.path.join(ROOT, "content", "remedies")

SERVICES = """
iam sts organizations account sso-admin identitystore accessanalyzer kms secretsmanager acm acm-pca cloudhsmv2 s3
s3control ec2 elb elbv2 directconnect autoscaling lambda ecs ecr eks rds docdb neptune redshift redshift-serverless dynamodb dax
elasticache memorydb opensearch efs fsx backup cloudtrail logs cloudwatch config guardduty securityhub inspector2 macie2
detective securitylake wafv2 waf shield fms network-firewall route53 route53resolver route53domains cloudfront apigateway
apigatewayv2 appsync cognito-idp cognito-identity sns sqs events stepfunctions ssm cloudformation codebuild codepipeline
codeartifact sagemaker bedrock bedrock-agent bedrock-agentcore-control glue athena emr kinesis firehose kafka mq dms
transfer workspaces ds ram rolesanywhere servicecatalog support trustedadvisor globalaccelerator lightsail amplify apprunner
appconfig appflow batch budgets codedeploy codeguru-reviewer codeguruprofiler comprehend connect controltower datasync dlm
ecr-public elasticbeanstalk emr-containers emr-serverless frauddetector glacier imagebuilder iot iotsitewise iottwinmaker
iotwireless ivs kendra keyspaces kinesisanalyticsv2 lakeformation mwaa opensearchserverless qbusiness rbin s3tables
appmesh application-autoscaling cleanrooms cloudsearch cost-optimization-hub health kafkaconnect payment-cryptography service-quotas waf-regional ses sesv2 signer ssm-incidents timestream-influxdb timestream-write vpc-lattice xray
""".split()

READS = re.compile(r"^(List|Describe|Get|BatchGet|BatchDescribe|Search|Lookup|Head)(?=[A-Z0-9])")
ALSO = {"iam:GenerateCredentialReport"}

# Answers that are secrets, credentials or tokens, or that hand out the customer's stored data.
REFUSED = set("""
acm:GetAcmeExternalAccountBindingCredentials amplify:GetArtifactUrl apigateway:GetApiKey apigateway:GetApiKeys
apigateway:GetExport apigateway:GetSdk appsync:ListApiKeys athena:GetQueryResults athena:GetSessionEndpoint
codeartifact:GetAuthorizationToken codeartifact:GetPackageVersionAsset codepipeline:GetJobDetails
codepipeline:GetThirdPartyJobDetails cognito-identity:GetCredentialsForIdentity cognito-identity:GetId
cognito-identity:GetOpenIdToken cognito-identity:GetOpenIdTokenForDeveloperIdentity cognito-idp:DescribeIdentityProvider
cognito-idp:DescribeUserPoolClient cognito-idp:GetClientToken cognito-idp:GetDerivedToken cognito-idp:GetDevice
cognito-idp:GetTokensFromRefreshToken cognito-idp:GetUser cognito-idp:GetUserAttributeVerificationCode
cognito-idp:ListUserPoolClientSecrets dynamodb:BatchGetItem dynamodb:GetItem ec2:GetConsoleScreenshot ec2:GetPasswordData
ec2:GetVpnConnectionDeviceSampleConfiguration ecr:GetAuthorizationToken ecr:GetDownloadUrlForLayer
emr:GetClusterSessionCredentials emr:GetOnClusterAppUIPresignedURL emr:GetPersistentAppUIPresignedURL
emr:GetSessionEndpoint glue:GetConnection glue:GetConnections glue:GetDashboardUrl glue:GetSessionEndpoint
glue:GetUnfilteredPartitionMetadata glue:GetUnfilteredPartitionsMetadata glue:GetUnfilteredTableMetadata
kinesis:GetRecords kinesis:GetShardIterator kms:GetParametersForImport lightsail:GetBucketAccessKeys
lightsail:GetInstanceAccessDetails lightsail:GetRelationalDatabaseMasterUserPassword logs:GetLogObject
macie2:GetSensitiveDataOccurrences redshift-serverless:GetCredentials redshift-serverless:GetIdentityCenterAuthToken
redshift:GetClusterCredentials redshift:GetClusterCredentialsWithIAM redshift:GetIdentityCenterAuthToken s3:GetObject
s3:GetObjectTorrent s3control:GetDataAccess secretsmanager:BatchGetSecretValue secretsmanager:GetRandomPassword
secretsmanager:GetSecretValue ssm:GetAccessToken ssm:GetParameter ssm:GetParameterHistory ssm:GetParameters
ssm:GetParametersByPath sts:GetDelegatedAccessToken sts:GetFederationToken sts:GetSessionToken sts:GetWebIdentityToken
support:GetAttachmentDownloadLink support:GetAttachmentUploadLinks waf:GetChangeToken wafv2:GetDecryptedAPIKey
wafv2:ListAPIKeys
appconfig:GetConfiguration appconfig:GetHostedConfigurationVersion codeguruprofiler:GetProfile connect:GetFederationToken
ecr-public:GetAuthorizationToken emr-serverless:GetDashboardForJobRun emr-serverless:GetSessionEndpoint glacier:GetJobOutput iotsitewise:BatchGetAssetPropertyValue
iotsitewise:BatchGetAssetPropertyValueHistory iotsitewise:GetAssetPropertyValue iotsitewise:GetAssetPropertyValueHistory
iotsitewise:GetInterpolatedAssetPropertyValues iottwinmaker:GetPropertyValue iottwinmaker:GetPropertyValueHistory
ivs:BatchGetStreamKey ivs:GetStreamKey lakeformation:GetDataLakePrincipal lakeformation:GetTemporaryDataLocationCredentials
lakeformation:GetTemporaryGluePartitionCredentials lakeformation:GetTemporaryGlueTableCredentials
lakeformation:GetTemporaryGlueFunctionCredentials lakeformation:GetWorkUnitResults lakeformation:GetWorkUnits qbusiness:GetMedia qbusiness:GetDocumentContent
connect:GetAttachedFile connect:GetContactAttributes iot:GetRegistrationCode
""".split())

# What Yagura calls by itself: to tell people and systems, and for the secrets that a routes file refers to; to take messages from a queue
# (receiving one hides it from others for a while); to make and open data keys. Apart from content/writes, so that no remedy can name them.
OWN = """
sns:Publish events:PutEvents securityhub:BatchImportFindings s3:PutObject secretsmanager:GetSecretValue ssm:GetParameter
sqs:ReceiveMessage sqs:DeleteMessage
kms:GenerateDataKey kms:Decrypt
""".split()

PROTOCOL_ORDER = ["json", "rest-json", "rest-xml", "query", "ec2", "smithy-rpc-v2-cbor"]
PARTITIONS = ["aws", "aws-cn", "aws-us-gov", "aws-eusc"]
SCALARS = {"string", "integer", "long", "float", "double", "boolean", "timestamp", "blob"}


def bootstrap():
    """Re-runs this script inside an environment that has botocore."""
    env = os.path.join(ROOT, "target", "aws-facts-venv")
    python = os.path.join(env, "bin", "python")
    if not os.path.exists(python):
        venv.create(env, with_pip=True)
    subprocess.check_call([python, "-m", "pip", "install", "-q", f"botocore=={BOTOCORE}"])
    os.execv(python, [python, os.path.abspath(__file__), "--inside"])


class Service:
    """One service's models, and the facts drawn from them."""

    def __init__(self, loader, name, partitions):
        self.name, self.partitions = name, partitions
        self.model = loader.load_service_model(name, "service-2")
        self.meta, self.shapes = self.model["metadata"], self.model["shapes"]
        self.rules = loader.load_service_model(name, "endpoint-rule-set-1")
        try:
            self.pagers = loader.load_service_model(name, "paginators-1")["pagination"]
        except Exception:  # botocore raises its own UnknownServiceError or DataNotFoundError
            self.pagers = {}
        offered = self.meta.get("protocols") or [self.meta["protocol"]]
        self.protocol = min(offered, key=PROTOCOL_ORDER.index)
        self.kept = {}

    def facts(self, wanted=None):
        """Of the operations named, or of all that read."""
        chosen = (lambda n, op: n in wanted) if wanted else self.reads
        operations = {n: self.operation(n, op) for n, op in sorted(self.model["operations"].items()) if chosen(n, op)}
        out = {"service": self.name, "id": self.meta["serviceId"],
               "signing": self.meta.get("signingName", self.meta["endpointPrefix"]),
               "version": self.meta["apiVersion"], "protocol": self.protocol.replace("smithy-rpc-v2-", "")}
        if self.protocol == "json":
            out["json"] = self.meta["jsonVersion"]
        if self.protocol in ("json", "smithy-rpc-v2-cbor"):
            out["target"] = self.meta["targetPrefix"]
        if "awsQueryCompatible" in self.meta:
            out["query_errors"] = True
        out["endpoints"] = self.endpoints()
        out["operations"] = operations
        out["shapes"] = dict(sorted(self.kept.items()))
        return out

    def reads(self, name, op):
        call = f"{self.name}:{name}"
        if call in ALSO:
            return True
        if not READS.match(name) or call in REFUSED:
            return False
        return not self.streams(op.get("input")) and not self.streams(op.get("output"))

    def streams(self, ref):
        """Whether a structure has an event stream, or a payload that is not read at once."""
        if not ref:
            return False
        for m in self.shapes[ref["shape"]].get("members", {}).values():
            target = self.shapes[m["shape"]]
            if target.get("eventstream") or m.get("eventstream") or m.get("streaming") or target.get("streaming"):
                return True
        return False

    def operation(self, name, op):
        out = {}
        uri = op["http"]["requestUri"]
        members = self.shapes[op["input"]["shape"]].get("members", {}) if op.get("input") else {}
        for member, ref in members.items():  # labels are named as members, not as they are located
            if ref.get("location") == "uri" and ref.get("locationName", member) != member:
                uri = re.sub(r"\{" + re.escape(ref["locationName"]) + r"(\+?)\}", "{" + member + r"\1}", uri)
        http = f"{op['http']['method']} {uri}"
        if http != "POST /":
            out["http"] = http
        if op.get("input"):
            out["in"] = self.keep(op["input"]["shape"], True)
        if op.get("output"):
            out["out"] = self.keep(op["output"]["shape"], False)
            if op["output"].get("resultWrapper"):
                out["wrap"] = op["output"]["resultWrapper"]
        prefix = op.get("endpoint", {}).get("hostPrefix")
        if self.name == "s3control" and op.get("staticContextParams", {}).get("RequiresAccountId", {}).get("value"):
            prefix = "{AccountId}."
        if prefix:
            out["host"] = prefix
        if (self.name, name) == ("s3", "GetBucketLocation"):
            out["unwrapped"] = True
        must = op.get("httpChecksum", {}).get("requestChecksumRequired") or op.get("httpChecksumRequired")
        if must and not READS.match(name):
            out["checksum"] = True
        pages = self.pages(name, op)
        if pages:
            out["pages"] = pages
        return out

    def pages(self, name, op):
        pager = self.pagers.get(name)
        if pager and pager.get("input_token") and pager.get("output_token"):
            many = lambda v: v if isinstance(v, list) else [v]  # noqa: E731
            out = {"in": many(pager["input_token"]), "out": many(pager["output_token"])}
            if pager.get("more_results"):
                out["more"] = pager["more_results"]
            return out
        if not op.get("input") or not op.get("output"):
            return None
        ins = self.shapes[op["input"]["shape"]].get("members", {})
        outs = self.shapes[op["output"]["shape"]].get("members", {})
        for i, o in [("NextToken", "NextToken"), ("nextToken", "nextToken"), ("Marker", "NextMarker"), ("Marker", "Marker"),
                     ("NextMarker", "NextMarker"), ("marker", "nextMarker"), ("PageToken", "NextPageToken"),
                     ("pageToken", "nextPageToken"), ("position", "position")]:
            if i in ins and o in outs and self.shapes[ins[i]["shape"]]["type"] == "string":
                return {"in": [i], "out": [o]}
        return None

    def keep(self, name, is_input):
        """Puts a composite shape, and what it reaches, into the file."""
        shape = self.shapes[name]
        assert name not in SCALARS | {"document"}, f"{self.name}: shape {name} is named as a scalar"
        if name in self.kept:
            if is_input and shape.get("required") and "members" in self.kept[name]:
                self.kept[name]["required"] = shape["required"]
            return name
        out = self.kept[name] = {}
        if shape["type"] == "structure":
            out["members"] = {m: self.ref(r, is_input) for m, r in shape.get("members", {}).items()
                              if r.get("location") != "statusCode"}
            if is_input and shape.get("required"):
                out["required"] = shape["required"]
            if shape.get("payload"):
                out["payload"] = shape["payload"]
        elif shape["type"] == "list":
            out["list"] = self.ref(shape["member"], is_input)
        else:
            out["map"] = [self.ref(shape["key"], is_input), self.ref(shape["value"], is_input)]
        return name

    def ref(self, ref, is_input):
        target = self.shapes[ref["shape"]]
        kind = target["type"]
        if target.get("document") or ref.get("document"):
            shape = "document"
        elif kind in ("structure", "list", "map"):
            shape = self.keep(ref["shape"], is_input)
        else:
            shape = {"character": "string", "bigdecimal": "double"}.get(kind, kind)
            assert shape in SCALARS, (self.name, kind)
        out = {}
        name = ref.get("locationName")
        flat = kind in ("list", "map") and (ref.get("flattened") or target.get("flattened"))
        if kind == "list" and flat and target["member"].get("locationName") and self.protocol != "ec2":
            name = target["member"]["locationName"]
        if self.protocol in ("json", "smithy-rpc-v2-cbor"):
            name = None  # these protocols put the member's own name on the wire
        if name:
            out["name"] = name
        if ref.get("location") and self.protocol.startswith("rest"):
            out["in"] = ref["location"]
        if ref.get("queryName"):
            out["query"] = ref["queryName"]
        if ref.get("xmlAttribute"):
            out["attr"] = True
        if kind == "timestamp":
            fmt = ref.get("timestampFormat") or target.get("timestampFormat")
            if fmt:
                out["fmt"] = fmt
        if flat and self.protocol in ("rest-xml", "query", "ec2"):
            out["flat"] = True
        if not out:
            return shape
        return {"shape": shape, **out}

    def endpoints(self):
        """AWS's endpoint rules, evaluated for every Region and folded into patterns."""
        from botocore.endpoint_provider import EndpointProvider

        provider = EndpointProvider(self.rules, self.partitions)
        known = self.rules.get("parameters", {})
        out = {}
        for partition in self.partitions["partitions"]:
            if partition["id"] not in PARTITIONS:
                continue
            regions = sorted(r for r in partition["regions"] if not r.endswith("-global"))
            patterns, except_ = {}, {}
            for variant, fips, dual in [("", 0, 0), ("fips", 1, 0), ("dual", 0, 1), ("fips+dual", 1, 1)]:
                found = {r: self.host(provider, known, r, fips, dual) for r in regions}
                counts = {}
                for host in found.values():
                    counts[host] = counts.get(host, 0) + 1
                best = max(sorted(counts, key=str), key=lambda h: counts[h])
                if best:
                    patterns[variant] = best
                for region, host in found.items():
                    if host != best:
                        except_.setdefault(region, {})[variant] = host
            if except_:
                patterns["except"] = except_
            if patterns:
                out[partition["id"]] = patterns
        return out

    def host(self, provider, known, region, fips, dual):
        args = {k: v for k, v in {"Region": region, "UseFIPS": bool(fips), "UseDualStack": bool(dual)}.items() if k in known}
        if "UseGlobalEndpoint" in known:
            args["UseGlobalEndpoint"] = False
        if "ServiceType" in known:
            args["ServiceType"] = "ACM"
        try:
            end = provider.resolve_endpoint(**args)
        except Exception:  # botocore's EndpointProviderError: the rules offer nothing here
            return None
        host = re.sub(r"^https://", "", end.url).rstrip("/")
        labels = ["{region}" if part == region else part for part in host.split(".")]
        host = ".".join(labels)
        schemes = (end.properties or {}).get("authSchemes") or []
        scope = next((s.get("signingRegion") for s in schemes if s.get("signingRegion")), None)
        if "{region}" not in host:
            return f"{host}@{scope or region}"
        return host + (f"@{scope}" if scope and scope != region else "")


def main():
    if "--inside" not in sys.argv:
        bootstrap()
    from botocore.loaders import Loader

    loader = Loader(include_default_search_paths=True)
    loader.search_paths[:] = [p for p in loader.search_paths if "botocore" in p]
    partitions = loader.load_data("partitions")
    for call in sorted(REFUSED | ALSO):
        service, operation = call.split(":")
        if operation not in loader.load_service_model(service, "service-2")["operations"]:
            sys.exit(f"{call} is not in botocore {BOTOCORE}: take it off the list")
    empty(OUT)
    total, operations = 0, 0
    for name in sorted(SERVICES):
        facts = Service(loader, name, partitions).facts()
        total, operations = total + write(OUT, name, facts), operations + len(facts["operations"])
    print(f"{len(SERVICES)} services, {operations} operations, {total:,} bytes in {os.path.relpath(OUT, ROOT)}")
    empty(WRITES)
    for name, wanted in sorted(changes().items()):
        facts = Service(loader, name, partitions).facts(wanted)
        for missing in sorted(wanted - set(facts["operations"])):
            sys.exit(f"{name}:{missing} is in a remedy and not in botocore {BOTOCORE}")
        write(WRITES, name, facts)
    empty(OWN_FACTS)
    for name in sorted({call.split(":")[0] for call in OWN}):
        wanted = {call.split(":")[1] for call in OWN if call.startswith(f"{name}:")}
        write(OWN_FACTS, name, Service(loader, name, partitions).facts(wanted))


def changes():
    """Service -> operations that remedies call and that do not only read."""
    out = {}
    for folder, _, files in os.walk(REMEDIES):
        for file in files:
            with open(os.path.join(folder, file), encoding="utf-8") as f:
                for service, operation in re.findall(r"\bcall: ([a-z0-9-]+):([A-Za-z0-9]+)", f.read()):
                    if not READS.match(operation):
                        out.setdefault(service, set()).add(operation)
    return out


def empty(folder):
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        if old.endswith(".json"):
            os.remove(os.path.join(folder, old))


def write(folder, name, facts):
    """Writes a service's facts; their length."""
    text = json.dumps(facts, separators=(",", ":"), ensure_ascii=True) + "\n"
    with open(os.path.join(folder, f"{name}.json"), "w", encoding="ascii", newline="\n") as f:
        f.write(text)
    return len(text)


if __name__ == "__main__":
    main()
