// RedriveExecution, and what tells of it: DescribeExecution, ListExecutions, GetExecutionHistory.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, given, isRecent, run, test } from './support/tap.mjs';
import { chain, createMachine, ending, fresh, lambda, refuses, startServer } from './support/server.mjs';

const server = await startServer();
const sfn = server.client();
const go = join(server.dir, 'go');

// Fails for an input that says so; then "hold" works until the file "go" is there.
const failing = chain({
    Before: { Type: 'Task', Resource: lambda('note'), ResultPath: null },
    Fail: { Type: 'Task', Resource: lambda('fail'), ResultPath: null },
});
const stateMachineArn = await createMachine(sfn, failing);
// One branch fails, the other is done.
const both = await createMachine(sfn, chain({ Both: { Type: 'Parallel', Branches: [
    { StartAt: 'Good', States: { Good: { Type: 'Task', Resource: lambda('echo'), End: true } } },
    { StartAt: 'Bad', States: { Bad: { Type: 'Task', Resource: lambda('fail'), End: true } } },
] } }));
const timed = await createMachine(sfn, chain(
    { Hold: { Type: 'Task', Resource: lambda('hold') } }, { TimeoutSeconds: 1 }));

const failed = async (machine = stateMachineArn, name = fresh('failed')) => {
    const { executionArn } = await sfn.startExecution({ stateMachineArn: machine, name });
    await ending(sfn, executionArn);
    return executionArn;
};
const history = async (executionArn) => (await sfn.getExecutionHistory({ executionArn, maxResults: 1000 })).events;
const types = (events) => events.map(({ type }) => type);

test('an execution that failed is redriven as often as one likes', async () => {
    const executionArn = await failed();
    const first = await history(executionArn);
    const before = await sfn.describeExecution({ executionArn });
    assert.deepEqual([before.redriveCount, before.redriveStatus, before.redriveDate, before.redriveStatusReason],
        [0, 'REDRIVABLE', undefined, undefined]);
    const answer = await sfn.redriveExecution({ executionArn });
    assert.deepEqual(given(answer), ['redriveDate']);
    isRecent(answer.redriveDate);
    const after = await ending(sfn, executionArn);
    assert.deepEqual([after.status, after.redriveCount, after.redriveStatus], ['FAILED', 1, 'REDRIVABLE']);
    assert.deepEqual(after.redriveDate, answer.redriveDate);
    assert.deepEqual(after.startDate, before.startDate);
    assert(after.stopDate > before.stopDate);
    await sfn.redriveExecution({ executionArn });
    assert.equal((await ending(sfn, executionArn)).redriveCount, 2);
    const events = await history(executionArn);
    assert.deepEqual(events.slice(0, first.length), first);
    assert.deepEqual(events.map(({ id }) => id), events.map((_, n) => n + 1));
    const redriven = events.filter(({ type }) => type === 'ExecutionRedriven');
    assert.deepEqual(redriven.map((e) => e.executionRedrivenEventDetails), [{ redriveCount: 1 }, { redriveCount: 2 }]);
    assert.equal(types(events).filter((type) => type === 'TaskStateExited').length, 1, 'what was done stays');
});

test('of a Parallel only the branch that failed goes on', async () => {
    const executionArn = await failed(both);
    const first = await history(executionArn);
    await sfn.redriveExecution({ executionArn });
    await ending(sfn, executionArn);
    const again = (await history(executionArn)).slice(first.length);
    assert.equal(again[0].type, 'ExecutionRedriven');
    assert.deepEqual(again.filter(({ type }) => type === 'LambdaFunctionScheduled')
        .map((e) => e.lambdaFunctionScheduledEventDetails.resource), [lambda('fail')]);
});

test('one that timed out and one that was stopped are redriven', async () => {
    if (existsSync(go)) rmSync(go);
    for (const stop of [false, true]) {
        const { executionArn } = await sfn.startExecution({ stateMachineArn: timed });
        if (stop) await sfn.stopExecution({ executionArn });
        assert.equal((await ending(sfn, executionArn)).status, stop ? 'ABORTED' : 'TIMED_OUT');
        writeFileSync(go, '');
        await sfn.redriveExecution({ executionArn });
        assert.equal((await ending(sfn, executionArn)).status, 'SUCCEEDED');
        rmSync(go);
        await refuses(sfn.redriveExecution({ executionArn }), 'ExecutionNotRedrivable',
            /^Execution is SUCCEEDED and cannot be redriven$/);
    }
});

test('the same clientToken redrives once', async () => {
    const executionArn = await failed();
    const clientToken = fresh('token');
    const answer = await sfn.redriveExecution({ executionArn, clientToken });
    await ending(sfn, executionArn);
    assert.deepEqual((await sfn.redriveExecution({ executionArn, clientToken })).redriveDate, answer.redriveDate);
    assert.equal((await sfn.describeExecution({ executionArn })).redriveCount, 1);
});

test('ListExecutions by redriveFilter, with statusFilter and in pages', async () => {
    const machine = await createMachine(sfn, failing);
    const arns = [];
    for (let n = 0; n < 5; n++) arns.push(await failed(machine, `n${n}`));
    for (const executionArn of [arns[1], arns[3]]) {
        await sfn.redriveExecution({ executionArn });
        await ending(sfn, executionArn);
    }
    const names = async (more) => {
        const found = [];
        let nextToken;
        do {
            const page = await sfn.listExecutions({ stateMachineArn: machine, nextToken, ...more });
            found.push(...page.executions);
            nextToken = page.nextToken;
        } while (nextToken);
        for (const { name, redriveCount, redriveDate } of found)
            assert.deepEqual([redriveCount, !!redriveDate], ['n1', 'n3'].includes(name) ? [1, true] : [0, false]);
        return found.map(({ name }) => name).join();
    };
    for (const more of [{}, { maxResults: 1 }, { maxResults: 2 }]) {
        assert.equal(await names({ ...more }), 'n4,n3,n2,n1,n0');
        assert.equal(await names({ ...more, redriveFilter: 'REDRIVEN' }), 'n3,n1');
        assert.equal(await names({ ...more, redriveFilter: 'NOT_REDRIVEN' }), 'n4,n2,n0');
        assert.equal(await names({ ...more, redriveFilter: 'REDRIVEN', statusFilter: 'FAILED' }), 'n3,n1');
        assert.equal(await names({ ...more, redriveFilter: 'REDRIVEN', statusFilter: 'SUCCEEDED' }), '');
    }
});

test('a strict server knows until when', async () => {
    const strict = await startServer('aws_limits: strict\n');
    const client = strict.client();
    const machine = await createMachine(client, failing);
    const { executionArn } = await client.startExecution({ stateMachineArn: machine });
    assert.equal((await ending(client, executionArn)).redriveStatus, 'REDRIVABLE');
    isRecent((await client.redriveExecution({ executionArn })).redriveDate);
});

await run();
