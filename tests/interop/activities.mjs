// Activities, their workers, and task tokens.
import { assert, body, given, isRecent, run, test, until } from './support/tap.mjs';
import { arn, chain, createMachine, ending, fresh, lambda, refuses, startServer, waiting }
    from './support/server.mjs';

const server = await startServer();
const sfn = server.client();

/** An activity and a machine of one state that calls it. */
async function house(state = {}) {
    const { activityArn } = await sfn.createActivity({ name: fresh('activity') });
    const stateMachineArn = await createMachine(sfn,
        chain({ Work: { Type: 'Task', Resource: activityArn, ...state } }));
    const start = async (input = '{}') =>
        (await sfn.startExecution({ stateMachineArn, input })).executionArn;
    return { activityArn, start };
}

const poll = (activityArn, more = {}) => sfn.getActivityTask({ activityArn, workerName: 'tester', ...more });

// Takes the whole minute that the service holds a poll; the other tests run meanwhile.
const { activityArn: idle } = await sfn.createActivity({ name: fresh('idle') });
const began = Date.now();
const nothing = poll(idle).then((answer) => ({ answer, seconds: (Date.now() - began) / 1000 }));
nothing.catch(() => {});

test('CreateActivity, DescribeActivity, ListActivities, DeleteActivity', async () => {
    const name = fresh('activity');
    const created = await sfn.createActivity({ name });
    assert.deepEqual(given(created), ['activityArn', 'creationDate']);
    const { activityArn } = created;
    assert.equal(activityArn, arn('activity', name));
    isRecent(created.creationDate);
    assert.deepEqual(body(await sfn.createActivity({ name, tags: [{ key: 'a', value: 'b' }] })), body(created));
    const described = await sfn.describeActivity({ activityArn });
    assert.equal(described.name, name);
    assert.equal(described.activityArn, activityArn);
    assert.deepEqual(described.creationDate, created.creationDate);
    const { activities } = await sfn.listActivities({});
    assert.deepEqual(activities.filter((a) => a.activityArn === activityArn),
        [{ activityArn, name, creationDate: created.creationDate }]);
    for (let i = 0; i < 2; i++)
        assert.deepEqual(body(await sfn.deleteActivity({ activityArn })), {});
    await refuses(sfn.describeActivity({ activityArn }), 'ActivityDoesNotExist');
});

test('a worker takes a task and succeeds', async () => {
    const { activityArn, start } = await house();
    const executionArn = await start('{"a":1}');
    const task = await poll(activityArn);
    assert.equal(task.input, '{"a":1}');
    assert(task.taskToken.length > 0 && task.taskToken.length <= 2048);
    assert.deepEqual(body(await sfn.sendTaskSuccess({ taskToken: task.taskToken, output: '{"b":2}' })), {});
    const answer = await ending(sfn, executionArn);
    assert.equal(answer.status, 'SUCCEEDED');
    assert.deepEqual(JSON.parse(answer.output), { b: 2 });
    const { events } = await sfn.getExecutionHistory({ executionArn });
    assert.deepEqual(events.map((e) => e.type).slice(2, 5),
        ['ActivityScheduled', 'ActivityStarted', 'ActivitySucceeded']);
    assert.equal(events[2].activityScheduledEventDetails.resource, activityArn);
    assert.equal(events[3].activityStartedEventDetails.workerName, 'tester');
});

test('a poll that waits is given the task that comes', async () => {
    const { activityArn, start } = await house();
    const waiting = poll(activityArn);
    const executionArn = await start();
    const { taskToken } = await waiting;
    await sfn.sendTaskSuccess({ taskToken, output: '1' });
    assert.equal((await ending(sfn, executionArn)).output, '1');
});

test('a poll that is given up loses no task', async () => {
    const { activityArn, start } = await house();
    const controller = new AbortController();
    const given = sfn.getActivityTask({ activityArn }, { abortSignal: controller.signal });
    const refused = assert.rejects(given, { name: 'AbortError' });
    controller.abort();
    await refused;
    const executionArn = await start();
    const { taskToken } = await poll(activityArn);
    await sfn.sendTaskSuccess({ taskToken, output: '1' });
    assert.equal((await ending(sfn, executionArn)).status, 'SUCCEEDED');
});

test('many workers: each task goes to one of them', async () => {
    const { activityArn, start } = await house();
    const count = 24;
    const done = [];
    const worker = async () => {
        for (let n = 0; n < count / 8; n++) {
            const { taskToken, input } = await poll(activityArn);
            done.push(input);
            await sfn.sendTaskSuccess({ taskToken, output: input });
        }
    };
    const workers = Array.from({ length: 8 }, worker);
    const arns = await Promise.all(Array.from({ length: count }, (_, n) => start(`{"n":${n}}`)));
    await Promise.all(workers);
    assert.equal(new Set(done).size, count);
    for (const [n, executionArn] of arns.entries())
        assert.deepEqual(JSON.parse((await ending(sfn, executionArn)).output), { n });
});

test('a worker says that it failed', async () => {
    const { activityArn, start } = await house();
    const executionArn = await start();
    const { taskToken } = await poll(activityArn);
    assert.deepEqual(body(await sfn.sendTaskFailure({ taskToken, error: 'Out.OfPaper', cause: 'tray 2' })), {});
    const answer = await ending(sfn, executionArn);
    assert.equal(answer.status, 'FAILED');
    assert.equal(answer.error, 'Out.OfPaper');
    assert.equal(answer.cause, 'tray 2');
});

