"""What `notify` delivers to in moto, and what arrived there.

    python notify.py ENDPOINT seed     makes topics, queues, a bus, a bucket, secrets; prints their names, as JSON
    python notify.py ENDPOINT state    prints what arrived, as JSON
"""
import json
import sys

import boto3

REGION = "us-east-1"
OTHERS = "arn:aws:securityhub:us-east-1::product/aws/guardduty/finding/1"


def client(service):
    return boto3.client(service, endpoint_url=sys.argv[1], region_name=REGION, aws_access_key_id="t", aws_secret_access_key="t")


def queue(name):
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def seed(url, signing):
    sns, events = client("sns"), client("events")
    topic = sns.create_topic(Name="findings")["TopicArn"]
    fifo = sns.create_topic(Name="findings.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue("of-sns"))
    events.create_event_bus(Name="security")
    events.put_rule(Name="all", EventBusName="security", EventPattern=json.dumps({"source": ["yagura"]}))
    events.put_targets(Rule="all", EventBusName="security", Targets=[{"Id": "q", "Arn": queue("of-events")}])
    client("s3").create_bucket(Bucket="lake")
    client("secretsmanager").create_secret(Name="yagura/hook", SecretString=json.dumps({"url": url}))
    client("ssm").put_parameter(Name="/yagura/signing", Value=signing, Type="SecureString")
    hub = client("securityhub")
    hub.enable_security_hub()
    hub.batch_import_findings(Findings=[{
        "SchemaVersion": "2018-10-08", "Id": OTHERS, "ProductArn": "arn:aws:securityhub:us-east-1::product/aws/guardduty",
        "GeneratorId": "g", "AwsAccountId": "111122223333", "Types": ["t"], "CreatedAt": "2026-01-01T00:00:00Z",
        "UpdatedAt": "2026-01-01T00:00:00Z", "Severity": {"Label": "HIGH"}, "Title": "t", "Description": "d",
        "RecordState": "ACTIVE", "Resources": [{"Type": "Other", "Id": "x"}]}])
    return {"topic": topic, "fifo": fifo}


def messages(name):
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    out = []
    while True:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages", [])
        if not found:
            return out
        out += [json.loads(m["Body"]) for m in found]


def findings():
    out = []
    for region in ("us-east-1", "ap-northeast-1"):
        hub = boto3.client("securityhub", endpoint_url=sys.argv[1], region_name=region, aws_access_key_id="t", aws_secret_access_key="t")
        out += [{k: f.get(k) for k in ("Id", "ProductArn", "RecordState", "Region", "Compliance")} for f in hub.get_findings()["Findings"]]
    return out


def objects():
    s3 = client("s3")
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="lake").get("Contents", [])]
    return {k: s3.get_object(Bucket="lake", Key=k)["Body"].read().decode() for k in keys}


def state():
    return {"sns": messages("of-sns"), "events": messages("of-events"), "findings": findings(), "objects": objects()}


print(json.dumps(seed(*sys.argv[3:]) if sys.argv[2] == "seed" else state()))
