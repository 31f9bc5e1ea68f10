#!/usr/bin/env python3
"""Runs Cloud Custodian (c7n) and Yagura beside each other on one moto server and compares which resources each policy chooses.

    python3 -m venv v && v/bin/pip install c7n 'moto[server]'
    v/bin/python scripts/custodian-differential.py --yagura target/release/yagura

Without c7n or moto it says so and ends with 0: this is no part of the tests. Ends with 1 where a policy's sets differ.
"""
import argparse
import datetime
import io
import json
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
OPEN = "0.0.0.0/0"


def seed(make):
    """About fifty resources, good and bad."""
    s3, iam, ec2 = make("s3"), make("iam"), make("ec2")
    names = ["plain", "tagged", "versioned", "locked", "policy", "logged", "public", "half"]
    for n in names:
        s3.create_bucket(Bucket=f"acme-{n}")
    s3.put_bucket_tagging(Bucket="acme-tagged", Tagging={"TagSet": [{"Key": "env", "Value": "prod"}, {"Key": "Owner", "Value": "web"}]})
    s3.put_bucket_tagging(Bucket="acme-half", Tagging={"TagSet": [{"Key": "env", "Value": "Dev "},
                          {"Key": "maid_status", "Value": "Resource does not meet policy: delete@2020/01/01"}]})
    s3.put_bucket_versioning(Bucket="acme-versioned", VersioningConfiguration={"Status": "Enabled"})
    s3.put_public_access_block(Bucket="acme-locked", PublicAccessBlockConfiguration={k: True for k in (
        "BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")})
    s3.put_public_access_block(Bucket="acme-half", PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": False})
    s3.put_bucket_policy(Bucket="acme-policy", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-policy/*",
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Sid": "Other", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::acme-policy/*"}]}))
    s3.put_bucket_policy(Bucket="acme-public", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-public/*"}]}))
    s3.put_bucket_acl(Bucket="acme-public", ACL="public-read")
    s3.put_bucket_acl(Bucket="acme-plain", ACL="log-delivery-write")
    s3.put_bucket_logging(Bucket="acme-logged", BucketLoggingStatus={"LoggingEnabled": {
        "TargetBucket": "acme-plain", "TargetPrefix": "acme-logged/"}})
    s3.put_bucket_encryption(Bucket="acme-locked", ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]})

    admin = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    read = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "*"}]})
    everything = iam.create_policy(PolicyName="everything", PolicyDocument=admin)["Policy"]["Arn"]
    iam.create_policy(PolicyName="idle-everything", PolicyDocument=admin)
    reader = iam.create_policy(PolicyName="reader", PolicyDocument=read)["Policy"]["Arn"]
    iam.create_group(GroupName="admins")
    iam.create_group(GroupName="nobody")
    for u in ("ann", "bob", "cy", "dee"):
        iam.create_user(UserName=u, Tags=[{"Key": "team", "Value": "red" if u < "c" else "blue"}])
    iam.add_user_to_group(GroupName="admins", UserName="ann")
    iam.attach_user_policy(UserName="bob", PolicyArn=everything)
    iam.attach_group_policy(GroupName="admins", PolicyArn=reader)
    iam.put_user_policy(UserName="cy", PolicyName="inline", PolicyDocument=read)
    iam.put_group_policy(GroupName="nobody", PolicyName="inline", PolicyDocument=read)
    iam.create_access_key(UserName="ann")
    key = iam.create_access_key(UserName="bob")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="bob", AccessKeyId=key, Status="Inactive")
    iam.create_login_profile(UserName="dee", Password="Abcdef123456!")
    mfa = iam.create_virtual_mfa_device(VirtualMFADeviceName="ann")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(UserName="ann", SerialNumber=mfa, AuthenticationCode1="123456", AuthenticationCode2="654321")
    trust = lambda p: json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": p, "Action": "sts:AssumeRole"}]})
    iam.create_role(RoleName="lambda-role", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    iam.create_role(RoleName="stranger", AssumeRolePolicyDocument=trust({"AWS": "arn:aws:iam::999988887777:root"}))
    iam.create_role(RoleName="own", AssumeRolePolicyDocument=trust({"AWS": "arn:aws:iam::123456789012:root"}))
    iam.attach_role_policy(RoleName="own", PolicyArn=everything)
    iam.put_role_policy(RoleName="stranger", PolicyName="inline", PolicyDocument=read)
    iam.update_account_password_policy(MinimumPasswordLength=10, RequireSymbols=True)

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    bare = ec2.create_vpc(CidrBlock="10.1.0.0/20")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "main"}, {"Key": "env", "Value": "prod"}])
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
    ec2.create_subnet(VpcId=bare, CidrBlock="10.1.0.0/28")
    igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    ec2.create_flow_logs(ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3",
                         LogDestination="arn:aws:s3:::acme-plain")
    group = lambda n, v: ec2.create_security_group(GroupName=n, Description=n, VpcId=v)["GroupId"]
    ssh, web, inner = group("ssh", vpc), group("web", vpc), group("inner", bare)
    allow = lambda g, a, b, **to: ec2.authorize_security_group_ingress(GroupId=g, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": a, "ToPort": b, **to}])
    allow(ssh, 22, 22, IpRanges=[{"CidrIp": OPEN}])
    allow(web, 443, 443, IpRanges=[{"CidrIp": OPEN}], Ipv6Ranges=[{"CidrIpv6": "::/0"}])
    allow(inner, 0, 65535, IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": "inner"}])
    allow(inner, 5432, 5432, UserIdGroupPairs=[{"GroupId": inner}])
    image = ec2.describe_images()["Images"][0]["ImageId"]
    run = lambda n, g, **more: ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[g],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": n}, {"Key": "cost", "Value": "12"}]}], **more)
    first = run("a", ssh, InstanceType="t3.micro")["Instances"][0]["InstanceId"]
    run("b", web, InstanceType="m5.large", EbsOptimized=True)
    run("c", web, InstanceType="m5.xlarge")
    ec2.stop_instances(InstanceIds=[first])
    ec2.create_volume(Size=5, AvailabilityZone="us-east-1a", Encrypted=True)
    ec2.create_volume(Size=500, AvailabilityZone="us-east-1a", VolumeType="io1", Iops=100)

    kms = make("kms")
    on = kms.create_key(Description="on")["KeyMetadata"]["KeyId"]
    kms.create_key(Description="off", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}]}))
    kms.enable_key_rotation(KeyId=on)
    sns = make("sns")       # c7n asks queues at AWS's own addresses: they cannot be compared on a local server
    sns.create_topic(Name="plain")
    sns.create_topic(Name="kms", Attributes={"KmsMasterKeyId": on})
    trail = make("cloudtrail")
    trail.create_trail(Name="main", S3BucketName="acme-plain", IsMultiRegionTrail=True, EnableLogFileValidation=True)
    trail.create_trail(Name="idle", S3BucketName="acme-plain", KmsKeyId=on)
    trail.start_logging(Name="main")
    logs = make("logs")
    for n, days in (("/app/a", 7), ("/app/b", None), ("/app/c", 365)):
        logs.create_log_group(logGroupName=n)
        if days:
            logs.put_retention_policy(logGroupName=n, retentionInDays=days)
    table = make("dynamodb")
    for n in ("one", "two"):
        table.create_table(TableName=n, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                           AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                           DeletionProtectionEnabled=n == "one")
    rds = make("rds")
    for n, engine, enc in (("db-a", "postgres", True), ("db-b", "mysql", False)):
        rds.create_db_instance(DBInstanceIdentifier=n, Engine=engine, DBInstanceClass="db.t3.micro", AllocatedStorage=20,
                               MasterUsername="root", MasterUserPassword="password1", StorageEncrypted=enc, MultiAZ=enc,
                               PubliclyAccessible=not enc, BackupRetentionPeriod=7 if enc else 0)
    secrets = make("secretsmanager")
    secrets.create_secret(Name="plain", SecretString="x")
    secrets.create_secret(Name="kms", SecretString="x", KmsKeyId=on, Tags=[{"Key": "env", "Value": "prod"}])
    seed_around(make, vpc=vpc, subnet=subnet, key=on, image=image, group=web, instance=first)


def seed_around(make, vpc, subnet, key, image, group, instance):
    """What filters ask besides a resource itself: metrics, findings, protections, launch templates, parameters, routes."""
    ec2, iam, now = make("ec2"), make("iam"), datetime.datetime.now(datetime.timezone.utc)
    watch = make("cloudwatch")
    for value in (5.0, 15.0):
        watch.put_metric_data(Namespace="AWS/EC2", MetricData=[{"MetricName": "CPUUtilization", "Value": value,
            "Timestamp": now - datetime.timedelta(hours=2), "Dimensions": [{"Name": "InstanceId", "Value": instance}]}])
    watch.put_metric_data(Namespace="AWS/RDS", MetricData=[{"MetricName": "DatabaseConnections", "Value": 0.0,
        "Timestamp": now - datetime.timedelta(days=3), "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "db-a"}]}])
    for n in ("loud", "child"):
        watch.put_metric_alarm(AlarmName=n, MetricName="m", Namespace="n", Period=60, EvaluationPeriods=1, Threshold=1.0,
                               ComparisonOperator="GreaterThanThreshold", Statistic="Sum")
    hub = make("securityhub")
    hub.enable_security_hub()
    finding = lambda n, arn, sev: {"SchemaVersion": "2018-10-08", "Id": n, "ProductArn": "arn:aws:securityhub:us-east-1:123456789012:product/x/y",
        "GeneratorId": "g", "AwsAccountId": "123456789012", "Types": ["t"], "CreatedAt": "2026-01-01T00:00:00Z",
        "UpdatedAt": "2026-01-01T00:00:00Z", "Severity": {"Label": sev}, "Title": n, "Description": n,
        "Resources": [{"Type": "AwsS3Bucket", "Id": arn}]}
    hub.batch_import_findings(Findings=[finding("one", "arn:aws:s3:::acme-public", "HIGH")])
    make("kms").create_alias(AliasName="alias/disks", TargetKeyId=key)
    key_arn = make("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    ec2.create_volume(Size=8, AvailabilityZone="us-east-1a", Encrypted=True, KmsKeyId=key_arn)
    iam.create_instance_profile(InstanceProfileName="own")
    iam.add_role_to_instance_profile(InstanceProfileName="own", RoleName="own")
    iam.create_instance_profile(InstanceProfileName="spare")
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, InstanceType="t3.micro",
                      IamInstanceProfile={"Name": "own"}, TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "red"}]}])
    iam.tag_role(RoleName="own", Tags=[{"Key": "team", "Value": "red"}])
    table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]["RouteTableId"]
    gateway = ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=OPEN, GatewayId=gateway)
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.sqs", VpcEndpointType="Interface", SubnetIds=[subnet])
    ec2.create_key_pair(KeyName="known")
    own = ec2.create_image(InstanceId=instance, Name="own")["ImageId"]
    scale = make("autoscaling")
    scale.create_launch_configuration(LaunchConfigurationName="old", ImageId=own, InstanceType="t3.micro", KeyName="known",
                                      SecurityGroups=[group])
    template = ec2.create_launch_template(LaunchTemplateName="new", LaunchTemplateData={"ImageId": own, "InstanceType": "m5.large",
        "SecurityGroupIds": ["sg-00000000"]})["LaunchTemplate"]["LaunchTemplateId"]
    tags = lambda n, on: [{"Key": "owner", "Value": n, "PropagateAtLaunch": on, "ResourceType": "auto-scaling-group", "ResourceId": n}]
    scale.create_auto_scaling_group(AutoScalingGroupName="g-old", LaunchConfigurationName="old", MinSize=0, MaxSize=2,
                                    DesiredCapacity=1, VPCZoneIdentifier=subnet, Tags=tags("g-old", True))
    scale.create_auto_scaling_group(AutoScalingGroupName="g-new", LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
                                    MinSize=0, MaxSize=2, DesiredCapacity=0, VPCZoneIdentifier=subnet, Tags=tags("g-new", False))
    scale.put_scaling_policy(AutoScalingGroupName="g-old", PolicyName="step", PolicyType="StepScaling", AdjustmentType="ChangeInCapacity",
                             StepAdjustments=[{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}])
    other = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1b")["Subnet"]["SubnetId"]
    v2, classic = make("elbv2"), make("elb")
    balancers = [v2.create_load_balancer(Name=n, Subnets=[subnet, other])["LoadBalancers"][0]["LoadBalancerArn"] for n in ("guarded", "bare")]
    group_arn = v2.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": group_arn}]
    listener = v2.create_listener(LoadBalancerArn=balancers[0], Protocol="HTTP", Port=80, DefaultActions=forward)["Listeners"][0]["ListenerArn"]
    v2.create_rule(ListenerArn=listener, Priority=7, Actions=forward, Conditions=[{"Field": "path-pattern", "Values": ["/x"]}])
    v2.modify_load_balancer_attributes(LoadBalancerArn=balancers[0], Attributes=[
        {"Key": "access_logs.s3.enabled", "Value": "true"}, {"Key": "access_logs.s3.bucket", "Value": "acme-plain"},
        {"Key": "access_logs.s3.prefix", "Value": "x"}, {"Key": "deletion_protection.enabled", "Value": "true"}])
    waf = make("wafv2")
    seen = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    acl = waf.create_web_acl(Name="front", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=seen)["Summary"]["ARN"]
    waf.associate_web_acl(WebACLArn=acl, ResourceArn=balancers[0])
    shield = make("shield")
    shield.create_protection(Name="p", ResourceArn=balancers[0])
    classic.create_load_balancer(LoadBalancerName="old", Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
                                 AvailabilityZones=["us-east-1a"])
    classic.register_instances_with_load_balancer(LoadBalancerName="old", Instances=[{"InstanceId": instance}])
    glue = make("glue")
    glue.create_security_configuration(Name="locked", EncryptionConfiguration={"CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS"}})
    for n, more in (("sealed", {"SecurityConfiguration": "locked"}), ("open", {})):
        glue.create_job(Name=n, Role="r", Command={"Name": "glueetl"}, **more)
    make("sns").create_topic(Name="stacks")
    body = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "from-stack"}}}})
    make("cloudformation").create_stack(StackName="told", TemplateBody=body, NotificationARNs=["arn:aws:sns:us-east-1:123456789012:stacks"])
    make("cloudformation").create_stack(StackName="mute", TemplateBody=body.replace("from-stack", "other"))
    rds = make("rds")
    rds.create_db_parameter_group(DBParameterGroupName="strict", DBParameterGroupFamily="postgres16", Description="d")
    rds.modify_db_parameter_group(DBParameterGroupName="strict", Parameters=[
        {"ParameterName": "force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}])
    make("lambda").create_function(FunctionName="f", Runtime="python3.12", Handler="h.h", Code={"ZipFile": zipped()},
                                   Role="arn:aws:iam::123456789012:role/own", Tags={"team": "blue"})
    cluster = make("ecs")
    tags = [{"key": "env", "value": "x"}]  # moto lists what has none wrongly
    cluster.create_cluster(clusterName="c", tags=tags)
    cluster.register_task_definition(family="t", containerDefinitions=[{"name": "x", "image": "i", "memory": 64}], networkMode="host", tags=tags)
    cluster.create_service(cluster="c", serviceName="s", taskDefinition="t", desiredCount=0, tags=tags)
    make("redshift").create_cluster(ClusterIdentifier="r", NodeType="ra3.large", MasterUsername="u", MasterUserPassword="Password1", NumberOfNodes=2)


def zipped():
    """An archive with one file in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("h.py", "def h(*_): pass")
    return out.getvalue()


def policies():
    """Policies over the filters in use, most used first: (resource, filters)."""
    value = lambda key, v=None, op=None, **more: {k: w for k, w in {
        "type": "value", "key": key, "value": v, "op": op, **more}.items() if w is not None}
    block = lambda k: {"type": "check-public-block", k: False}
    summary = lambda key, v, op: {"type": "iam-summary", "key": key, "value": v, "op": op}
    row = lambda key, v, op="eq", **more: {"type": "credential", "key": key, "value": v, "op": op, **more}
    mfa = "AccountMFAEnabled"
    return [
        ("iam-policy", [{"type": "used"}, {"type": "has-allow-all"}]),
        ("account", [summary("AccountAccessKeysPresent", 0, "gt")]),
        ("account", [{"or": [summary(mfa, 1, "ne"), {"and": [summary(mfa, 1, "eq"), {"type": "has-virtual-mfa", "value": True}]}]}]),
        ("s3", [{"or": [block(k) for k in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")]}]),
        ("cloudtrail", [value("KmsKeyId", "absent")]),
        ("vpc", [{"not": [{"type": "flow-logs", "enabled": True}]}]),
        ("s3", [{"tag:env": "present"}]),
        ("s3", [{"tag:env": "absent"}]),
        ("s3", [value("tag:env", "dev", value_type="normalize")]),
        ("s3", [value("Name", "acme-p.*", "regex")]),
        ("s3", [value("Name", "^(?!acme-p).*$", "regex")]),
        ("s3", [value("Name", "*-lo*ed", "glob")]),
        ("s3", [value("Name", ["acme-plain", "acme-half"], "in")]),
        ("s3", [value("Name", ["acme-plain", "acme-half"], "not-in")]),
        ("s3", [value("Versioning.Status", "Enabled")]),
        ("s3", [value("Versioning.Status", "Enabled", "ne")]),
        ("s3", [value("Policy", "empty")]),
        ("s3", [value("Policy", "not-null")]),
        ("s3", [{"Policy": "not-null"}, value("from_json(Policy).Statement[].Sid", "Tls", "contains")]),
        ("s3", [{"type": "has-statement", "statement_ids": ["Tls"]}]),
        ("s3", [{"type": "has-statement", "statements": [{"Effect": "Allow", "Principal": "*", "Action": "S3:getobject"}]}]),
        ("s3", [{"type": "missing-policy-statement", "statement_ids": ["Tls"]}]),
        ("s3", ["no-encryption-statement"]),
        ("s3", ["cross-account"]),
        ("s3", [{"type": "cross-account", "whitelist": ["999988887777"]}]),
        ("s3", [{"type": "cross-account", "everyone_only": True}]),
        ("s3", ["global-grants"]),
        ("s3", [{"type": "global-grants", "permissions": ["WRITE"]}]),
        ("s3", [{"type": "bucket-logging", "op": "disabled"}]),
        ("s3", [{"type": "bucket-logging", "op": "not-equal", "target_bucket": "acme-plain"}]),
        ("s3", [{"type": "bucket-encryption", "state": False}]),
        ("s3", [{"type": "bucket-encryption", "crypto": "aws:kms"}]),
        ("s3", ["check-public-block"]),
        ("s3", [{"type": "is-log-target", "services": ["s3", "cloudtrail"]}]),
        ("vpc", [{"type": "tag-count", "count": 2}]),
        ("s3", [{"type": "marked-for-op", "op": "delete"}]),
        ("s3", [{"type": "value", "value_type": "resource_count", "op": "gt", "value": 3}]),
        ("s3", [value("CreationDate", 0.5, "lt", value_type="age")]),
        ("s3", [{"type": "reduce", "sort-by": "Name", "order": "desc", "limit": 2}]),
        ("iam-user", [row("mfa_active", False)]),
        ("iam-user", [row("access_keys.active", True)]),
        ("iam-user", [row("access_keys.last_rotated", 90, "greater-than", value_type="age")]),
        ("iam-user", [{"type": "access-key", "key": "Status", "value": "Inactive"}]),
        ("iam-user", [{"type": "mfa-device", "value": "empty"}]),
        ("iam-user", [{"type": "login-profile"}]),
        ("iam-user", [{"type": "group", "key": "GroupName", "value": "admins"}]),
        ("iam-user", [{"type": "policy", "key": "PolicyName", "value": "everything"}]),
        ("iam-user", [{"type": "policy", "key": "PolicyName", "value": "reader", "include-via": True}]),
        ("iam-user", [{"type": "has-inline-policy", "value": True}]),
        ("iam-user", [{"tag:team": "red"}]),
        ("iam-role", ["cross-account"]),
        ("iam-role", [{"type": "has-inline-policy", "value": False}]),
        ("iam-role", [{"type": "has-specific-managed-policy", "value": "everything"}]),
        ("iam-role", [{"type": "no-specific-managed-policy", "value": "everything"}]),
        ("iam-group", [{"type": "has-users", "value": False}]),
        ("iam-group", ["has-inline-policy"]),
        ("iam-policy", ["unused"]),
        ("account", [{"type": "password-policy", "key": "MinimumPasswordLength", "value": 14, "op": "lt"}]),
        ("account", [{"type": "check-cloudtrail", "multi-region": True, "running": True}]),
        ("account", [{"type": "check-cloudtrail", "kms": True, "running": True}]),
        ("account", ["check-config"]),
        ("account", [{"type": "default-ebs-encryption", "state": False}]),
        ("account", [{"type": "credential", "key": "mfa_active", "value": False}]),
        ("account", [{"type": "missing", "policy": {"resource": "s3", "filters": [{"Name": "no-such-bucket"}]}}]),
        ("ec2", [{"State.Name": "stopped"}]),
        ("ec2", [value("InstanceType", "^m5", "regex")]),
        ("ec2", [value("tag:cost", 10, "gt", value_type="integer")]),
        ("ec2", [{"EbsOptimized": True}]),
        ("ec2", [{"type": "security-group", "key": "GroupName", "value": "web"}]),
        ("ec2", [{"type": "subnet", "key": "CidrBlock", "value": "10.0.1.0/24"}]),
        ("ec2", [{"type": "vpc", "key": "tag:env", "value": "prod"}]),
        ("ec2", [{"type": "ebs", "key": "Encrypted", "value": False}]),
        ("ec2", [{"type": "instance-age", "op": "lt", "days": 1}]),
        ("ec2", ["ephemeral"]),
        ("ec2", [value("SecurityGroups[].GroupName", ["ssh", "none"], "intersect")]),
        ("ec2", [value("length(BlockDeviceMappings)", 1, "gte")]),
        ("ec2", [{"type": "reduce", "group-by": "InstanceType", "sort-by": "LaunchTime", "limit": 1}]),
        ("ec2", ["default-vpc"]),
        ("ebs", [{"Attachments": []}]),
        ("ebs", [value("Size", 100, "gte")]),
        ("ebs", [{"not": [{"Encrypted": True}]}]),
        ("ebs", [{"type": "instance", "key": "State.Name", "value": "stopped"}]),
        ("security-group", [{"type": "ingress", "Ports": [22], "Cidr": {"value": OPEN}}]),
        ("security-group", [{"type": "ingress", "OnlyPorts": [443], "Cidr": {"value": OPEN}}]),
        ("security-group", [{"type": "ingress", "Cidr": {"value": "10.1.0.0/16", "op": "in", "value_type": "cidr"}}]),
        ("security-group", [{"type": "ingress", "CidrV6": {"value": "::/0"}}]),
        ("security-group", [{"type": "ingress", "SelfReference": True}]),
        ("security-group", [{"type": "egress", "IpProtocol": "-1", "Cidr": OPEN}]),
        ("security-group", [{"type": "list-item", "key": "IpPermissions", "attrs": [
            {"type": "value", "key": "IpRanges[].CidrIp", "value": OPEN, "op": "in", "value_type": "swap"},
            {"type": "value", "key": "FromPort", "value": 22}]}]),
        ("security-group", [{"GroupName": "default"}, "default-vpc"]),
        ("vpc", [value("CidrBlock", 18, "gt", value_type="cidr_size")]),
        ("vpc", [{"type": "flow-logs", "traffic-type": "all", "enabled": True}]),
        ("vpc", [{"type": "flow-logs", "attrs": [{"TrafficType": "ALL"}]}]),
        ("vpc", [{"and": [{"IsDefault": False}, {"or": [{"tag:env": "prod"}, {"tag:env": "dev"}]}]}]),
        ("subnet", [value("AvailableIpAddressCount", 100, "lt")]),
        ("kms-key", [{"type": "key-rotation-status", "key": "KeyRotationEnabled", "value": False}]),
        ("kms-key", [{"type": "cross-account"}]),
        ("kms-key", [{"Description": "on"}]),
        ("sns", [{"KmsMasterKeyId": "present"}]),
        ("sns", [{"type": "kms-key", "key": "Description", "value": "on"}]),
        ("sns", [{"type": "cross-account", "whitelist": ["123456789012"]}]),
        ("sns", [value("TopicArn", ":kms$", "regex"), value("Attributes", "absent")]),
        ("cloudtrail", [{"type": "status", "key": "IsLogging", "value": False}]),
        ("cloudtrail", [{"IsMultiRegionTrail": True}, {"LogFileValidationEnabled": True}]),
        ("log-group", [{"retentionInDays": "absent"}]),
        ("log-group", [value("retentionInDays", 30, "lt")]),
        ("dynamodb-table", [{"DeletionProtectionEnabled": False}]),
        ("dynamodb-table", [value("CreationDateTime", 30, "less-than", value_type="age")]),
        ("rds", [{"StorageEncrypted": False}]),
        ("rds", [{"or": [{"PubliclyAccessible": True}, {"MultiAZ": False}]}]),
        ("rds", [value("BackupRetentionPeriod", 7, "lt")]),
        ("rds", [value("EngineVersion", "9.0", "gte", value_type="version"), {"Engine": "postgres"}]),
        ("secrets-manager", [{"KmsKeyId": "absent"}]),
        ("secrets-manager", [{"tag:env": "prod"}]),
        ("secrets-manager", [{"RotationEnabled": "absent"}]),
    ] + policies_around(value)


def policies_around(value):
    """Policies whose filters ask more than the resource itself."""
    metric = lambda name, v, op, **more: {"type": "metrics", "name": name, "value": v, "op": op, **more}
    may = lambda actions, match="allowed", **more: {"type": "check-permissions", "actions": actions, "match": match, **more}
    of = lambda name, key, v=None, op=None, **more: {**value(key, v, op, **more), "type": name}
    return [
        ("ec2", [metric("CPUUtilization", 11, "lt", days=1, period=86400)]),
        ("ec2", [metric("CPUUtilization", 8, "lt", days=1)]),
        ("ec2", [metric("CPUUtilization", 14, "gt", days=1, statistics="Maximum")]),
        ("ec2", [metric("CPUUtilization", 1, "lt", days=1, **{"missing-value": 0})]),
        ("ec2", [{"not": [metric("CPUUtilization", 11, "lt", days=1)]}]),
        ("rds", [metric("DatabaseConnections", 1, "lt", days=7, statistics="Sum")]),
        ("ebs", [metric("VolumeReadOps", 1, "lt", days=7, **{"missing-value": 0})]),
        ("s3", ["finding"]),
        ("s3", [{"type": "finding", "query": {"SeverityLabel": [{"Comparison": "EQUALS", "Value": "HIGH"}]}}]),
        ("iam-user", [may(["iam:CreateUser"])]),
        ("iam-user", [may(["s3:GetObject", "iam:CreateUser"], **{"match-operator": "or"})]),
        ("iam-user", [may(["s3:GetObject"], "denied")]),
        ("iam-role", [may(["*:*"])]),
        ("iam-role", [may(["s3:GetObject"], {"EvalDecision": "implicitDeny"})]),
        ("iam-group", [may(["s3:GetObject"])]),
        ("iam-policy", [may(["s3:GetObject"])]),
        ("iam-policy", [may(["iam:CreateUser"], "denied")]),
        ("ec2", [may(["iam:CreateUser"])]),
        ("lambda", [may(["iam:CreateUser"])]),
        ("lambda", [of("iam-role", "RoleName", "own")]),
        ("lambda", [of("iam-role", "tag:team", "red")]),
        ("ec2", [of("iam-role", "RoleName", "o.*", "regex")]),
        ("lambda", [{"type": "iam-role-tag-mirror", "key": "tag:team"}]),
        ("ec2", [{"type": "iam-role-tag-mirror", "key": "tag:team", "match": "equal"}]),
        ("ec2", [{"type": "has-specific-managed-policy", "value": "everything"}]),
        ("lambda", [{"type": "has-specific-managed-policy", "value": "everything"}]),
        ("iam-profile", [{"type": "has-specific-managed-policy", "value": "everything"}]),
        ("iam-profile", ["used"]),
        ("iam-profile", ["unused"]),
        ("ebs", [of("kms-alias", "AliasName", "alias/disks")]),
        ("route-table", [of("route", "GatewayId", "igw-.*", "regex")]),
        ("subnet", [of("vpc-endpoint", "VpcEndpointType", "Interface")]),
        ("ec2", [of("image", "Architecture", "x86_64")]),
        ("ec2", [{"type": "image-age", "op": "gte", "days": 30}]),
        ("ami", [{"type": "image-age", "op": "lt", "days": 30}]),
        ("ec2", [of("instance-attribute", "Value", True, attribute="disableApiTermination")]),
        ("ec2", ["singleton"]),
        ("ec2", [of("ssm", "PingStatus", "absent")]),
        ("launch-config", ["unused"]),
        ("rds-param-group", ["unused"]),
        ("asg", ["capacity-delta"]),
        ("asg", [of("launch-config", "InstanceType", "m5.large")]),
        ("asg", [of("launch-config", "InstanceType", "t3.micro")]),
        ("asg", [of("image", "Name", "own")]),
        ("asg", [{"type": "image-age", "op": "lt", "days": 1}]),
        ("asg", ["not-encrypted"]),
        ("asg", [{"type": "not-encrypted", "exclude_image": True}]),
        ("asg", [{"type": "propagated-tags", "keys": ["owner"], "match": True}]),
        ("asg", [{"type": "propagated-tags", "keys": ["owner"], "match": False}]),
        ("asg", [{"type": "progagated-tags", "keys": ["owner"], "propagate": False}]),
        ("asg", [of("scaling-policy", "PolicyType", "StepScaling")]),
        ("asg", ["valid"]),
        ("asg", ["invalid"]),
        ("asg", [{"type": "vpc-id", "value": "not-null"}]),
        ("app-elb", [{"type": "wafv2-enabled", "state": True}]),
        ("app-elb", [{"type": "wafv2-enabled", "state": False}]),
        ("app-elb", [{"type": "wafv2-enabled", "state": True, "web-acl": "fr.*"}]),
        ("app-elb", [of("wafv2-enabled", "Name", "front")]),
        ("app-elb", [of("wafv2-enabled", "Rules", "empty")]),
        ("app-elb", [{"type": "shield-enabled", "state": True}]),
        ("app-elb", [{"type": "shield-enabled", "state": False}]),
        ("app-elb", [of("attributes", '"deletion_protection.enabled"', True)]),
        ("app-elb", ["is-logging"]),
        ("app-elb", [{"type": "is-logging", "bucket": "acme-plain", "prefix": "y"}]),
        ("app-elb", ["is-not-logging"]),
        ("app-elb", [{"type": "listener-rule", "attrs": [{"Priority": "7"}]}]),
        ("app-elb", [{"type": "listener-rule", "count": 0}]),
        ("app-elb-target-group", [of("attributes", '"stickiness.enabled"', False)]),
        ("elb", [of("instance", "State.Name", "stopped")]),
        ("wafv2", [of("logging", "ResourceArn", "absent")]),
        ("alarm", ["is-composite-child"]),
        ("alarm", [{"type": "is-composite-child", "state": False}]),
        ("glue-job", [of("security-config", "EncryptionConfiguration.CloudWatchEncryption.CloudWatchEncryptionMode", "SSE-KMS")]),
        ("glue-job", [{"type": "security-config", "missing": True}]),
        ("cfn", [{"type": "topic", "attrs": [value("TopicArn", ".*:stacks$", "regex")]}]),
        ("cfn", [{"type": "topic", "count": 0}]),
        ("cfn", [{"type": "template", "pattern": "from-stack"}]),
        ("rds-param-group", [of("db-parameter", "force_ssl", "1")]),
        ("rds", [of("db-parameter", "force_ssl", "absent")]),
        ("ecs-service", [{"type": "taggable", "state": True}]),
        ("ecs-service", [of("task-definition", "networkMode", "host")]),
        ("redshift", [of("logging", "LoggingEnabled", False)]),
        ("rds", [{"type": "consecutive-snapshots", "days": 1}]),
        ("dynamodb-table", [{"type": "consecutive-aws-backups", "count": 1, "period": "days", "status": "COMPLETED"}]),
        ("dynamodb-table", [{"type": "consecutive-backups", "count": 1, "period": "days", "status": "AVAILABLE", "backuptype": "ALL"}]),
        ("s3", [{"type": "config-compliance", "rules": ["some"]}]),
        ("ec2", ["ops-item"]),
        ("rds", ["pending-maintenance"]),
        ("rds", ["upgrade-available"]),
        ("rds", [{"type": "upgrade-available", "value": False}]),
        ("eks", ["upgrade-available"]),
        ("security-group", ["stale"]),
        ("iam-role", ["iam-analyzer"]),
        ("ec2", ["health-event"]),
        ("ec2", [{"type": "cost-optimization"}]),
        ("account", [{"type": "ami-block-public-access", "value": False}]),
        ("account", [{"type": "bedrock-model-invocation-logging", "count": 0}]),
        ("account", [of("check-macie", "status", "absent")]),
        ("account", [of("ec2-metadata-defaults", "HttpTokens", "absent")]),
        ("account", [of("emr-block-public-access", "BlockPublicAccessConfiguration.BlockPublicSecurityGroupRules", True)]),
        ("account", [of("iot-logging", "loggingConfigured", False)]),
        ("account", ["lakeformation-s3-cross-account"]),
        ("account", [of("organization", "Id", "absent")]),
        ("account", ["securityhub"]),
        ("account", [{"type": "securityhub", "enabled": False}]),
        ("account", [{"type": "ses-send-stats", "days": 2}]),
        ("account", [{"type": "ses-agg-send-stats", "key": "BounceRate", "value": 1, "op": "gte"}]),
        ("account", [{"type": "shield-enabled", "state": False}]),
        ("account", [{"type": "xray-encrypt-key", "key": "default"}]),
        ("account", [{"type": "glue-security-config", "CatalogEncryptionMode": "DISABLED"}]),
    ]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu(command, env):
    """Runs a command; CPU seconds, and what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, done


def ids(folder, name, key):
    path = folder / name / "resources.json"
    if not path.exists():
        return None
    return sorted(str(r.get(key)) for r in json.loads(path.read_text()))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--yagura", default="target/release/yagura")
    options.add_argument("--moto", default=sys.executable, help="a python with moto")
    options.add_argument("--keep", help="keep policies and results in this folder")
    args = options.parse_args()
    custodian = pathlib.Path(sys.executable).with_name("custodian")
    has_moto = subprocess.run([args.moto, "-c", "import moto.server"], capture_output=True).returncode == 0
    if not custodian.exists() or not has_moto:
        print("skipped: c7n (beside this python) or moto is missing")
        return 0
    import boto3
    facts = json.loads((HERE.parent / "content/custodian/aws.json").read_text())["resources"]
    work = pathlib.Path(args.keep or tempfile.mkdtemp())
    work.mkdir(exist_ok=True)
    for old in ("c7n", "yagura"):   # what an earlier run left must not pass for this one's
        shutil.rmtree(work / old, ignore_errors=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = {**os.environ, "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
           "AWS_MAX_ATTEMPTS": "1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "YAGURA_LANG": "en"}
    os.environ.update(env)
    server = subprocess.Popen([args.moto, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        seed(lambda service: boto3.client(service, region_name="us-east-1", endpoint_url=url))
        all_policies = [{"name": f"p{n:03}-{r}", "resource": r, "filters": f} for n, (r, f) in enumerate(policies())]
        (work / "policies.json").write_text(json.dumps({"policies": all_policies}, indent=1))
        theirs, done = cpu([str(custodian), "run", "-s", str(work / "c7n"), "--cache-period", "0", "--region", "us-east-1",
                            str(work / "policies.json")], env)
        (work / "c7n.log").write_text(done.stdout + done.stderr)
        ours, done = cpu([args.yagura, "custodian", "run", "-p", str(work / "policies.json"), "-s", str(work / "yagura"),
                          "--region", "us-east-1", "--quiet"], env)
        (work / "yagura.log").write_text(done.stdout + done.stderr)
        if done.returncode:
            print(done.stderr)
        same, apart, alone = 0, 0, []
        for p in all_policies:
            key = {"iam-policy": "Arn"}.get(p["resource"], facts[p["resource"]]["id"])  # moto's authorization details lack PolicyId
            a, b = ids(work / "c7n", p["name"], key), ids(work / "yagura", p["name"], key)
            gaps = work / "yagura" / p["name"] / "unknown.json"
            # moto does not know every call: there c7n ends with an error, and there is nothing to compare with.
            if a is None:
                alone.append(p["name"])
                continue
            if a == b and not gaps.exists():
                same += 1
                continue
            apart += 1
            why = json.loads(gaps.read_text()) if gaps.exists() else ""
            print(f"{p['name']}: {json.dumps(p['filters'])}\n  c7n    {a}\n  yagura {b}\n  {str(why)[:600]}")
        print(f"c7n ended with an error on {len(alone)} of {len(all_policies)} policies: {' '.join(alone)}")
        print(f"{same} of {same + apart} policies choose the same resources")
        print(f"CPU: c7n {theirs:.2f} s, yagura {ours:.2f} s: {theirs / max(ours, 0.01):.0f} times less")
        return 0 if apart == 0 else 1
    finally:
        server.terminate()


sys.exit(main())
