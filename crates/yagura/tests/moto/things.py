"""Things that calls take and that no recipe can write down: certificates, archives, ports."""
import datetime
import io
import itertools
import json
import zipfile
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from wire import CannotMake


@lru_cache
def key(bits):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def certificate(maker):
    """A self-signed certificate as the fixture says: until when, and how long its key is."""
    this = maker.real(maker.this)
    bits = int(str(this.get("KeyAlgorithm", "RSA_2048")).rpartition("_")[2])
    now = datetime.datetime.now(datetime.timezone.utc)
    end = this.get("NotAfter") or this.get("Expiration") or now + datetime.timedelta(days=300)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{maker.name}.example.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key(bits).public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(min(now, end) - datetime.timedelta(days=30)).not_valid_after(end).sign(key(bits), hashes.SHA256())
    pem = key(bits).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return {"body": made.public_bytes(serialization.Encoding.PEM).decode(), "key": pem.decode()}


def archive(_):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as z:
        z.writestr("a.py", "")
    return data.getvalue()


def log_bucket(maker):
    """A bucket that the log delivery group may write to: S3 asks for that."""
    bucket = f"logs-{maker.world.account}"
    if bucket not in maker.world.once:
        s3 = maker.world.wire.client("s3")
        s3.create_bucket(Bucket=bucket)
        group = {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}}
        s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": {"ID": "abc"}, "Grants": [{**group, "Permission": p} for p in ("WRITE", "READ_ACP")]})
        maker.world.once[bucket] = bucket
    return bucket


def lifecycle_rules(maker):
    """The fixture's rules, each with what S3 asks a rule for."""
    return [{"Filter": {"Prefix": ""}, "Expiration": {"Days": 30}, **rule} for rule in maker.real(maker.this)["LifecycleRules"]]


def tag_specifications(maker):
    """EC2's tags for what cannot be tagged later."""
    tags = maker.this.get("Tags")
    return [{"ResourceType": maker.recipe["tag_type"], "Tags": maker.real(tags)}] if tags else None


def balancer_of_listener(maker):
    """TLS and TCP are for Network Load Balancers."""
    network = maker.this.get("Protocol") in ("TLS", "TCP", "UDP")
    return maker.world.shared("network_load_balancer" if network else "load_balancer")


def balancer_subnets(maker):
    """As many subnets as the fixture has Availability Zones."""
    both = [maker.world.shared("subnet_a"), maker.world.shared("subnet_b")]
    return both[:len(maker.this.get("AvailabilityZones") or both)]


def subnets_by_zone(maker):
    """A subnet for each of the fixture's, in the Availability Zone that it names."""
    ec2, out = maker.world.wire.client("ec2"), []
    for subnet in maker.this.get("Subnets") or [{"SubnetAvailabilityZone": {"Name": "us-east-1a"}}]:
        vpc = ec2.create_vpc(CidrBlock="10.92.0.0/16")["Vpc"]["VpcId"]
        zone = subnet["SubnetAvailabilityZone"]["Name"]
        out.append(ec2.create_subnet(VpcId=vpc, CidrBlock="10.92.1.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"])
    return out


def function_vpc(maker):
    return {"SecurityGroupIds": [maker.world.shared("security_group")]} if maker.this.get("VpcConfig") else None


def domain_vpc(maker):
    return {"SubnetIds": [maker.world.shared("subnet_a")]} if maker.this.get("VPCOptions") else None


def permissions(maker):
    """The statements of a function's policy as AddPermission takes them; what it cannot say stops the fixture."""
    out = []
    for n, said in enumerate(json.loads(maker.real(maker.this)["Policy"])["Statement"]):
        principal = said["Principal"]
        principal = next(iter(principal.values())) if isinstance(principal, dict) else principal
        given = {k: v for test in said.get("Condition", {}).values() for k, v in test.items()}
        if said["Effect"] != "Allow" or not isinstance(said["Action"], str) or not isinstance(principal, str) or set(map(str.lower, given)) - {"aws:sourcearn", "aws:sourceaccount"}:
            raise CannotMake("AddPermission cannot say this statement")
        low = {k.lower(): v for k, v in given.items()}
        out.append({"StatementId": said.get("Sid", f"s{n}"), "Action": said["Action"], "Principal": principal, "SourceArn": low.get("aws:sourcearn"), "SourceAccount": low.get("aws:sourceaccount")})
    return out


def group_template(maker):
    """A launch template, unless the fixture has no template or another way."""
    if maker.this.get("MixedInstancesPolicy") or maker.said.get("LaunchTemplate") == "absent":
        return None
    return {"LaunchTemplateId": maker.world.shared("launch_template"), "Version": "1"}


def group_configuration(maker):
    return maker.world.shared("launch_configuration") if maker.said.get("LaunchTemplate") == "absent" and not maker.this.get("MixedInstancesPolicy") else None


def group_mixed(maker):
    if not maker.this.get("MixedInstancesPolicy"):
        return None
    return {"LaunchTemplate": {"LaunchTemplateSpecification": {"LaunchTemplateId": maker.world.shared("launch_template"), "Version": "1"}}}


def password_policy(maker):
    """ExpirePasswords is what IAM makes of MaxPasswordAge."""
    return {k: v for k, v in maker.field.items() if k != "ExpirePasswords"}


def inspector_types(maker):
    """The resource types that the fixture has enabled."""
    names = {"ec2": "EC2", "ecr": "ECR", "lambda": "LAMBDA", "lambdaCode": "LAMBDA_CODE"}
    return [names[k] for a in maker.field for k, v in a["resourceState"].items() if v["status"] == "ENABLED"]


def engine_version(maker):
    """moto has no version of its own for MariaDB."""
    return "10.6.20" if maker.this.get("Engine") == "mariadb" else None


PORTS = itertools.count(1024)
HELPERS = {f.__name__: f for f in (
    certificate, log_bucket, lifecycle_rules, tag_specifications, balancer_of_listener, balancer_subnets, subnets_by_zone, function_vpc,
    domain_vpc, permissions, group_template, group_configuration, group_mixed, engine_version, password_policy, inspector_types)}
HELPERS |= {"zip": archive, "port": lambda _: next(PORTS)}
