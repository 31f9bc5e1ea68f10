#!/usr/bin/env python3
"""Builds a small estate on moto through AWS's own SDK, and prints as JSON what each check should say of it.

    seed.py ENDPOINT

Prints {check: {"pass": [id…], "fail": [id…], "not_applicable": [id…], "unknown": [id…]}}, ids as Yagura names them. Regions: us-east-1 (mostly
right) and eu-west-1 (mostly wrong). What moto cannot be told (ages, the root user's key and device) stays as moto has it; EBS
snapshots are left out, since moto does not heed RestorableByUserIds.
"""
import io
import ipaddress
import json
import sys
import zipfile
from collections import defaultdict

import boto3
from botocore.config import Config

ACCOUNT, US, EU = "123456789012", "us-east-1", "eu-west-1"
ENDPOINT = sys.argv[1]
expected = defaultdict(lambda: {"pass": [], "fail": [], "not_applicable": [], "unknown": []})


def client(service, region=US):
    c = boto3.client(service, region_name=region, endpoint_url=ENDPOINT, config=Config(retries={"max_attempts": 0}),
                     aws_access_key_id="testing", aws_secret_access_key="testing")
    # The SDK puts the account before the host for S3 Control, which an address cannot bear.
    c.meta.events.register("before-sign.s3-control.*", lambda request, **_: setattr(request, "url", request.url.replace(f"//{ACCOUNT}.", "//")))
    return c


def say(check, verdict, resource):
    expected[check]["pass" if verdict is True else "fail" if verdict is False else verdict].append(resource)


def policy(action, resource="*", effect="Allow"):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]})


