"""What tests that ask a server have in common."""
import json
import urllib.parse

ROLE = "arn:aws:iam::000000000000:role/r"


def create(s, name, definition):
    status, made = s.operation("CreateStateMachine", {"name": name, "definition": json.dumps(definition), "roleArn": ROLE})
    assert status == 200, made
    return made["stateMachineArn"]


def quoted(text):
    return urllib.parse.quote(text, safe="")


def problem(answer, status, code, part=""):
    assert answer[0] == status and answer[1]["code"] == code and answer[1]["status"] == status, answer
    assert part in answer[1]["detail"], answer
    assert answer[1].keys() >= {"type", "title", "remedy"}
