#!/usr/bin/env python3
"""Debian's AWS command line against `pawl serve`: every operation that it knows, but
start-sync-execution, for which it calls "sync-127.0.0.1", a host that nobody has, and has
no option not to. Prints TAP.
"""
import glob
import json
import re
import sys
import threading

from support.server import AWS, LAMBDA, ROLE, Cli, Server, tap_main, test, wait_until

PASS = json.dumps({"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": True}}})
WAIT = json.dumps({"StartAt": "Long", "States": {"Long": {"Type": "Wait", "Seconds": 3600, "End": True}}})
MODELS = "/usr/lib/python3/dist-packages/awscli/botocore/data/stepfunctions/*/service-2.json"
UNBUILT = {"describe-map-run", "list-map-runs", "update-map-run"}
WITH_HOST_PREFIX = {"start-sync-execution"}


def create(aws, name, definition=PASS, **more):
    return aws("create-state-machine", name=name, definition=definition, role_arn=ROLE, **more)["stateMachineArn"]


def task(resource):
    return json.dumps({"StartAt": "Work", "States": {
        "Work": {"Type": "Task", "Resource": resource, "End": True}}})


def ended(aws, execution):
    def look():
        answer = aws("describe-execution", execution_arn=execution)
        return answer["status"] != "RUNNING" and answer
    return wait_until(look)


@test
def machines_are_created_described_updated_listed_and_deleted(aws):
    answer = aws("create-state-machine", name="order", definition=PASS, role_arn=ROLE)
    machine = answer["stateMachineArn"]
    assert machine == "arn:aws:states:us-east-1:000000000000:stateMachine:order", machine
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", answer["creationDate"]), answer
    described = aws("describe-state-machine", state_machine_arn=machine)
    assert described["definition"] == PASS and described["status"] == "ACTIVE", described
    aws("update-state-machine", state_machine_arn=machine, definition=WAIT)
    assert aws("describe-state-machine", state_machine_arn=machine)["definition"] == WAIT
    listed = aws("list-state-machines")["stateMachines"]
    assert [m["name"] for m in listed if m["stateMachineArn"] == machine] == ["order"], listed
    assert aws("delete-state-machine", state_machine_arn=machine) is None
    aws.refused("describe-state-machine", "StateMachineDoesNotExist", state_machine_arn=machine)


@test
def an_execution_is_started_described_and_its_history_told(aws):
    machine = create(aws, "upper", task(LAMBDA + "upper"))
    started = aws("start-execution", state_machine_arn=machine, name="one", input='{"a": "b"}')
    execution = started["executionArn"]
    assert execution == "arn:aws:states:us-east-1:000000000000:execution:upper:one", execution
    answer = ended(aws, execution)
    assert answer["status"] == "SUCCEEDED" and json.loads(answer["output"]) == {"A": "B"}, answer
    events = aws("get-execution-history", execution_arn=execution)["events"]
    assert [e["type"] for e in events] == [
        "ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted",
        "LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"], events
    newest = aws("get-execution-history", "--reverse-order", "--no-include-execution-data",
                 execution_arn=execution)["events"]
    assert newest[0]["type"] == "ExecutionSucceeded" and newest[0]["id"] == len(events), newest[0]
    of = aws("describe-state-machine-for-execution", execution_arn=execution)
    assert of["stateMachineArn"] == machine and of["name"] == "upper", of


@test
def an_execution_is_stopped(aws):
    machine = create(aws, "long", WAIT)
    execution = aws("start-execution", state_machine_arn=machine)["executionArn"]
    assert "stopDate" in aws("stop-execution", execution_arn=execution, error="No.Need", cause="told so")
    answer = aws("describe-execution", execution_arn=execution)
    assert (answer["status"], answer["error"], answer["cause"]) == ("ABORTED", "No.Need", "told so"), answer
    listed = wait_until(lambda: aws("list-executions", state_machine_arn=machine, status_filter="ABORTED")
                        ["executions"])
    assert [e["executionArn"] for e in listed] == [execution], listed