def grant(action, principal="*"):
    """A resource's policy for everyone."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}]})


def iam():
    c = client("iam")
    for name, document, ok in [("everything", policy("*"), False), ("listed", policy(["s3:Get*", "*"]), False),
                               ("reader", policy("logs:GetLogEvents"), True), ("one-bucket", policy("*", "arn:aws:s3:::data/*"), True),
                               ("nothing", policy("*", effect="Deny"), True), ("passer", policy("iam:PassRole"), True)]:
        arn = c.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
        say("iam.policy_without_full_admin", ok, arn)
        say("iam.policy_cannot_pass_any_role", name != "passer" if ok else "not_applicable", arn)
    # A default version that mends the first one.
    arn = c.create_policy(PolicyName="mended", PolicyDocument=policy("*"))["Policy"]["Arn"]
    c.create_policy_version(PolicyArn=arn, PolicyDocument=policy("s3:GetObject"), SetAsDefault=True)
    say("iam.policy_without_full_admin", True, arn)
    say("iam.policy_cannot_pass_any_role", True, arn)
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    c.create_role(RoleName="anyones", AssumeRolePolicyDocument=json.dumps(trust))
    say("iam.role_trust_not_public", False, "anyones")
    say("iam.role_trust_not_public", True, "run")

    for name, attached, inline, console, mfa, key in [("carol", True, False, True, False, True), ("dave", False, False, True, True, True),
                                                      ("erin", False, True, False, False, False), ("frank", False, False, False, False, True)]:
        user = c.create_user(UserName=name)["User"]["Arn"]
        if attached:
            c.attach_user_policy(UserName=name, PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/reader")
        if inline:
            c.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy("s3:GetObject"))
        say("iam.user_without_direct_policies", not (attached or inline), name)
        if console:
            c.create_login_profile(UserName=name, Password="Correct-Horse-7")
        if mfa:
            serial = c.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
            c.enable_mfa_device(UserName=name, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321")
        say("iam.console_user_has_mfa", mfa if console else "not_applicable", user)
        if key:
            c.create_access_key(UserName=name)
            say("iam.access_key_rotated", True, f"{user}#1")
        say("iam.credentials_used_recently", True if key or console else "not_applicable", user)
    c.update_account_password_policy(MinimumPasswordLength=12, RequireSymbols=True, RequireNumbers=True,
                                     RequireUppercaseCharacters=True, RequireLowercaseCharacters=False)
    say("iam.password_policy_strong", False, ACCOUNT)
    say("iam.root_has_no_access_key", True, ACCOUNT)


def s3():
    c = client("s3")
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    for name, region, encrypted, blocked in [("logs-closed", US, True, block), ("web-open", EU, False, None),
                                             ("half-open", US, True, {**block, "RestrictPublicBuckets": False})]:
        where = {} if region == US else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        c.create_bucket(Bucket=name, **where)
        if encrypted:
            rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            c.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        if blocked:
            c.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocked)
        say("s3.bucket_default_encryption", encrypted, name)
        say("s3.bucket_blocks_public_access", blocked == block, name)
        say("s3.bucket_policy_not_public", blocked == block, name)
        say("s3.bucket_acl_not_public", region == US, name)
    # What stood open before the settings were made stays as it is.
    for name in ("logs-closed", "half-open", "web-open"):
        c.delete_public_access_block(Bucket=name)
        c.put_bucket_policy(Bucket=name, Policy=grant("s3:GetObject"))
    c.put_bucket_acl(Bucket="web-open", ACL="public-read")
    c.put_public_access_block(Bucket="logs-closed", PublicAccessBlockConfiguration=block)
    c.put_public_access_block(Bucket="half-open", PublicAccessBlockConfiguration={**block, "RestrictPublicBuckets": False})
    half = {**block, "IgnorePublicAcls": False, "RestrictPublicBuckets": False}
    client("s3control").put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=half)
    say("s3.account_blocks_public_access", False, ACCOUNT)


def kms():
    c = client("kms")
    leaving = c.create_key(Description="leaving")["KeyMetadata"]["KeyId"]
    c.schedule_key_deletion(KeyId=leaving, PendingWindowInDays=7)
    c.create_key(Description="open", Policy=grant("kms:Decrypt"))
    return c.create_key(Description="used")["KeyMetadata"]["Arn"]


def keys():
    """At the end: moto makes a key of its own for an encrypted volume."""
    for region in (US, EU):
        c = client("kms", region)
        for key in (c.describe_key(KeyId=k["KeyId"])["KeyMetadata"] for k in c.list_keys()["Keys"]):
            own = key["KeyManager"] == "AWS"
            say("kms.key_not_pending_deletion", "not_applicable" if own else key["Description"] != "leaving", key["KeyId"])
            say("kms.key_not_public", "not_applicable" if own else key["Description"] != "open", key["KeyId"])


def audit(key):
    us, eu = client("cloudtrail"), client("cloudtrail", EU)
    us.create_trail(Name="everywhere", S3BucketName="logs-closed", IsMultiRegionTrail=True, EnableLogFileValidation=True, KmsKeyId=key)
    us.start_logging(Name="everywhere")
    eu.create_trail(Name="here", S3BucketName="logs-closed", IsMultiRegionTrail=False)
    for check in ("cloudtrail.log_file_validation_enabled", "cloudtrail.trail_encrypted_with_kms"):
        say(check, True, "everywhere")
        say(check, False, "here")
    say("cloudtrail.multi_region_trail_logs_management_events", True, ACCOUNT)

    for region, running in ((US, True), (EU, False)):
        c = client("config", region)
        c.put_configuration_recorder(ConfigurationRecorder={
            "name": "default", "roleARN": f"arn:aws:iam::{ACCOUNT}:role/config",
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True}})
        c.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "logs-closed"})
        if running:
            c.start_configuration_recorder(ConfigurationRecorderName="default")
        say("config.recorder_records_all_resources", running, region)
    client("guardduty").create_detector(Enable=True)
    client("guardduty", EU).create_detector(Enable=False)
    say("guardduty.detector_enabled", True, US)
    say("guardduty.detector_enabled", False, EU)


def ec2(region, good):
    c = client("ec2", region)
    if good:
        c.enable_ebs_encryption_by_default()
    say("ec2.ebs_encrypted_by_default", good, region)
    for n, vpc in enumerate(c.describe_vpcs()["Vpcs"] + [c.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]]):
        logged = good and n == 0
        if logged:
            c.create_flow_logs(ResourceIds=[vpc["VpcId"]], ResourceType="VPC", TrafficType="REJECT", LogDestinationType="s3",
                               LogDestination="arn:aws:s3:::logs-closed")
        elif n == 0:
            # A flow log of accepted traffic only does not count.
            c.create_flow_logs(ResourceIds=[vpc["VpcId"]], ResourceType="VPC", TrafficType="ACCEPT", LogDestinationType="s3",
                               LogDestination="arn:aws:s3:::logs-closed")
        say("ec2.vpc_flow_logs_enabled", logged, vpc["VpcId"])
    c.create_security_group(GroupName="open", Description="not a default one", VpcId=vpc["VpcId"])
    for n, group in enumerate(c.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]):
        closed = good and n == 0
        if closed:
            for rules, revoke in (("IpPermissions", c.revoke_security_group_ingress), ("IpPermissionsEgress", c.revoke_security_group_egress)):
                if group[rules]:
                    revoke(GroupId=group["GroupId"], IpPermissions=group[rules])
        say("ec2.default_security_group_closed", closed, group["GroupId"])

    image = c.register_image(Name="own", Architecture="x86_64", RootDeviceName="/dev/xvda", VirtualizationType="hvm")["ImageId"]
    instance = c.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro")["Instances"][0]
    zone = instance["Placement"]["AvailabilityZone"]
    volumes = {}
    for name, encrypted, attached in (("attached", good, True), ("loose", False, False)):
        volumes[name] = c.create_volume(AvailabilityZone=zone, Size=1, Encrypted=encrypted)["VolumeId"]
        if attached:
            c.attach_volume(VolumeId=volumes[name], InstanceId=instance["InstanceId"], Device="/dev/sdf")
    for check in ("ec2.instance_admin_ports_unreachable", "ec2.instance_database_ports_unreachable"):
        say(check, True, instance["InstanceId"])
    reachability(region, good, image)
    for volume in c.describe_volumes()["Volumes"]:
        say("ec2.attached_volume_encrypted", volume["Encrypted"] if volume["Attachments"] else "not_applicable", volume["VolumeId"])


def reachability(region, good, image):
    """An instance and a database in the default VPC, which leads to the internet in eu-west-1 alone; in us-east-1 a group is open
    all the same."""
    c = client("ec2", region)
    vpc = c.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    subnet = c.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][0]
    group = c.create_security_group(GroupName="front", Description="front", VpcId=vpc)["GroupId"]
    c.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]} for port in (22, 5432)])
    if not good:
        gateway = c.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        c.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        table = c.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [vpc]}])
        c.create_route(RouteTableId=table["RouteTables"][0]["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)

    # moto takes an address outside of the subnet unless it is told one.
    address = str(ipaddress.ip_network(subnet["CidrBlock"])[20])
    instance = c.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", SubnetId=subnet["SubnetId"],
                               PrivateIpAddress=address, SecurityGroupIds=[group])["Instances"][0]["InstanceId"]
    c.associate_address(AllocationId=c.allocate_address(Domain="vpc")["AllocationId"], InstanceId=instance)
    rds = client("rds", region)
    rds.create_db_subnet_group(DBSubnetGroupName="shop", DBSubnetGroupDescription="shop", SubnetIds=[subnet["SubnetId"]])
    rds.create_db_instance(DBInstanceIdentifier=f"shop-{region}", DBInstanceClass="db.t3.micro", Engine="postgres", Port=5432, AllocatedStorage=20,
                           MasterUsername="shop", MasterUserPassword="not a secret", DBSubnetGroupName="shop", VpcSecurityGroupIds=[group],
                           PubliclyAccessible=not good)
    for check in ("ec2.instance_admin_ports_unreachable", "ec2.instance_database_ports_unreachable"):
        # moto does not know VPC Block Public Access, which may shut what routes and groups leave open.
        say(check, True if good else "unknown", instance)
    # moto's databases have no network interface.
    say("rds.db_instance_unreachable", "unknown", f"shop-{region}")
    say("rds.db_instance_not_publicly_accessible", good, f"shop-{region}")
    for found in c.describe_security_groups()["SecurityGroups"]:
        say("ec2.security_group_admin_ports_closed", found["GroupId"] != group, found["GroupId"])


def data():
    for region, good in ((US, True), (EU, False)):
        # Instance classes and versions of these calls do not matter to moto.
        client("dms", region).create_replication_instance(ReplicationInstanceIdentifier=f"rep-{region}", ReplicationInstanceClass="dms.t3.micro",
                                                          PubliclyAccessible=not good)
        say("dms.replication_instance_not_public", good, f"rep-{region}")
        c = client("opensearch", region)
        for n in range(6 if good else 1):
            encrypted = good and n != 3
            c.create_domain(DomainName=f"search-{n}", EncryptionAtRestOptions={"Enabled": encrypted})
            say("opensearch.domain_encrypted_at_rest", encrypted, f"search-{n}")
        client("sagemaker", region).create_notebook_instance(NotebookInstanceName=f"book-{region}", InstanceType="ml.t3.medium",
                                                             RoleArn=f"arn:aws:iam::{ACCOUNT}:role/run",
                                                             DirectInternetAccess="Disabled" if good else "Enabled")
        say("sagemaker.notebook_without_direct_internet", good, f"book-{region}")


def functions():
    role = client("iam").create_role(RoleName="run", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("main.py", "def handler(event, context):\n    return event\n")
    code = {"ZipFile": archive.getvalue()}
    # More than a page: ListFunctions gives 50.
    for n in range(53):
        runtime, ok = ("python3.7", False) if n == 52 else ("python3.13", True)
        client("lambda").create_function(FunctionName=f"job-{n}", Runtime=runtime, Role=role, Handler="main.handler", Code=code)
        say("lambda.function_runtime_supported", ok, f"job-{n}")
        opened = {1: ("*", {}), 2: ("s3.amazonaws.com", {}), 3: ("s3.amazonaws.com", {"SourceAccount": ACCOUNT})}.get(n)
        if opened:
            client("lambda").add_permission(FunctionName=f"job-{n}", StatementId="s", Action="lambda:InvokeFunction",
                                            Principal=opened[0], **opened[1])
        say("lambda.function_not_public", n not in (1, 2), f"job-{n}")


def messages():
    """Queues, topics, secrets and repositories: of each kind an open one in eu-west-1."""
    for region, name in ((US, "closed"), (EU, "open")):
        sqs, sns, secrets, ecr = (client(service, region) for service in ("sqs", "sns", "secretsmanager", "ecr"))
        opened = name == "open"
        sqs.create_queue(QueueName=name, Attributes={"Policy": grant("sqs:SendMessage")} if opened else {})
        topic = sns.create_topic(Name=name)["TopicArn"]
        secrets.create_secret(Name=name, SecretString="not a secret")
        ecr.create_repository(repositoryName=name)
        if opened:
            sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=grant("sns:Subscribe"))
            secrets.put_resource_policy(SecretId=name, ResourcePolicy=grant("secretsmanager:GetSecretValue"))
            everyone = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]}
            ecr.set_repository_policy(repositoryName=name, policyText=json.dumps(everyone))
        for check in ("sqs.queue_not_public", "sns.topic_not_public", "secretsmanager.secret_not_public", "ecr.repository_not_public"):
            say(check, not opened, name)


def main():
    iam()
    s3()
    audit(kms())
    ec2(US, True)
    ec2(EU, False)
    data()
    functions()
    messages()
    keys()
    json.dump(expected, sys.stdout)


if __name__ == "__main__":
    main()
