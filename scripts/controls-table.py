#!/usr/bin/env python3
"""Writes docs/controls.md and docs/controls.ja.md: every control of AWS Security Hub CSPM with the checks that answer it, or why none does.

    python3 scripts/controls-table.py YAGURA      (the program; its content is what is listed)
"""
import json
import subprocess
import sys

# Controls that no check answers, and why.
WHY_NOT = {
    "Batch.4": ("tags of compute resources are not told apart from those of the environment", "コンピューティングリソースのタグを環境のタグと区別できない"),
    "Connect.1": ("object types of Customer Profiles are listed domain by domain; no kind yet", "Customer Profiles のオブジェクトタイプはドメイン単位の一覧で、リソースタイプが未定義"),
    "EKS.7": ("identity provider configurations have no listing that names them for a description", "ID プロバイダー設定を詳細取得できる形で一覧する API がない"),
    "ElasticBeanstalk.2": ("the answer holds the application's environment variables, secrets among them, and is not read", "応答にアプリケーションの環境変数（シークレットを含む）が入るため読み取らない"),
    "ElasticBeanstalk.3": ("the answer holds the application's environment variables, secrets among them, and is not read", "応答にアプリケーションの環境変数（シークレットを含む）が入るため読み取らない"),
    "IoTEvents.1": ("AWS IoT Events is out of service and of the public API models", "AWS IoT Events は提供が終了し、公開 API モデルにもない"),
    "IoTEvents.2": ("AWS IoT Events is out of service and of the public API models", "AWS IoT Events は提供が終了し、公開 API モデルにもない"),
    "IoTEvents.3": ("AWS IoT Events is out of service and of the public API models", "AWS IoT Events は提供が終了し、公開 API モデルにもない"),
}
TEXTS = {
    "en": ("docs/controls.md", "Controls of AWS Security Hub CSPM and their checks", "{answered} of {all} controls are answered.", "| Control | What it wants | Check |", "why not"),
    "ja": ("docs/controls.ja.md", "AWS Security Hub CSPM のコントロールと対応するチェック", "{all} 個のコントロールのうち {answered} 個に対応している。", "| コントロール | 内容 | チェック |", "未対応の理由"),
}


def main(program):
    for lang, (path, title, tally, head, without) in TEXTS.items():
        shown = subprocess.check_output([program, "--lang", lang, "frameworks", "show", "securityhub", "--format", "json"], text=True)
        lines, every, answered = [], 0, 0
        for section in json.loads(shown)["sections"]:
            lines += ["", f"## {section['title']}", "", head, "|---|---|---|"]
            for row in section["requirements"]:
                every += 1
                answered += bool(row["checks"])
                why = WHY_NOT.get(row["number"], ("", ""))[lang == "ja"]
                checks = "<br>".join(f"`{c}`" for c in row["checks"]) or f"{without}: {why}"
                lines.append(f"| {row['number']} | {row['title']} | {checks} |")
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"# {title}\n\n{tally.format(answered=answered, all=every)}\n" + "\n".join(lines) + "\n")
        print(path, answered, "of", every)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
