"""Makes an organization on moto (first argument: its URL), and with "baseline" as the second the landing zone's parts that moto keeps."""
import json
import sys

import boto3

url, stage = sys.argv[1], sys.argv[2]


def client(service, region="us-east-1"):
    return boto3.client(service, region_name=region, endpoint_url=url, aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x")


organizations = client("organizations")
if stage == "bare":
    organizations.create_organization(FeatureSet="ALL")
    client("s3").create_bucket(Bucket="own-logs")
    trail = client("cloudtrail")
    trail.create_trail(Name="org", S3BucketName="own-logs", IsMultiRegionTrail=False, IsOrganizationTrail=True)
else:
    audit = organizations.create_account(Email="audit@example.com", AccountName="audit")["CreateAccountStatus"]["AccountId"]
    for service in ("guardduty", "access-analyzer"):  # moto knows neither Security Hub's principal nor AWS Config's
        organizations.register_delegated_administrator(AccountId=audit, ServicePrincipal=f"{service}.amazonaws.com")
    scp = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}]}
    organizations.create_policy(Content=json.dumps(scp), Description="stay", Name="stay", Type="SERVICE_CONTROL_POLICY")
    # A bucket that this account does not list. moto's CloudTrail wants it to be this account's own when the trail is made.
    trail, s3 = client("cloudtrail"), client("s3")
    trail.delete_trail(Name="org")
    s3.create_bucket(Bucket="archive-logs")
    trail.create_trail(Name="all", S3BucketName="archive-logs", IsMultiRegionTrail=True, IsOrganizationTrail=True)
    trail.start_logging(Name="all")
    s3.delete_bucket(Bucket="archive-logs")
