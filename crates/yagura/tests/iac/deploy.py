"""Deploys a template on moto and prints the physical id of each of its resources."""

import json
import sys

import boto3

endpoint, path = sys.argv[1:3]
stacks = boto3.client(
    "cloudformation", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
)
with open(path, encoding="utf-8") as template:
    stacks.create_stack(StackName="flawed", TemplateBody=template.read(), Capabilities=["CAPABILITY_NAMED_IAM"])
pages = stacks.get_paginator("list_stack_resources").paginate(StackName="flawed")
resources = [summary for page in pages for summary in page["StackResourceSummaries"]]
print(json.dumps({r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}))
