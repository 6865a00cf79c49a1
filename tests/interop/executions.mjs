// Executions of Standard machines: start, describe, history, list, stop.
import { assert, body, given, isRecent, run, test, until } from './support/tap.mjs';
import { arn, chain, createMachine, ending, fresh, lambda, pass, refuses, roleArn, startServer, waiting }
    from './support/server.mjs';

const server = await startServer();
const sfn = server.client();
const stateMachineArn = await createMachine(sfn);
const waitingArn = await createMachine(sfn, waiting);

async function history(executionArn, more = {}) {
    return (await sfn.getExecutionHistory({ executionArn, ...more })).events;
}

test('StartExecution answers an ARN and a Date', async () => {
    const name = fresh('started');
    const answer = await sfn.startExecution({ stateMachineArn, name, input: '{"a": 1}' });
    assert.deepEqual(given(answer), ['executionArn', 'startDate']);
    assert.equal(answer.executionArn, arn('execution', stateMachineArn.split(':').at(-1), name));
    isRecent(answer.startDate);
});

test('without a name, StartExecution makes one; without input, it is {}', async () => {
    const { executionArn } = await sfn.startExecution({ stateMachineArn });
    const answer = await ending(sfn, executionArn);
    assert.match(answer.name, /^[0-9a-f-]{36}$/);
    assert.equal(executionArn.split(':').at(-1), answer.name);
    assert.equal(answer.input, '{}');
    assert.equal(answer.output, '{}');
});

test('DescribeExecution of one that succeeded', async () => {
    const name = fresh('described');
    const input = '{"name": "Ärger 🎈", "n": 1.50}';
    const { executionArn, startDate } = await sfn.startExecution(
        { stateMachineArn, name, input, traceHeader: 'Root=1-5759e988-bd862e3fe1be46a994272793' });
    const answer = await ending(sfn, executionArn);
    assert.equal(answer.status, 'SUCCEEDED');
    assert.equal(answer.executionArn, executionArn);
    assert.equal(answer.stateMachineArn, stateMachineArn);
    assert.equal(answer.name, name);
    assert.deepEqual(JSON.parse(answer.input), JSON.parse(input));
    assert.deepEqual(answer.inputDetails, { included: true });
    assert.deepEqual(JSON.parse(answer.output), JSON.parse(input));
    assert.deepEqual(answer.outputDetails, { included: true });
    assert.deepEqual(answer.startDate, startDate);
    isRecent(answer.stopDate);
    assert(answer.stopDate >= answer.startDate);
    assert.equal(answer.traceHeader, 'Root=1-5759e988-bd862e3fe1be46a994272793');
    assert.equal(answer.redriveCount, 0);
    assert.equal(answer.redriveStatus, 'NOT_REDRIVABLE');
    assert.equal(answer.redriveStatusReason, 'Execution is SUCCEEDED and cannot be redriven');
    assert.equal(answer.error, undefined);
    assert.equal(answer.cause, undefined);
});

test('DescribeExecution of one that failed', async () => {
    const failing = await createMachine(sfn,
        chain({ Bad: { Type: 'Fail', Error: 'Order.Lost', Cause: 'nobody has it' } }));
    const { executionArn } = await sfn.startExecution({ stateMachineArn: failing });
    const answer = await ending(sfn, executionArn);
    assert.equal(answer.status, 'FAILED');
    assert.equal(answer.error, 'Order.Lost');
    assert.equal(answer.cause, 'nobody has it');
    assert.equal(answer.output, undefined);
    isRecent(answer.stopDate);
});

test('DescribeExecution of one that timed out', async () => {
    const slow = await createMachine(sfn,
        chain({ Long: { Type: 'Wait', Seconds: 3600 } }, { TimeoutSeconds: 1 }));
    const { executionArn } = await sfn.startExecution({ stateMachineArn: slow });
    const answer = await ending(sfn, executionArn);
    assert.equal(answer.status, 'TIMED_OUT');
    assert.equal((await history(executionArn)).at(-1).type, 'ExecutionTimedOut');
});

