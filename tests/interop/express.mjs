// Express machines: asynchronous starts, and StartSyncExecution. The SDK puts "sync-"
// before the host of that one operation, and "sync-127.0.0.1" is nobody's name: that is
// what disableHostPrefix turns off, the one setting beside the endpoint.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, given, isRecent, run, test, until } from './support/tap.mjs';
import { account, chain, createMachine, fresh, lambda, pass, refuses, startServer, waiting }
    from './support/server.mjs';

const server = await startServer();
const sfn = server.client({ disableHostPrefix: true });
const express = (definition, more) => createMachine(sfn, definition, { type: 'EXPRESS', ...more });
const expressArn = (machineArn, name) =>
    new RegExp(`^arn:aws:states:us-east-1:${account}:express:${machineArn.split(':').at(-1)}:${name}:[0-9a-f-]{36}$`);

test('StartSyncExecution answers the result', async () => {
    const stateMachineArn = await express(chain({ Upper: { Type: 'Task', Resource: lambda('upper') } }));
    const name = fresh('sync');
    const answer = await sfn.startSyncExecution({ stateMachineArn, name, input: '{"a":"b"}' });
    assert.match(answer.executionArn, expressArn(stateMachineArn, name));
    assert.equal(answer.stateMachineArn, stateMachineArn);
    assert.equal(answer.name, name);
    assert.equal(answer.status, 'SUCCEEDED', answer.cause);
    assert.equal(answer.input, '{"a":"b"}');
    assert.deepEqual(answer.inputDetails, { included: true });
    assert.equal(answer.output, '{"A":"B"}');
    assert.deepEqual(answer.outputDetails, { included: true });
    assert(isRecent(answer.stopDate) >= isRecent(answer.startDate));
    assert(Number.isInteger(answer.billingDetails.billedDurationInMilliseconds));
    assert(Number.isInteger(answer.billingDetails.billedMemoryUsedInMB));
});

test('StartSyncExecution without a name or input', async () => {
    const stateMachineArn = await express(pass);
    const answer = await sfn.startSyncExecution({ stateMachineArn });
    assert.match(answer.name, /^[0-9a-f-]{36}$/);
    assert.match(answer.executionArn, expressArn(stateMachineArn, answer.name));
    assert.equal(answer.output, '{}');
});

test('StartSyncExecution of a machine that fails is no error of the call', async () => {
    const stateMachineArn = await express(
        chain({ Bad: { Type: 'Fail', Error: 'Order.Lost', Cause: 'nobody has it' } }));
    const answer = await sfn.startSyncExecution({ stateMachineArn });
    assert.equal(answer.status, 'FAILED');
    assert.equal(answer.error, 'Order.Lost');
    assert.equal(answer.cause, 'nobody has it');
    assert.equal(answer.output, undefined);
});

test('StartSyncExecution of a machine that takes too long', async () => {
    const stateMachineArn = await express(
        chain({ Long: { Type: 'Wait', Seconds: 200 } }, { TimeoutSeconds: 1 }));
    const answer = await sfn.startSyncExecution({ stateMachineArn });
    assert.equal(answer.status, 'TIMED_OUT');
});

test('StartSyncExecution without the data', async () => {
    const stateMachineArn = await express(pass);
    const answer = await sfn.startSyncExecution(
        { stateMachineArn, input: '{"secret":1}', includedData: 'METADATA_ONLY' });
    assert.equal(answer.status, 'SUCCEEDED');
    assert.equal(answer.input, undefined);
    assert.equal(answer.output, undefined);
});

test('StartSyncExecution many at once, each gets its own', async () => {
    const stateMachineArn = await express(chain({ Echo: { Type: 'Task', Resource: lambda('echo') } }));
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) =>
        sfn.startSyncExecution({ stateMachineArn, name: 'all-alike', input: `{"n":${n}}` })));
    assert.deepEqual(answers.map((a) => a.output), answers.map((_, n) => `{"n":${n}}`));
    assert.equal(new Set(answers.map((a) => a.executionArn)).size, 60);
});

test('StartSyncExecution of a version', async () => {
    const stateMachineArn = await express(pass);
    const { stateMachineVersionArn } = await sfn.publishStateMachineVersion({ stateMachineArn });
    await sfn.updateStateMachine({ stateMachineArn, definition: chain({ No: { Type: 'Fail' } }) });
    const answer = await sfn.startSyncExecution({ stateMachineArn: stateMachineVersionArn });
    assert.equal(answer.status, 'SUCCEEDED');
});

test('StartExecution of an Express machine runs it, and a name may come again', async () => {
    const stateMachineArn = await express(chain({ Note: { Type: 'Task', Resource: lambda('note') } }));
    const name = fresh('async');
    const arns = [];
    for (const n of [1, 2]) {
        const answer = await sfn.startExecution({ stateMachineArn, name, input: `{"${name}":${n}}` });
        assert.deepEqual(given(answer), ['executionArn', 'startDate']);
        assert.match(answer.executionArn, expressArn(stateMachineArn, name));
        isRecent(answer.startDate);
        arns.push(answer.executionArn);
    }
    assert.notEqual(arns[0], arns[1]);
    await until(() => {
        const notes = readFileSync(join(server.dir, 'notes'), { encoding: 'utf8', flag: 'a+' });
        return [1, 2].every((n) => notes.includes(`{"${name}":${n}}`));
    }, 'both have run');
});

test('what Express executions have no API for', async () => {
    const stateMachineArn = await express(waiting);
    const { executionArn } = await sfn.startExecution({ stateMachineArn });
    const message = /^Invalid Arn: 'Resource type not valid in this context: express'$/;
    await refuses(sfn.describeExecution({ executionArn }), 'InvalidArn', message);
    await refuses(sfn.stopExecution({ executionArn }), 'InvalidArn', message);
    await refuses(sfn.getExecutionHistory({ executionArn }), 'InvalidArn', message);
    await refuses(sfn.listExecutions({ stateMachineArn }), 'StateMachineTypeNotSupported');
});

await run();