@test
def lists_are_paged_by_the_command_line_itself(aws):
    machine = create(aws, "many")
    started = {aws("start-execution", state_machine_arn=machine, name=f"n{n}")["executionArn"]
               for n in range(5)}
    wait_until(lambda: len(aws("list-executions", state_machine_arn=machine)["executions"]) == 5)
    by_two = aws("list-executions", state_machine_arn=machine, page_size="2")["executions"]
    assert {e["executionArn"] for e in by_two} == started and len(by_two) == 5, by_two
    first = aws("list-executions", state_machine_arn=machine, max_items="3")
    rest = aws("list-executions", state_machine_arn=machine, starting_token=first["NextToken"])
    assert {e["executionArn"] for e in first["executions"] + rest["executions"]} == started
    names = aws("list-executions", state_machine_arn=machine, query="executions[].name")
    assert sorted(names) == ["n0", "n1", "n2", "n3", "n4"], names


@test
def an_activity_and_its_worker(aws):
    activity = aws("create-activity", name="paint")["activityArn"]
    assert aws("describe-activity", activity_arn=activity)["name"] == "paint"
    assert activity in [a["activityArn"] for a in aws("list-activities")["activities"]]
    machine = create(aws, "painting", task(activity))

    def work(answer, **more):
        execution = aws("start-execution", state_machine_arn=machine, input='{"wall": 1}')["executionArn"]
        given = aws("get-activity-task", activity_arn=activity, worker_name="brush")
        assert json.loads(given["input"]) == {"wall": 1}, given
        assert aws("send-task-heartbeat", task_token=given["taskToken"]) is None
        assert aws(answer, task_token=given["taskToken"], **more) is None
        return ended(aws, execution)

    done = work("send-task-success", task_output='"white"')
    assert (done["status"], done["output"]) == ("SUCCEEDED", '"white"'), done
    failed = work("send-task-failure", error="No.Paint", cause="empty")
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "No.Paint", "empty"), failed
    assert aws("delete-activity", activity_arn=activity) is None
    aws.refused("describe-activity", "ActivityDoesNotExist", activity_arn=activity)


@test
def a_poll_waits_for_its_task(aws):
    activity = aws("create-activity", name="later")["activityArn"]
    machine = create(aws, "later", task(activity))
    given = {}
    poller = threading.Thread(target=lambda: given.update(aws("get-activity-task", activity_arn=activity)))
    poller.start()
    execution = aws("start-execution", state_machine_arn=machine)["executionArn"]
    poller.join()
    aws("send-task-success", task_token=given["taskToken"], task_output="1")
    assert ended(aws, execution)["output"] == "1"


@test
def tags(aws):
    machine = create(aws, "tagged", tags="key=team,value=blue")

    def now():
        return {t["key"]: t["value"] for t in aws("list-tags-for-resource", resource_arn=machine)["tags"]}

    assert now() == {"team": "blue"}
    assert aws("tag-resource", resource_arn=machine, tags=["key=team,value=red", "key=cost,value=7"]) is None
    assert now() == {"team": "red", "cost": "7"}
    assert aws("untag-resource", resource_arn=machine, tag_keys=["team"]) is None
    assert now() == {"cost": "7"}


@test
def errors_are_told_as_those_of_the_service(aws):
    said = aws.refused("create-state-machine", "InvalidDefinition", name="bad", definition="{}", role_arn=ROLE)
    assert "SCHEMA_VALIDATION_FAILED" in said, said
    aws.refused("start-execution", "InvalidArn", state_machine_arn="nonsense")
    aws.refused("send-task-success", "InvalidToken", task_token="bogus", task_output="1")
    aws.refused("list-activities", "InvalidToken", starting_token="bogus")


@test
def what_is_not_built_yet_says_so(aws):
    run = "arn:aws:states:us-east-1:000000000000:mapRun:machine/Label:00000000-0000-4000-8000-000000000000"
    for operation, options in (("describe-map-run", {"map_run_arn": run}),
                               ("update-map-run", {"map_run_arn": run, "max_concurrency": "1"}),
                               ("list-map-runs", {"execution_arn": run.replace("mapRun", "execution")})):
        status, out, err = aws.run(operation, **options)
        assert status == 254 and "An error occurred (" in err, (operation, out, err)


@test
def every_operation_that_it_knows_was_called(aws):
    operations = set()
    for model in glob.glob(MODELS):
        with open(model, encoding="utf-8") as file:
            operations |= {re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower()
                           for name in json.load(file)["operations"]}
    assert len(operations) >= 26, f"{AWS} knows {operations}"
    assert aws.used == operations - WITH_HOST_PREFIX, aws.used ^ operations
    assert UNBUILT < aws.used


def main():
    server = Server()
    status = tap_main(Cli(server))
    server.stop()
    return status


if __name__ == "__main__":
    sys.exit(main())
