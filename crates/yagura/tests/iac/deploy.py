"""Deploys a template on moto and prints the physical id of each of its resources.

What moto's CloudFormation leaves out of this template is done here by the calls that CloudFormation would make.
"""

import json
import sys

import boto3

endpoint, path = sys.argv[1:3]


def client(service):
    return boto3.client(
        service, endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


def policy(action, resource):
    statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


stacks = client("cloudformation")
with open(path, encoding="utf-8") as template:
    stacks.create_stack(StackName="flawed", TemplateBody=template.read(), Capabilities=["CAPABILITY_NAMED_IAM"])
pages = stacks.get_paginator("list_stack_resources").paginate(StackName="flawed")
ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}

s3 = client("s3")
for bucket, blocked in (("OpenBucket", False), ("ShutBucket", True)):
    switches = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), blocked)
    s3.put_public_access_block(Bucket=ids[bucket], PublicAccessBlockConfiguration=switches)
s3.put_bucket_policy(Bucket=ids["OpenBucket"], Policy=policy("s3:GetObject", f"arn:aws:s3:::{ids['OpenBucket']}/*"))
queue = policy("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:flawed-open")
client("sqs").set_queue_attributes(QueueUrl=ids["OpenQueue"], Attributes={"Policy": queue})
client("sns").set_topic_attributes(
    TopicArn=ids["OpenTopic"], AttributeName="Policy", AttributeValue=policy("sns:Publish", ids["OpenTopic"])
)
print(json.dumps(ids))
