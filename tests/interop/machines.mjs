// State machines: create, describe, update, list, delete.
import { assert, body, given, isRecent, run, test } from './support/tap.mjs';
import { account, arn, chain, createMachine, ending, fresh, pass, refuses, roleArn, startServer, waiting }
    from './support/server.mjs';

const server = await startServer();
const sfn = server.client();
const other = chain({ Other: { Type: 'Succeed' } });

test('CreateStateMachine answers an ARN and a Date', async () => {
    const name = fresh('created');
    const answer = await sfn.createStateMachine({ name, definition: pass, roleArn });
    assert.deepEqual(given(answer), ['creationDate', 'stateMachineArn']);
    assert.equal(answer.stateMachineArn, arn('stateMachine', name));
    isRecent(answer.creationDate);
});

test('CreateStateMachine again with the same content is the same machine', async () => {
    const request = { name: fresh('twice'), definition: pass, roleArn };
    const first = await sfn.createStateMachine(request);
    const second = await sfn.createStateMachine(
        { ...request, roleArn: `arn:aws:iam::${account}:role/another`, tags: [{ key: 'a', value: 'b' }] });
    assert.deepEqual(body(second), body(first));
    const { roleArn: kept } = await sfn.describeStateMachine({ stateMachineArn: first.stateMachineArn });
    assert.equal(kept, roleArn);
    for (const different of [{ definition: other }, { definition: ` ${pass}` }, { type: 'EXPRESS' },
        { tracingConfiguration: { enabled: true } }]) {
        const error = await refuses(sfn.createStateMachine({ ...request, ...different }),
            'StateMachineAlreadyExists');
        assert.equal(error.message, `State Machine Already Exists: '${first.stateMachineArn}'`);
    }
});

test('DescribeStateMachine gives what was created', async () => {
    const name = fresh('described');
    const definition = `  ${chain({ 'Zwölf "Boxkämpfer" 🥊': { Type: 'Pass', Result: 1.50 } })}\n`;
    const created = await sfn.createStateMachine({ name, definition, roleArn });
    const answer = await sfn.describeStateMachine({ stateMachineArn: created.stateMachineArn });
    assert.equal(answer.stateMachineArn, created.stateMachineArn);
    assert.equal(answer.name, name);
    assert.equal(answer.status, 'ACTIVE');
    assert.equal(answer.definition, definition);
    assert.equal(answer.roleArn, roleArn);
    assert.equal(answer.type, 'STANDARD');
    assert.deepEqual(answer.creationDate, created.creationDate);
    assert.deepEqual(answer.loggingConfiguration, { level: 'OFF', includeExecutionData: false });
    assert.deepEqual(answer.tracingConfiguration, { enabled: false });
    assert.equal(answer.revisionId, undefined);
});

test('DescribeStateMachine without the data leaves the definition out', async () => {
    const stateMachineArn = await createMachine(sfn);
    const answer = await sfn.describeStateMachine({ stateMachineArn, includedData: 'METADATA_ONLY' });
    assert.equal(answer.definition, '{}');
    assert.equal(answer.status, 'ACTIVE');
});

test('an Express machine and its tracing are kept', async () => {
    const stateMachineArn = await createMachine(sfn, pass,
        { type: 'EXPRESS', tracingConfiguration: { enabled: true } });
    const answer = await sfn.describeStateMachine({ stateMachineArn });
    assert.equal(answer.type, 'EXPRESS');
    assert.deepEqual(answer.tracingConfiguration, { enabled: true });
});

test('names with every allowed kind of character', async () => {
    for (const name of ['a', 'A.b-c_d', fresh('x').padEnd(80, 'y')]) {
        const stateMachineArn = await createMachine(sfn, pass, { name });
        assert.equal((await sfn.describeStateMachine({ stateMachineArn })).name, name);
    }
});

