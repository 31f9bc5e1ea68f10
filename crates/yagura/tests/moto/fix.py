"""An account in moto whose resources fail the checks in RULES, for the test of remedies.

    python fix.py ENDPOINT seed     makes the resources and prints RULES, as JSON
    python fix.py ENDPOINT state    prints what AWS's own SDK reads of them, as JSON

RULES names the checks whose remedies moto can carry out: of the others it lacks a call, or forgets what was set.
"""
import json
import sys

import boto3

RULES = """
autoscaling.group_uses_elb_health cloudtrail.log_file_validation_enabled dynamodb.table_deletion_protected
dynamodb.table_recoverable_to_a_point_in_time dynamodb.table_scales_capacity ec2.subnet_assigns_no_public_ip
ec2.network_interface_checks_source_and_destination ec2.image_not_public ec2.security_group_admin_ports_closed
ec2.security_group_cifs_closed ec2.security_group_risky_ports_closed ec2.security_group_opens_only_authorized_ports
ec2.network_acl_admin_ports_closed ec2.transit_gateway_does_not_auto_accept ec2.ebs_encrypted_by_default  ecr.repository_scans_images ecr.repository_tags_immutable ecs.service_assigns_no_public_ip
ecs.service_latest_fargate_platform elb.load_balancer_balances_across_zones elb.load_balancer_drains_connections
elbv2.load_balancer_deletion_protected elbv2.load_balancer_drops_invalid_headers elbv2.listener_recent_tls
elbv2.listener_encrypted elbv2.load_balancer_redirects_http elbv2.target_group_health_checks_encrypted
elbv2.network_load_balancer_cross_zone iam.password_policy_requires_length iam.password_policy_prevents_reuse
iam.password_policy_expires_passwords iam.password_policy_strong_for_pci
kinesis.stream_encrypted kinesis.stream_retained_long_enough kms.key_rotated logs.log_group_retained_long_enough
rds.db_instance_deletion_protected rds.db_instance_copies_tags_to_snapshots rds.db_instance_backed_up
rds.db_instance_multi_az rds.db_instance_not_publicly_accessible rds.db_instance_upgrades_minor_versions
rds.db_instance_mysql_requires_tls rds.db_snapshot_not_public rds.db_cluster_deletion_protected
rds.db_cluster_backup_retained rds.db_cluster_aurora_copies_tags_to_snapshots rds.db_cluster_neptune_deletion_protected
s3.bucket_versioned s3.bucket_requires_tls s3.bucket_blocks_public_access s3.bucket_encrypted_with_kms
s3.account_blocks_public_access sns.topic_encrypted_with_kms sqs.queue_encrypted ssm.document_not_public
wafv2.web_acl_logged
""".split()

ACCOUNT = "123456789012"
POLICY = {"Version": "2012-10-17", "Statement": [
    {"Sid": "own", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "s3:GetObject",
     "Resource": "arn:aws:s3:::with-policy/*"}]}


def client(service):
    return boto3.client(service, endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="testing",
                        aws_secret_access_key="testing")