test('DescribeExecution of one that runs', async () => {
    const { executionArn } = await sfn.startExecution({ stateMachineArn: waitingArn });
    const answer = await sfn.describeExecution({ executionArn });
    assert.equal(answer.status, 'RUNNING');
    assert.equal(answer.stopDate, undefined);
    assert.equal(answer.output, undefined);
    assert.equal(answer.redriveStatusReason, 'Execution is RUNNING and cannot be redriven');
    await sfn.stopExecution({ executionArn });
});

test('DescribeExecution without the data', async () => {
    const { executionArn } = await sfn.startExecution({ stateMachineArn, input: '{"secret": 1}' });
    await ending(sfn, executionArn);
    const answer = await sfn.describeExecution({ executionArn, includedData: 'METADATA_ONLY' });
    assert.equal(answer.input, undefined);
    assert.equal(answer.output, undefined);
    assert.equal(answer.status, 'SUCCEEDED');
});

test('StartExecution again with the same name and input, while it runs, is the same execution', async () => {
    const request = { stateMachineArn: waitingArn, name: fresh('same'), input: '{"a": 1}' };
    const first = await sfn.startExecution(request);
    assert.deepEqual(body(await sfn.startExecution(request)), body(first));
    const error = await refuses(sfn.startExecution({ ...request, input: '{"a": 2}' }),
        'ExecutionAlreadyExists');
    assert.equal(error.message, `Execution Already Exists: '${first.executionArn}'`);
    await sfn.stopExecution({ executionArn: first.executionArn });
    await refuses(sfn.startExecution(request), 'ExecutionAlreadyExists');
});

test('StartExecution many times at once with one name starts once', async () => {
    const request = { stateMachineArn: waitingArn, name: fresh('once') };
    const answers = await Promise.all(Array.from({ length: 40 }, () => sfn.startExecution(request)));
    assert.equal(new Set(answers.map((a) => `${a.executionArn} ${a.startDate.getTime()}`)).size, 1);
    await sfn.stopExecution({ executionArn: answers[0].executionArn });
});

test('GetExecutionHistory: ids, Dates, details', async () => {
    const { executionArn } = await sfn.startExecution({ stateMachineArn, input: '{"a":1}' });
    await ending(sfn, executionArn);
    const events = await history(executionArn);
    assert.deepEqual(events.map((e) => [e.id, e.previousEventId, e.type]), [
        [1, 0, 'ExecutionStarted'], [2, 0, 'PassStateEntered'], [3, 2, 'PassStateExited'],
        [4, 3, 'ExecutionSucceeded']]);
    events.forEach((e) => isRecent(e.timestamp));
    assert.deepEqual(events[0].executionStartedEventDetails,
        { input: '{"a":1}', inputDetails: { truncated: false }, roleArn });
    assert.equal(events[1].stateEnteredEventDetails.name, 'Only');
    assert.deepEqual(events[3].executionSucceededEventDetails,
        { output: '{"a":1}', outputDetails: { truncated: false } });
});

test('GetExecutionHistory in reverse, and without the data', async () => {
    const { executionArn } = await sfn.startExecution({ stateMachineArn, input: '{"a":1}' });
    await ending(sfn, executionArn);
    const events = await history(executionArn, { reverseOrder: true, includeExecutionData: false });
    assert.deepEqual(events.map((e) => e.id), [4, 3, 2, 1]);
    assert.equal(events[0].executionSucceededEventDetails.output, undefined);
    assert.equal(events[3].executionStartedEventDetails.input, undefined);
    assert.equal(events[3].executionStartedEventDetails.roleArn, roleArn);
});