test('UpdateStateMachine changes the definition and gives a revision', async () => {
    const stateMachineArn = await createMachine(sfn);
    const updated = await sfn.updateStateMachine({ stateMachineArn, definition: other });
    assert.deepEqual(given(updated), ['revisionId', 'updateDate']);
    isRecent(updated.updateDate);
    const answer = await sfn.describeStateMachine({ stateMachineArn });
    assert.equal(answer.definition, other);
    assert.equal(answer.revisionId, updated.revisionId);
    assert.equal(answer.roleArn, roleArn);
});

test('UpdateStateMachine of the role alone keeps the definition', async () => {
    const stateMachineArn = await createMachine(sfn);
    const role = `arn:aws:iam::${account}:role/second`;
    const first = await sfn.updateStateMachine({ stateMachineArn, roleArn: role });
    const answer = await sfn.describeStateMachine({ stateMachineArn });
    assert.equal(answer.definition, pass);
    assert.equal(answer.roleArn, role);
    const same = await sfn.updateStateMachine({ stateMachineArn, definition: pass });
    assert.equal(same.revisionId, first.revisionId);
});

test('a running execution keeps the definition it began with', async () => {
    const stateMachineArn = await createMachine(sfn, waiting);
    const { executionArn } = await sfn.startExecution({ stateMachineArn });
    await sfn.updateStateMachine({ stateMachineArn, definition: other });
    const kept = await sfn.describeStateMachineForExecution({ executionArn });
    assert.equal(kept.stateMachineArn, stateMachineArn);
    assert.equal(kept.name, stateMachineArn.split(':').at(-1));
    assert.equal(kept.definition, waiting);
    assert.equal(kept.roleArn, roleArn);
    isRecent(kept.updateDate);
    const { executionArn: later } = await sfn.startExecution({ stateMachineArn });
    assert.equal((await ending(sfn, later)).status, 'SUCCEEDED');
    assert.equal((await sfn.describeStateMachineForExecution({ executionArn: later })).definition, other);
    await sfn.stopExecution({ executionArn });
});

test('ListStateMachines names each machine once', async () => {
    const mine = await createMachine(sfn, pass, { name: fresh('listed'), type: 'EXPRESS' });
    const { stateMachines } = await sfn.listStateMachines({});
    const found = stateMachines.filter((m) => m.stateMachineArn === mine);
    assert.equal(found.length, 1);
    assert.equal(found[0].name, mine.split(':').at(-1));
    assert.equal(found[0].type, 'EXPRESS');
    isRecent(found[0].creationDate);
});

test('DeleteStateMachine deletes, and deleting nothing succeeds', async () => {
    const stateMachineArn = await createMachine(sfn);
    for (let i = 0; i < 2; i++) {
        assert.deepEqual(body(await sfn.deleteStateMachine({ stateMachineArn })), {});
        await refuses(sfn.describeStateMachine({ stateMachineArn }), 'StateMachineDoesNotExist');
    }
    await refuses(sfn.startExecution({ stateMachineArn }), 'StateMachineDoesNotExist');
    const { stateMachines } = await sfn.listStateMachines({});
    assert(!stateMachines.some((m) => m.stateMachineArn === stateMachineArn));
    await createMachine(sfn, other, { name: stateMachineArn.split(':').at(-1) });
    assert.equal((await sfn.describeStateMachine({ stateMachineArn })).definition, other);
});

test('the region of a client is the one of what it makes', async () => {
    const there = server.client({ region: 'eu-west-1' });
    const name = fresh('there');
    const { stateMachineArn } = await there.createStateMachine({ name, definition: pass, roleArn });
    assert.equal(stateMachineArn, arn('stateMachine', name).replace('us-east-1', 'eu-west-1'));
    const { executionArn } = await there.startExecution({ stateMachineArn, name: 'one' });
    assert.equal(executionArn, `${stateMachineArn.replace(':stateMachine:', ':execution:')}:one`);
    assert.equal((await ending(there, executionArn)).stateMachineArn, stateMachineArn);
});

await run();