def network():
    """A VPC with two subnets, of which one gives public addresses; groups and a network ACL that let everyone in."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
               for n, zone in enumerate(["us-east-1a", "us-east-1b"])]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.modify_subnet_attribute(SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
    group = ec2.create_security_group(GroupName="open", Description="open", VpcId=vpc)["GroupId"]
    everyone = [{"CidrIp": "0.0.0.0/0"}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
         "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "whoever"}, {"CidrIp": "10.0.0.0/8"}]},
        {"IpProtocol": "tcp", "FromPort": 440, "ToPort": 450, "IpRanges": everyone},
        {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": everyone},
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": everyone}])
    wide = ec2.create_security_group(GroupName="wide", Description="wide", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=wide, IpPermissions=[{"IpProtocol": "-1", "IpRanges": everyone}])
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    for number, port in [(100, 22), (110, 443)]:
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Protocol="6", RuleAction="allow", Egress=False,
                                     CidrBlock="0.0.0.0/0", PortRange={"From": port, "To": port})
    ec2.create_transit_gateway(Options={"AutoAcceptSharedAttachments": "enable"})
    image = ec2.register_image(Name="public", RootDeviceName="/dev/sda1")["ImageId"]
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"Group": "all"}]})
    port = ec2.create_network_interface(SubnetId=subnets[1])["NetworkInterface"]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=port, SourceDestCheck={"Value": False})
    return vpc, subnets, image


def load_balancers(vpc, subnets, image):
    elb = client("elb")
    elb.create_load_balancer(LoadBalancerName="classic", AvailabilityZones=["us-east-1a"], Listeners=[
        {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstanceProtocol": "HTTP", "InstancePort": 80}])
    elb.modify_load_balancer_attributes(LoadBalancerName="classic", LoadBalancerAttributes={
        "CrossZoneLoadBalancing": {"Enabled": False}, "ConnectionDraining": {"Enabled": False}})
    elbv2 = client("elbv2")
    arn = elbv2.create_load_balancer(Name="application", Subnets=subnets, Type="application")["LoadBalancers"][0]["LoadBalancerArn"]
    # AWS always tells this one; moto only once it was set.
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[
        {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "false"}])
    elbv2.create_load_balancer(Name="network", Subnets=subnets, Type="network")
    group = elbv2.create_target_group(Name="targets", Protocol="HTTPS", Port=443, VpcId=vpc,
                                      HealthCheckProtocol="HTTP")["TargetGroups"][0]["TargetGroupArn"]
    certificate = client("acm").request_certificate(DomainName="example.com")["CertificateArn"]
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTPS", Port=443, SslPolicy="ELBSecurityPolicy-2016-08",
                          Certificates=[{"CertificateArn": certificate}], DefaultActions=forward)
    elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward)
    autoscaling = client("autoscaling")
    autoscaling.create_launch_configuration(LaunchConfigurationName="launch", ImageId=image, InstanceType="t3.micro")
    autoscaling.create_auto_scaling_group(AutoScalingGroupName="group", LaunchConfigurationName="launch", MinSize=0, MaxSize=1,
                                          VPCZoneIdentifier=subnets[0], TargetGroupARNs=[group])


def databases():
    rds = client("rds")
    rds.create_db_parameter_group(DBParameterGroupName="own", DBParameterGroupFamily="mysql8.0", Description="own")
    rds.modify_db_parameter_group(DBParameterGroupName="own", Parameters=[
        {"ParameterName": "require_secure_transport", "ParameterValue": "0", "ApplyMethod": "immediate"}])
    rds.create_db_instance(DBInstanceIdentifier="database", DBInstanceClass="db.t3.micro", Engine="mysql", AllocatedStorage=20,
                           MasterUsername="someone", MasterUserPassword="not-a-secret", BackupRetentionPeriod=1,
                           PubliclyAccessible=True, AutoMinorVersionUpgrade=False, CopyTagsToSnapshot=False,
                           DeletionProtection=False, MultiAZ=False, DBParameterGroupName="own")
    rds.create_db_snapshot(DBInstanceIdentifier="database", DBSnapshotIdentifier="shared")
    rds.modify_db_snapshot_attribute(DBSnapshotIdentifier="shared", AttributeName="restore", ValuesToAdd=["all", "210987654321"])
    rds.create_db_cluster(DBClusterIdentifier="aurora", Engine="aurora-mysql", MasterUsername="someone",
                          MasterUserPassword="not-a-secret", BackupRetentionPeriod=1)
    client("neptune").create_db_cluster(DBClusterIdentifier="graph", Engine="neptune")
    client("dynamodb").create_table(
        TableName="table", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})


def others(subnets):
    s3 = client("s3")
    for bucket in ["plain", "with-policy", "trail-logs"]:
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket="with-policy", Policy=json.dumps(POLICY, separators=(",", ":")))
    cloudtrail = client("cloudtrail")
    cloudtrail.create_trail(Name="trail", S3BucketName="trail-logs", IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name="trail")
    client("ecr").create_repository(repositoryName="images")
    ecs = client("ecs")
    ecs.create_cluster(clusterName="cluster")
    ecs.register_task_definition(family="task", containerDefinitions=[{"name": "a", "image": "b", "memory": 64}],
                                 networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512")
    ecs.create_service(cluster="cluster", serviceName="service", taskDefinition="task", desiredCount=0, launchType="FARGATE",
                       platformVersion="1.3.0", networkConfiguration={"awsvpcConfiguration": {
                           "subnets": [subnets[0]], "securityGroups": [], "assignPublicIp": "ENABLED"}})
    client("kinesis").create_stream(StreamName="stream", ShardCount=1)
    client("kms").create_key()
    logs = client("logs")
    logs.create_log_group(logGroupName="short")
    logs.put_retention_policy(logGroupName="short", retentionInDays=7)
    client("sns").create_topic(Name="topic")
    client("sqs").create_queue(QueueName="queue", Attributes={"SqsManagedSseEnabled": "false"})
    ssm = client("ssm")
    ssm.create_document(Name="shared", DocumentType="Command", Content=json.dumps({
        "schemaVersion": "2.2", "description": "d",
        "mainSteps": [{"action": "aws:runShellScript", "name": "x", "inputs": {"runCommand": ["ls"]}}]}))
    ssm.modify_document_permission(Name="shared", PermissionType="Share", AccountIdsToAdd=["all"])
    client("wafv2").create_web_acl(Name="acl", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig={
        "SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"})


def state():
    """What the SDK reads, call by call, without what differs from answer to answer."""
    ec2, elbv2, s3, rds, iam = client("ec2"), client("elbv2"), client("s3"), client("rds"), client("iam")
    out = {}

    def read(name, call, **kwargs):
        try:
            answer = call(**kwargs)
        except Exception as e:  # botocore makes its error types as it goes
            answer = {"error": type(e).__name__}
        answer.pop("ResponseMetadata", None)
        out[name] = answer

    for name in ["subnets", "security_groups", "network_acls", "transit_gateways", "network_interfaces"]:
        read(name, getattr(ec2, f"describe_{name}"))
    read("images", ec2.describe_images, Owners=["self"])
    read("ebs", ec2.get_ebs_encryption_by_default)
    read("classic", client("elb").describe_load_balancer_attributes, LoadBalancerName="classic")
    read("target_groups", elbv2.describe_target_groups)
    for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
        arn = balancer["LoadBalancerArn"]
        read(f"attributes of {arn}", elbv2.describe_load_balancer_attributes, LoadBalancerArn=arn)
        read(f"listeners of {arn}", elbv2.describe_listeners, LoadBalancerArn=arn)
    read("auto scaling", client("autoscaling").describe_auto_scaling_groups)
    read("instances", rds.describe_db_instances)
    read("clusters", rds.describe_db_clusters)
    read("parameters", rds.describe_db_parameters, DBParameterGroupName="own")
    read("snapshot", rds.describe_db_snapshot_attributes, DBSnapshotIdentifier="shared")
    read("table", client("dynamodb").describe_table, TableName="table")
    read("targets", client("application-autoscaling").describe_scalable_targets, ServiceNamespace="dynamodb")
    for bucket in ["plain", "with-policy", "trail-logs"]:
        for part in ["bucket_policy", "bucket_encryption", "public_access_block"]:
            read(f"{part} of {bucket}", getattr(s3, f"get_{part}"), Bucket=bucket)
    read("account", client("s3control").get_public_access_block, AccountId=ACCOUNT)
    read("trails", client("cloudtrail").describe_trails)
    read("repositories", client("ecr").describe_repositories)
    read("service", client("ecs").describe_services, cluster="cluster", services=["service"])
    read("stream", client("kinesis").describe_stream, StreamName="stream")
    kms = client("kms")
    for key in kms.list_keys()["Keys"]:
        read(f"rotation of {key['KeyId']}", kms.get_key_rotation_status, KeyId=key["KeyId"])
    read("log group", client("logs").describe_log_groups, logGroupNamePrefix="short")
    read("password policy", iam.get_account_password_policy)
    read("roles", iam.list_roles)
    sns, sqs = client("sns"), client("sqs")
    read("topic", sns.get_topic_attributes, TopicArn=sns.list_topics()["Topics"][0]["TopicArn"])
    read("queue", sqs.get_queue_attributes, QueueUrl=sqs.list_queues()["QueueUrls"][0], AttributeNames=["All"])
    read("document", client("ssm").describe_document_permission, Name="shared", PermissionType="Share")
    read("web ACL logs", client("wafv2").list_logging_configurations, Scope="REGIONAL")
    return out


def settled(value):
    """Without the order of lists, times that go on, and what moto repeats at each change of a classic load balancer."""
    if isinstance(value, dict):
        moving = ("RestorableTime", "LastModifiedTimestamp", "AdditionalAttributes")
        return {k: settled(v) for k, v in value.items() if not k.endswith(moving)}
    if isinstance(value, list):
        return sorted((settled(v) for v in value), key=lambda v: json.dumps(v, sort_keys=True, default=str))
    return value


if sys.argv[2] == "seed":
    vpc, subnets, image = network()
    load_balancers(vpc, subnets, image)
    databases()
    others(subnets)
    print(json.dumps(RULES))
else:
    print(json.dumps(settled(state()), sort_keys=True, default=str))
