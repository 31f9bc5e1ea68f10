"""Things that calls take and that no recipe can write down: certificates, archives, ports."""
import datetime
import io
import itertools
import zipfile
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


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


PORTS = itertools.count(1024)
HELPERS = {"certificate": certificate, "zip": archive, "log_bucket": log_bucket, "lifecycle_rules": lifecycle_rules, "port": lambda _: next(PORTS)}