test('a failure is tried again as Retry says, under another token', async () => {
    const { activityArn, start } = await house(
        { Retry: [{ ErrorEquals: ['Again'], IntervalSeconds: 1, MaxAttempts: 2 }] });
    const executionArn = await start();
    const first = await poll(activityArn);
    await sfn.sendTaskFailure({ taskToken: first.taskToken, error: 'Again' });
    const second = await poll(activityArn);
    assert.notEqual(second.taskToken, first.taskToken);
    await sfn.sendTaskSuccess({ taskToken: second.taskToken, output: '"twice"' });
    assert.equal((await ending(sfn, executionArn)).output, '"twice"');
});

test('heartbeats keep a task alive beyond its heartbeat time', async () => {
    const { activityArn, start } = await house({ HeartbeatSeconds: 2 });
    const executionArn = await start();
    const { taskToken } = await poll(activityArn);
    const end = Date.now() + 4000;
    while (Date.now() < end) {
        assert.deepEqual(body(await sfn.sendTaskHeartbeat({ taskToken })), {});
        await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await sfn.sendTaskSuccess({ taskToken, output: '1' });
    assert.equal((await ending(sfn, executionArn)).status, 'SUCCEEDED');
});

test('without heartbeats it times out, and the token is over', async () => {
    const { activityArn, start } = await house({ HeartbeatSeconds: 1 });
    const executionArn = await start();
    const { taskToken } = await poll(activityArn);
    const answer = await ending(sfn, executionArn);
    assert.equal(answer.status, 'FAILED');
    assert.equal(answer.error, 'States.Timeout');
    await refuses(sfn.sendTaskSuccess({ taskToken, output: '1' }), 'TaskTimedOut');
    await refuses(sfn.sendTaskFailure({ taskToken }), 'TaskTimedOut');
    await refuses(sfn.sendTaskHeartbeat({ taskToken }), 'TaskTimedOut');
});

test('a token answers once', async () => {
    const { activityArn, start } = await house();
    const executionArn = await start();
    const { taskToken } = await poll(activityArn);
    await sfn.sendTaskSuccess({ taskToken, output: '1' });
    await ending(sfn, executionArn);
    await refuses(sfn.sendTaskSuccess({ taskToken, output: '2' }), 'TaskTimedOut');
    assert.equal((await sfn.describeExecution({ executionArn })).output, '1');
});

test('waitForTaskToken: a lambda is given the token, and anybody answers it', async () => {
    const stateMachineArn = await createMachine(sfn, chain({ Ask: { Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Parameters: { FunctionName: lambda('echo'), Payload: { 'token.$': '$$.Task.Token' } } } }));
    const { executionArn } = await sfn.startExecution({ stateMachineArn });
    let token;
    while (!token) {
        const { events } = await sfn.getExecutionHistory({ executionArn });
        const scheduled = events.find((e) => e.type === 'TaskScheduled');
        token = scheduled && events.some((e) => e.type === 'TaskSubmitted')
            && JSON.parse(scheduled.taskScheduledEventDetails.parameters).Payload.token;
    }
    await sfn.sendTaskHeartbeat({ taskToken: token });
    await sfn.sendTaskSuccess({ taskToken: token, output: '{"approved":true}' });
    const answer = await ending(sfn, executionArn);
    assert.equal(answer.status, 'SUCCEEDED', answer.cause);
    assert.deepEqual(JSON.parse(answer.output), { approved: true });
});

test('a poll that nothing comes for ends after a minute without a token', async () => {
    const { answer, seconds } = await nothing;
    assert(!answer.taskToken);
    assert(seconds > 55 && seconds < 90, `after ${seconds} s`);
});

for (const pattern of ['sync', 'sync:2']) {
    test(`the token of a nested execution (.${pattern}) answers before it has ended`, async () => {
        const child = await createMachine(sfn, waiting);
        const parent = await createMachine(sfn, chain({ Start: { Type: 'Task',
            Resource: `arn:aws:states:::states:startExecution.${pattern}`,
            Parameters: { StateMachineArn: child, Input: { 'token.$': '$$.Task.Token' } } } }));
        const begin = async () => {
            const { executionArn } = await sfn.startExecution({ stateMachineArn: parent });
            const { taskSubmittedEventDetails } = await until(async () => (await sfn.getExecutionHistory(
                { executionArn })).events.find((e) => e.type === 'TaskSubmitted'), 'the child was started');
            const known = JSON.parse(taskSubmittedEventDetails.output).ExecutionArn;
            const { input } = await sfn.describeExecution({ executionArn: known });
            return { executionArn, known, taskToken: JSON.parse(input).token };
        };
        const first = await begin();
        await sfn.sendTaskHeartbeat({ taskToken: first.taskToken });
        await sfn.sendTaskSuccess({ taskToken: first.taskToken, output: '"early"' });
        const answer = await ending(sfn, first.executionArn);
        assert.equal(answer.status, 'SUCCEEDED', answer.cause);
        assert.equal(answer.output, '"early"');
        const { events } = await sfn.getExecutionHistory({ executionArn: first.executionArn });
        assert.deepEqual(events.map((e) => e.type), ['ExecutionStarted', 'TaskStateEntered', 'TaskScheduled',
            'TaskStarted', 'TaskSubmitted', 'TaskSucceeded', 'TaskStateExited', 'ExecutionSucceeded']);
        assert.equal(events[5].taskSucceededEventDetails.output, '"early"');
        assert.equal((await ending(sfn, first.known)).status, 'ABORTED');
        await refuses(sfn.sendTaskSuccess({ taskToken: first.taskToken, output: '1' }), 'TaskTimedOut');
        const second = await begin();
        await sfn.sendTaskFailure({ taskToken: second.taskToken, error: 'Not.Now', cause: 'why' });
        const failed = await ending(sfn, second.executionArn);
        assert.deepEqual([failed.status, failed.error, failed.cause], ['FAILED', 'Not.Now', 'why']);
        assert.equal((await ending(sfn, second.known)).status, 'ABORTED');
    });
}

await run();
