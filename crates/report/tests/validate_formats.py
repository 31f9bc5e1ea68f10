"""Checks report files against the schemas that their readers publish.

    pip install boto3 py-ocsf-models jsonschema lxml
    cargo run -p yagura-report --example samples -- samples
    python crates/report/tests/validate_formats.py samples

Takes folders; every `report.*` (of a scan) and `findings.*` (of detection) and `investigation.html` below them is checked. Schemas come through package registries, once, into a cache folder
(`--schemas`, by default `target/schemas`): SARIF 2.1.0 from the crate `serde-sarif`, JUnit's `junit-10.xsd` (Jenkins)
from pytest's source package. ASFF is checked by botocore's model of `BatchImportFindings` and the lengths of the Security
Hub user guide; OCSF by the models of `py-ocsf-models` and the required attributes of the published classes.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
from html.parser import HTMLParser

FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def fail_unless(holds, message):
    if not holds:
        raise AssertionError(message)


def check_jsonl(path, _schemas):
    keys = {"rule", "status", "severity", "resource", "title", "why", "fix", "maps", "evidence", "missing"}
    lines = path.read_text("utf-8").splitlines()
    for line in lines:
        verdict = json.loads(line)
        fail_unless(keys <= set(verdict), f"{keys - set(verdict)} missing")
        fail_unless(verdict["status"] in {"pass", "fail", "unknown", "not_applicable"}, verdict["status"])
        fail_unless(set(verdict["resource"]) == {"arn", "id", "kind", "account", "region"}, verdict["resource"])
    return len(lines)


def check_json(path, _schemas):
    document = json.loads(path.read_text("utf-8"))
    compliance = document.pop("compliance", [])
    fail_unless(list(document) == ["meta", "summary", "verdicts", "gaps"], list(document))
    for framework in compliance:
        fail_unless(list(framework) == ["framework", "title", "sections"], list(framework))
        for requirement in (r for section in framework["sections"] for r in section["requirements"]):
            fail_unless(requirement["coverage"] in {"automated", "partial", "manual"}, requirement)
            fail_unless(requirement["standing"] in {"passed", "failed", "unknown", "not_applicable", "manual"}, requirement)
    fail_unless(sum(document["summary"]["total"].values()) == len(document["verdicts"]), "the summary does not add up")
    return len(document["verdicts"])


def check_csv(path, _schemas):
    raw = path.read_bytes()
    fail_unless(raw.startswith(b"\xef\xbb\xbf"), "no byte order mark")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    for row in rows:
        fail_unless(len(row) == len(rows[0]), "rows differ in length")
        fail_unless(not any(cell.startswith(FORMULA) for cell in row), row)
    return len(rows) - 1


def check_ocsf(path, _schemas):
    from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
    from py_ocsf_models.objects.cloud import Cloud

    required = {
        "": ["activity_id", "category_uid", "class_uid", "cloud", "compliance", "finding_info", "metadata", "severity_id", "time", "type_uid"],
        "metadata": ["product", "version"],
        "metadata.product": ["vendor_name"],
        "finding_info": ["title", "uid"],
        "finding_info.analytic": ["type_id"],
        "compliance": ["standards"],
        "cloud": ["provider"],
        "remediation": ["desc"],
    }
    captions = {0: "Unknown", 1: "Pass", 2: "Warning", 3: "Fail"}
    severities = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
    findings = json.loads(path.read_text("utf-8"))
    for finding in findings:
        for where, names in required.items():
            at = finding
            for part in filter(None, where.split(".")):
                at = at[part]
            fail_unless(not set(names) - set(at), f"{where} lacks {set(names) - set(at)}")
        parsed = ComplianceFinding.model_validate(finding)
        Cloud.model_validate(finding["cloud"])
        known = set(ComplianceFinding.model_fields) | {"cloud"}
        fail_unless(set(finding) <= known, f"not of the class: {set(finding) - known}")
        fail_unless(finding["type_uid"] == finding["class_uid"] * 100 + finding["activity_id"], "type_uid")
        fail_unless(severities[finding["severity_id"]] == finding["severity"], "severity")
        compliance = finding["compliance"]
        fail_unless(captions.get(compliance["status_id"], compliance["status"]) == compliance["status"], "compliance.status")
        fail_unless(len(finding["resources"]) == 1 and parsed.resources[0].uid, "resources")
    return len(findings)


def check_detections(path, _schemas):
    from py_ocsf_models.events.findings.detection_finding import DetectionFinding
    from py_ocsf_models.objects.cloud import Cloud

    severities = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
    required = {"activity_id", "category_uid", "class_uid", "cloud", "finding_info", "metadata", "severity_id", "time", "type_uid"}
    # Of the published class and the profile `cloud`, but not of the models.
    more = {"is_alert", "confidence", "confidence_id", "cloud", "start_time", "end_time", "unmapped", "message", "status", "remediation"}
    findings = json.loads(path.read_text("utf-8"))
    for finding in findings:
        fail_unless(required <= set(finding), f"{required - set(finding)} missing")
        fail_unless(set(finding) <= set(DetectionFinding.model_fields) | more, set(finding) - set(DetectionFinding.model_fields) - more)
        DetectionFinding.model_validate(finding)
        Cloud.model_validate(finding["cloud"])
        fail_unless(finding["type_uid"] == finding["class_uid"] * 100 + finding["activity_id"] == 200401, "type_uid")
        fail_unless(severities[finding["severity_id"]] == finding["severity"], "severity")
        fail_unless(finding["start_time"] <= finding["end_time"], "it ends before it begins")
        for evidence in finding["evidences"]:
            fail_unless({"actor", "src_endpoint", "data"} & set(evidence), "an evidence of nothing")
        for attack in finding["finding_info"]["attacks"]:
            fail_unless(attack["technique"]["uid"].startswith("T"), attack)
    fail_unless(len({f["finding_info"]["uid"] for f in findings}) == len(findings), "ids repeat")
    return len(findings)


def check_asff(path, _schemas):
    import botocore.session
    from botocore.validate import ParamValidator

    operation = botocore.session.get_session().get_service_model("securityhub").operation_model("BatchImportFindings")
    shape = operation.input_shape
    regions = set(botocore.session.get_session().get_available_regions("securityhub"))
    for partition in ("aws-cn", "aws-us-gov"):
        regions |= set(botocore.session.get_session().get_available_regions("securityhub", partition))

    def words(shape, value, where):
        """botocore checks types and required members; enums and blank strings are checked here."""
        if shape.type_name == "structure":
            for name, member in value.items():
                words(shape.members[name], member, f"{where}.{name}")
        elif shape.type_name == "list":
            for item in value:
                words(shape.member, item, where)
        elif shape.type_name == "map":
            for name, member in value.items():
                words(shape.key, name, where)
                words(shape.value, member, f"{where}.{name}")
        elif shape.type_name == "string":
            fail_unless(not shape.enum or value in shape.enum, f"{where}: {value}")
            fail_unless(not shape.metadata.get("pattern") or value.strip(), f"{where} is blank")

    findings = json.loads(path.read_text("utf-8"))
    for start in range(0, len(findings), 100):
        batch = {"Findings": findings[start : start + 100]}
        errors = ParamValidator().validate(batch, shape)
        fail_unless(not errors.has_errors(), errors.generate_report())
        words(shape, batch, "")
    for finding in findings:
        fail_unless(len(finding["Id"]) <= 512 and len(finding["GeneratorId"]) <= 512, "ids")
        fail_unless(len(finding["Title"]) <= 256 and len(finding["Description"]) <= 1024, "title or description")
        fail_unless(len(finding["Remediation"]["Recommendation"]["Text"]) <= 512, "recommendation")
        fail_unless(finding["Region"] in regions, finding["Region"])
        account, region = finding["AwsAccountId"], finding["Region"]
        partition = finding["Resources"][0]["Partition"]
        want = f"arn:{partition}:securityhub:{region}:{account}:product/{account}/default"
        fail_unless(finding["ProductArn"] == want, finding["ProductArn"])
        fail_unless(len(json.dumps(finding).encode()) < 240_000, "a finding above 240 KB")
    fail_unless(len({f["Id"] for f in findings}) == len(findings), "ids repeat")
    return len(findings)


def check_sarif(path, schemas):
    import jsonschema

    log = json.loads(path.read_text("utf-8"))
    schema = json.loads(sarif_schema(schemas).read_text("utf-8"))
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        fail_unless(rules[result["ruleIndex"]]["id"] == result["ruleId"], result["ruleId"])
        fail_unless(result["kind"] == "fail" or result["level"] == "none", "a level other than none needs kind fail")
        fail_unless(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "no physical location")
    prints = {json.dumps(r["partialFingerprints"]) for r in run["results"]}
    fail_unless(len(prints) == len(run["results"]), "fingerprints repeat")
    return len(run["results"])


def check_junit(path, schemas):
    from lxml import etree

    document = etree.parse(str(path), etree.XMLParser(huge_tree=True))
    etree.XMLSchema(etree.parse(str(junit_schema(schemas)))).assertValid(document)
    for suite in document.getroot().iter("testsuite"):
        for attribute, path_ in (("tests", "testcase"), ("failures", "testcase/failure"), ("errors", "testcase/error"), ("skipped", "testcase/skipped")):
            fail_unless(int(suite.get(attribute)) == len(suite.findall(path_)), f"{suite.get('name')} {attribute}")
    return len(document.getroot().findall("testsuite/testcase"))


def check_html(path, _schemas):
    class Page(HTMLParser):
        CDATA_CONTENT_ELEMENTS = ("script", "style")

        def __init__(self):
            super().__init__()
            self.scripts, self.links, self.lang, self.data, self.inside = 0, [], None, "", False

        def handle_starttag(self, tag, attrs):
            attrs = dict(attrs)
            self.lang = attrs.get("lang") if tag == "html" else self.lang
            self.scripts += tag == "script"
            self.inside = tag == "script" and attrs.get("id") == "data"
            self.links += [v for k, v in attrs.items() if k in ("src", "href") and not v.startswith(("#", "data:"))]

        def handle_endtag(self, tag):
            self.inside = False

        def handle_data(self, data):
            self.data += data if self.inside else ""

    page = Page()
    page.feed(path.read_text("utf-8"))
    fail_unless(page.scripts == 2, f"{page.scripts} script elements: something broke out")
    fail_unless(not page.links, f"loads {page.links}")
    fail_unless(page.lang in ("en", "ja"), page.lang)
    data = json.loads(page.data)
    fail_unless(len(data["id"]) == len(data["status"]) == len(data["rule"]), "columns differ in length")
    return len(data["id"])


def check_findings_html(path, _schemas):
    class Page(HTMLParser):
        CDATA_CONTENT_ELEMENTS = ("script", "style")

        def __init__(self):
            super().__init__()
            self.scripts, self.pictures, self.links, self.lang, self.findings = 0, 0, [], None, 0

        def handle_starttag(self, tag, attrs):
            attrs = dict(attrs)
            self.lang = attrs.get("lang") if tag == "html" else self.lang
            self.scripts += tag == "script"
            self.findings += attrs.get("class") in ("card", "finding")
            self.links += [v for k, v in attrs.items() if k in ("src", "href") and not v.startswith(("#", "data:"))]
            self.links += [k for k in attrs if k.startswith("on") or k == "style"]

    page = Page()
    page.feed(path.read_text("utf-8"))
    fail_unless(page.scripts == 1, f"{page.scripts} script elements: something broke out")
    fail_unless(not page.links, f"loads or runs {page.links}")
    fail_unless(page.lang in ("en", "ja"), page.lang)
    return page.findings


CHECKS = {
    "findings.ocsf.json": check_detections,
    "findings.asff.json": check_asff,
    "findings.html": check_findings_html,
    "investigation.html": check_findings_html,
    "report.jsonl": check_jsonl,
    "report.json": check_json,
    "report.csv": check_csv,
    "report.ocsf.json": check_ocsf,
    "report.asff.json": check_asff,
    "report.sarif": check_sarif,
    "report.xml": check_junit,
    "report.html": check_html,
}


def sarif_schema(folder):
    path = folder / "sarif-2.1.0.json"
    if not path.exists():
        with tempfile.TemporaryDirectory() as made:
            manifest = pathlib.Path(made) / "Cargo.toml"
            manifest.write_text('[package]\nname = "schema"\nversion = "0.0.0"\nedition = "2024"\n[lib]\npath = "lib.rs"\n[dependencies]\nserde-sarif = "=0.8.0"\n')
            (pathlib.Path(made) / "lib.rs").write_text("")
            command = ["cargo", "metadata", "--format-version=1", f"--manifest-path={manifest}"]
            packages = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["packages"]
            source = next(p for p in packages if p["name"] == "serde-sarif")["manifest_path"]
            path.write_bytes((pathlib.Path(source).parent / "src" / "schema.json").read_bytes())
    return path


def junit_schema(folder):
    path = folder / "junit-10.xsd"
    if not path.exists():
        with tempfile.TemporaryDirectory() as made:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary=:all:", "-d", made, "pytest==8.3.5"]
            subprocess.run(command, check=True)
            with tarfile.open(next(pathlib.Path(made).glob("*.tar.gz"))) as source:
                member = next(m for m in source.getmembers() if m.name.endswith("junit-10.xsd"))
                path.write_bytes(source.extractfile(member).read())
    return path


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="+", type=pathlib.Path)
    arguments.add_argument("--schemas", type=pathlib.Path, default=pathlib.Path("target/schemas"))
    given = arguments.parse_args()
    given.schemas.mkdir(parents=True, exist_ok=True)
    checked = broken = 0
    for path in sorted(p for folder in given.folders for name in ("report.*", "findings.*", "investigation.*") for p in folder.rglob(name)):
        check = CHECKS.get(path.name)
        if check is None:
            continue
        checked += 1
        try:
            print(f"ok      {path}: {check(path, given.schemas)} verdicts or findings")
        except Exception as error:  # each file is judged, whatever the one before it did
            broken += 1
            print(f"BROKEN  {path}: {type(error).__name__}: {str(error)[:2000]}")
    if not checked:
        sys.exit("no files of reports or findings in these folders: write some with the `samples` example first")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
