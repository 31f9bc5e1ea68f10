"""Builds an organization on moto: ACCOUNTS accounts in two organizational units, a bucket and EBS defaults in each.

    organization.py URL ACCOUNTS

Prints {"management", "units": {name: id}, "accounts": {id: {"unit", "good"}}}.
"""
import json
import sys

import boto3

url, many = sys.argv[1], int(sys.argv[2])


def client(service, region="us-east-1", credentials=None):
    keys = credentials or {"AccessKeyId": "testing", "SecretAccessKey": "testing", "SessionToken": None}
    return boto3.client(
        service, region_name=region, endpoint_url=url, aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
    )


organizations, sts = client("organizations"), client("sts")
organizations.create_organization(FeatureSet="ALL")
root = organizations.list_roots()["Roots"][0]["Id"]
unit = lambda name, parent: organizations.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]["Id"]  # noqa: E731
units = {"workloads": unit("workloads", root)}
units["production"] = unit("production", units["workloads"])
accounts = {}
for n in range(many):
    made = organizations.create_account(Email=f"a{n}@example.com", AccountName=f"a{n}", Tags=[{"Key": "stage", "Value": "test" if n % 2 else "live"}])
    account = made["CreateAccountStatus"]["AccountId"]
    name = "production" if n % 5 == 0 else "workloads"
    organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=units[name])
    role = f"arn:aws:iam::{account}:role/YaguraReadOnly"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
    s3, bucket, good = client("s3", credentials=keys), f"org-{account}", n % 3 == 0
    s3.create_bucket(Bucket=bucket)
    if good:
        block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    accounts[account] = {"unit": name, "good": good}
print(json.dumps({"management": "123456789012", "units": units, "accounts": accounts}))