test('tasks: a command that works, and one that fails and is caught', async () => {
    const tasks = await createMachine(sfn, chain({
        Upper: { Type: 'Task', Resource: lambda('upper') },
        Fails: { Type: 'Task', Resource: lambda('fail'), ResultPath: '$.never',
            Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.caught', Next: 'After' }] },
        After: { Type: 'Pass' } }));
    const { executionArn } = await sfn.startExecution({ stateMachineArn: tasks, input: '{"a":"b"}' });
    const answer = await ending(sfn, executionArn);
    assert.equal(answer.status, 'SUCCEEDED', answer.cause);
    assert.equal(JSON.parse(answer.output).A, 'B');
    assert.equal(typeof JSON.parse(answer.output).caught.Error, 'string');
    const types = (await history(executionArn)).map((e) => e.type);
    for (const type of ['LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionSucceeded',
        'LambdaFunctionFailed', 'TaskStateEntered', 'TaskStateExited'])
        assert(types.includes(type), `${type} is missing in ${types}`);
});

test('StopExecution aborts, and keeps the reason', async () => {
    const { executionArn } = await sfn.startExecution({ stateMachineArn: waitingArn });
    const stopped = await sfn.stopExecution({ executionArn, error: 'Changed.Mind', cause: 'no need' });
    assert.deepEqual(given(stopped), ['stopDate']);
    const answer = await sfn.describeExecution({ executionArn });
    assert.equal(answer.status, 'ABORTED');
    assert.equal(answer.error, 'Changed.Mind');
    assert.equal(answer.cause, 'no need');
    assert.deepEqual(answer.stopDate, isRecent(stopped.stopDate));
    assert.deepEqual((await history(executionArn)).at(-1).executionAbortedEventDetails,
        { error: 'Changed.Mind', cause: 'no need' });
});

test('StopExecution of one that has ended changes nothing', async () => {
    const { executionArn } = await sfn.startExecution({ stateMachineArn });
    const before = await ending(sfn, executionArn);
    const { stopDate } = await sfn.stopExecution({ executionArn, error: 'Late' });
    assert.deepEqual(stopDate, before.stopDate);
    assert.deepEqual(body(await sfn.describeExecution({ executionArn })), body(before));
});

test('ListExecutions: the newest first, and by status', async () => {
    const mine = await createMachine(sfn, JSON.stringify({ StartAt: 'Which', States: {
        Which: { Type: 'Choice', Default: 'Yes',
            Choices: [{ Variable: '$.fail', IsPresent: true, Next: 'No' }] },
        Yes: { Type: 'Succeed' },
        No: { Type: 'Fail', Error: 'No' } } }));
    const started = [];
    for (const input of ['{}', '{"fail":1}', '{}']) {
        const { executionArn } = await sfn.startExecution({ stateMachineArn: mine, input });
        await ending(sfn, executionArn);
        started.unshift(executionArn);
    }
    const listed = async (statusFilter) => (await sfn.listExecutions(
        { stateMachineArn: mine, statusFilter })).executions;
    const all = await until(async () => {
        const executions = await listed();
        return executions.length === 3 && executions.every((e) => e.stopDate) && executions;
    }, 'three ended executions');
    assert.deepEqual(all.map((e) => e.executionArn), started);
    assert.deepEqual(all.map((e) => e.status), ['SUCCEEDED', 'FAILED', 'SUCCEEDED']);
    for (const each of all) {
        assert.equal(each.stateMachineArn, mine);
        assert.equal(each.name, each.executionArn.split(':').at(-1));
        isRecent(each.startDate);
        isRecent(each.stopDate);
    }
    assert.deepEqual((await listed('FAILED')).map((e) => e.executionArn), [started[1]]);
    assert.deepEqual((await listed('SUCCEEDED')).map((e) => e.executionArn), [started[0], started[2]]);
    assert.deepEqual(await listed('RUNNING'), []);
});

test('a large input comes back whole', async () => {
    const input = JSON.stringify({ text: 'ü'.repeat(100_000) });
    const { executionArn } = await sfn.startExecution({ stateMachineArn, input });
    const answer = await ending(sfn, executionArn);
    assert.equal(answer.input, input);
    assert.deepEqual(JSON.parse(answer.output), JSON.parse(input));
});

await run();
