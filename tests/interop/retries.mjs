// The server dies and comes back: what the SDK's own retries make of it.
import { once } from 'node:events';
import { assert, body, run, test, until } from './support/tap.mjs';
import { chain, createMachine, ending, fresh, insist, lambda, pass, startServer } from './support/server.mjs';

const server = await startServer();
// As many attempts as a restart may take: what AWS_MAX_ATTEMPTS sets for any program.
const sfn = server.client({ maxAttempts: 20 });

test('a call after a restart, over connections that are dead', async () => {
    const stateMachineArn = await createMachine(sfn, pass);
    const { executionArn } = await sfn.startExecution({ stateMachineArn });
    const before = await ending(sfn, executionArn);
    const usual = server.client();
    await Promise.all(Array.from({ length: 5 }, () => usual.describeExecution({ executionArn })));
    await server.kill();
    await server.start();
    assert.deepEqual(body(await usual.describeExecution({ executionArn })), body(before));
});

test('a call while nobody listens succeeds once the server is back', async () => {
    const stateMachineArn = await createMachine(sfn, pass);
    await server.kill();
    const answer = sfn.describeStateMachine({ stateMachineArn });
    answer.catch(() => {});
    await server.start();
    const { definition, $metadata } = await answer;
    assert.equal(definition, pass);
    assert($metadata.attempts > 1, 'it was not tried again');
});

test('starts in flight when the server is killed: each happens once, by its name', async () => {
    const stateMachineArn = await createMachine(sfn, chain({ Echo: { Type: 'Task', Resource: lambda('echo') } }));
    const names = Array.from({ length: 60 }, () => fresh('flight'));
    let answered = 0;
    let half;
    const some = new Promise((resolve) => { half = resolve; });
    const starts = names.map(async (name, n) => {
        const answer = await insist(() => sfn.startExecution(
            { stateMachineArn, name, input: `{"n":${n}}` }));
        if (++answered === 10) half();
        return answer;
    });
    await some;
    await server.kill();
    await server.start();
    const outcomes = await Promise.allSettled(starts);
    // A start whose reply was lost, tried again after its execution had ended: AWS, too, says so.
    const lost = outcomes.filter((o) => o.status === 'rejected');
    lost.forEach((o) => assert.equal(o.reason.name, 'ExecutionAlreadyExists', o.reason.message));
    for (const [n, name] of names.entries()) {
        const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
        const answer = await ending(sfn, executionArn);
        assert.equal(answer.status, 'SUCCEEDED', answer.cause);
        assert.deepEqual(JSON.parse(answer.output), { n });
        const { value } = outcomes[n];
        if (value) assert.deepEqual(answer.startDate, value.startDate);
        const { events } = await sfn.getExecutionHistory({ executionArn });
        assert.equal(events.filter((e) => e.type === 'LambdaFunctionSucceeded').length, 1);
    }
    const count = async () => {
        let all = 0;
        let nextToken;
        do {
            const page = await sfn.listExecutions({ stateMachineArn, nextToken });
            all += page.executions.length;
            ({ nextToken } = page);
        } while (nextToken);
        return all;
    };
    await until(async () => (await count()) === names.length, 'all are listed, none twice');
});

test('a poll in flight when the server is killed goes on with the next one', async () => {
    const { activityArn } = await sfn.createActivity({ name: fresh('polled') });
    const stateMachineArn = await createMachine(sfn, chain({ Work: { Type: 'Task', Resource: activityArn } }));
    const task = sfn.getActivityTask({ activityArn });
    task.catch(() => {});
    // A call that comes back after the poll was sent: the server has read the poll, too.
    await sfn.describeActivity({ activityArn });
    await server.kill();
    await server.start();
    const { executionArn } = await sfn.startExecution({ stateMachineArn });
    const { taskToken } = await task;
    await sfn.sendTaskSuccess({ taskToken, output: '1' });
    assert.equal((await ending(sfn, executionArn)).status, 'SUCCEEDED');
});

test('a task handed out before a kill keeps its token, and is not handed out again', async () => {
    const { activityArn } = await sfn.createActivity({ name: fresh('kept') });
    const stateMachineArn = await createMachine(sfn, chain({ Work: { Type: 'Task', Resource: activityArn } }));
    const { executionArn } = await sfn.startExecution({ stateMachineArn, input: '{"a":1}' });
    const { taskToken } = await sfn.getActivityTask({ activityArn });
    await server.kill();
    await server.start();
    const controller = new AbortController();
    const second = sfn.getActivityTask({ activityArn }, { abortSignal: controller.signal });
    await sfn.sendTaskHeartbeat({ taskToken });
    await sfn.sendTaskSuccess({ taskToken, output: '{"kept":true}' });
    const answer = await ending(sfn, executionArn);
    assert.deepEqual(JSON.parse(answer.output), { kept: true });
    controller.abort();
    await assert.rejects(second, { name: 'AbortError' });
    const { events } = await sfn.getExecutionHistory({ executionArn });
    assert.equal(events.filter((e) => e.type === 'ActivityStarted').length, 1);
});

test('a stop by SIGTERM drains: what was asked is answered', async () => {
    const stateMachineArn = await createMachine(sfn, pass);
    const usual = server.client({ maxAttempts: 1 });
    const asked = Array.from({ length: 20 }, () => usual.startExecution({ stateMachineArn }));
    const outcomes = Promise.allSettled(asked);
    server.expectEnd();
    server.process.kill('SIGTERM');
    const [status] = await once(server.process, 'exit');
    assert.equal(status, 0, server.said);
    const answered = (await outcomes).filter((o) => o.status === 'fulfilled').map((o) => o.value);
    await server.start();
    for (const { executionArn } of answered)
        assert.equal((await ending(sfn, executionArn)).status, 'SUCCEEDED');
});

await run();
