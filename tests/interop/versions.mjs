// Versions and aliases of state machines, and where a start through them leads.
import { assert, body, given, isRecent, run, test, until } from './support/tap.mjs';
import { chain, createMachine, ending, fresh, pass, refuses, roleArn, startServer }
    from './support/server.mjs';

const server = await startServer();
const sfn = server.client();
const saying = (word) => chain({ Say: { Type: 'Pass', Result: word } });

/** A machine with as many versions; the n-th says "n". */
async function versioned(count) {
    const stateMachineArn = await createMachine(sfn, saying('1'));
    const versions = [];
    for (let n = 1; n <= count; n++) {
        if (n > 1) await sfn.updateStateMachine({ stateMachineArn, definition: saying(`${n}`) });
        versions.push((await sfn.publishStateMachineVersion({ stateMachineArn })).stateMachineVersionArn);
    }
    return { stateMachineArn, versions };
}

const route = (...pairs) => pairs.map(([stateMachineVersionArn, weight]) => ({ stateMachineVersionArn, weight }));

async function output(stateMachineArn) {
    const { executionArn } = await sfn.startExecution({ stateMachineArn });
    return ending(sfn, executionArn);
}

test('PublishStateMachineVersion numbers versions', async () => {
    const { stateMachineArn, versions } = await versioned(3);
    assert.deepEqual(versions, [1, 2, 3].map((n) => `${stateMachineArn}:${n}`));
    const again = await sfn.publishStateMachineVersion({ stateMachineArn });
    assert.deepEqual(given(again), ['creationDate', 'stateMachineVersionArn']);
    assert.equal(again.stateMachineVersionArn, versions[2]);
    isRecent(again.creationDate);
});

test('CreateStateMachine and UpdateStateMachine publish', async () => {
    const name = fresh('published');
    const created = await sfn.createStateMachine(
        { name, definition: saying('1'), roleArn, publish: true, versionDescription: 'the first' });
    assert.equal(created.stateMachineVersionArn, `${created.stateMachineArn}:1`);
    const updated = await sfn.updateStateMachine({ stateMachineArn: created.stateMachineArn,
        definition: saying('2'), publish: true, versionDescription: 'the second' });
    assert.equal(updated.stateMachineVersionArn, `${created.stateMachineArn}:2`);
    for (const [version, description] of [[created, 'the first'], [updated, 'the second']]) {
        const answer = await sfn.describeStateMachine({ stateMachineArn: version.stateMachineVersionArn });
        assert.equal(answer.description, description);
        assert.equal(answer.stateMachineArn, version.stateMachineVersionArn);
    }
});

test('a version keeps its definition', async () => {
    const { stateMachineArn, versions } = await versioned(2);
    await sfn.updateStateMachine({ stateMachineArn, definition: saying('unpublished') });
    const definitions = [];
    for (const each of [...versions, stateMachineArn])
        definitions.push((await sfn.describeStateMachine({ stateMachineArn: each })).definition);
    assert.deepEqual(definitions, [saying('1'), saying('2'), saying('unpublished')]);
});

test('PublishStateMachineVersion of a revision that is gone', async () => {
    const stateMachineArn = await createMachine(sfn, saying('1'));
    const first = await sfn.updateStateMachine({ stateMachineArn, definition: saying('2') });
    const second = await sfn.updateStateMachine({ stateMachineArn, definition: saying('3') });
    await refuses(sfn.publishStateMachineVersion({ stateMachineArn, revisionId: first.revisionId }),
        'ConflictException', /current State Machine revision is/);
    const { stateMachineVersionArn } = await sfn.publishStateMachineVersion(
        { stateMachineArn, revisionId: second.revisionId, description: 'this one' });
    assert.equal(stateMachineVersionArn, `${stateMachineArn}:1`);
});

test('ListStateMachineVersions begins with the newest', async () => {
    const { stateMachineArn, versions } = await versioned(3);
    const { stateMachineVersions } = await sfn.listStateMachineVersions({ stateMachineArn });
    assert.deepEqual(stateMachineVersions.map((v) => v.stateMachineVersionArn), versions.toReversed());
    stateMachineVersions.forEach((v) => isRecent(v.creationDate));
});

test('DeleteStateMachineVersion deletes, and its number is not used again', async () => {
    const { stateMachineArn, versions } = await versioned(2);
    for (let i = 0; i < 2; i++)
        assert.deepEqual(body(await sfn.deleteStateMachineVersion({ stateMachineVersionArn: versions[1] })), {});
    const { stateMachineVersions } = await sfn.listStateMachineVersions({ stateMachineArn });
    assert.deepEqual(stateMachineVersions.map((v) => v.stateMachineVersionArn), [versions[0]]);
    const next = await sfn.publishStateMachineVersion({ stateMachineArn });
    assert.equal(next.stateMachineVersionArn, `${stateMachineArn}:3`);
});

test('StartExecution of a version runs that version', async () => {
    const { stateMachineArn, versions } = await versioned(2);
    const first = await output(versions[0]);
    assert.equal(first.output, '"1"');
    assert.equal(first.stateMachineArn, stateMachineArn);
    assert.equal(first.stateMachineVersionArn, versions[0]);
    assert.equal(first.stateMachineAliasArn, undefined);
    const latest = await output(stateMachineArn);
    assert.equal(latest.output, '"2"');
    assert.equal(latest.stateMachineVersionArn, undefined);
});

test('an alias: create, describe, update, list, delete', async () => {
    const { stateMachineArn, versions } = await versioned(2);
    const created = await sfn.createStateMachineAlias({ name: 'PROD', description: 'what people use',
        routingConfiguration: route([versions[0], 100]) });
    assert.deepEqual(given(created), ['creationDate', 'stateMachineAliasArn']);
    const { stateMachineAliasArn } = created;
    assert.equal(stateMachineAliasArn, `${stateMachineArn}:PROD`);

    const described = await sfn.describeStateMachineAlias({ stateMachineAliasArn });
    assert.equal(described.name, 'PROD');
    assert.equal(described.description, 'what people use');
    assert.deepEqual(described.routingConfiguration, route([versions[0], 100]));
    assert.deepEqual(described.creationDate, created.creationDate);
    isRecent(described.updateDate);

    const updated = await sfn.updateStateMachineAlias({ stateMachineAliasArn,
        routingConfiguration: route([versions[0], 30], [versions[1], 70]) });
    isRecent(updated.updateDate);
    const after = await sfn.describeStateMachineAlias({ stateMachineAliasArn });
    assert.deepEqual(after.routingConfiguration, route([versions[0], 30], [versions[1], 70]));
    assert.equal(after.description, 'what people use');

    const { stateMachineAliases } = await sfn.listStateMachineAliases({ stateMachineArn });
    assert.deepEqual(stateMachineAliases.map((a) => a.stateMachineAliasArn), [stateMachineAliasArn]);
    isRecent(stateMachineAliases[0].creationDate);
    const { stateMachineAliases: ofOther } = await sfn.listStateMachineAliases(
        { stateMachineArn: versions[1] });
    assert.deepEqual(ofOther.map((a) => a.stateMachineAliasArn), [stateMachineAliasArn]);

    for (let i = 0; i < 2; i++)
        assert.deepEqual(body(await sfn.deleteStateMachineAlias({ stateMachineAliasArn })), {});
    await refuses(sfn.describeStateMachineAlias({ stateMachineAliasArn }), 'ResourceNotFound');
});

test('creating the same alias again changes nothing', async () => {
    const { versions } = await versioned(2);
    const request = { name: 'SAME', routingConfiguration: route([versions[0], 100]) };
    const first = await sfn.createStateMachineAlias(request);
    assert.deepEqual(body(await sfn.createStateMachineAlias(request)), body(first));
    await refuses(sfn.createStateMachineAlias(
        { ...request, routingConfiguration: route([versions[1], 100]) }), 'ConflictException');
});

test('StartExecution of an alias goes where it leads', async () => {
    const { versions } = await versioned(2);
    const { stateMachineAliasArn } = await sfn.createStateMachineAlias(
        { name: 'LIVE', routingConfiguration: route([versions[0], 100]) });
    const first = await output(stateMachineAliasArn);
    assert.equal(first.output, '"1"');
    assert.equal(first.stateMachineAliasArn, stateMachineAliasArn);
    assert.equal(first.stateMachineVersionArn, versions[0]);
    await sfn.updateStateMachineAlias(
        { stateMachineAliasArn, routingConfiguration: route([versions[1], 100]) });
    assert.equal((await output(stateMachineAliasArn)).output, '"2"');
});

test('two weights: both versions run, each about as often as its weight says', async () => {
    const { versions } = await versioned(2);
    const { stateMachineAliasArn } = await sfn.createStateMachineAlias(
        { name: 'SPLIT', routingConfiguration: route([versions[0], 25], [versions[1], 75]) });
    const said = await Promise.all(Array.from({ length: 200 }, () => output(stateMachineAliasArn)));
    const first = said.filter((answer) => answer.output === '"1"').length;
    said.forEach((answer) => assert.equal(answer.stateMachineVersionArn,
        versions[Number(JSON.parse(answer.output)) - 1]));
    // Five standard deviations around 50 of 200.
    assert(first > 19 && first < 81, `${first} of 200 took the version with weight 25`);
});

test('ListExecutions by version and by alias', async () => {
    const { stateMachineArn, versions } = await versioned(2);
    const { stateMachineAliasArn } = await sfn.createStateMachineAlias(
        { name: 'LISTED', routingConfiguration: route([versions[1], 100]) });
    const plain = await output(stateMachineArn);
    const ofVersion = await output(versions[0]);
    const ofAlias = await output(stateMachineAliasArn);
    const listed = (of) => until(async () => {
        const { executions } = await sfn.listExecutions({ stateMachineArn: of });
        return executions.length && executions.every((e) => e.status === 'SUCCEEDED') && executions;
    }, `executions of ${of}`);
    await until(async () => (await listed(stateMachineArn)).length === 3, 'three executions');
    for (const [of, expected] of [[versions[0], ofVersion], [versions[1], ofAlias],
        [stateMachineAliasArn, ofAlias]]) {
        const executions = await listed(of);
        assert.deepEqual(executions.map((e) => e.executionArn), [expected.executionArn]);
        assert.equal(executions[0].stateMachineVersionArn, expected.stateMachineVersionArn);
        assert.equal(executions[0].stateMachineAliasArn, expected.stateMachineAliasArn);
    }
    assert.notEqual(plain.executionArn, ofVersion.executionArn);
});

test('DescribeStateMachineForExecution of a version names its revision', async () => {
    const stateMachineArn = await createMachine(sfn, pass);
    const { revisionId, stateMachineVersionArn } = await sfn.updateStateMachine(
        { stateMachineArn, definition: saying('1'), publish: true });
    const { executionArn } = await output(stateMachineVersionArn);
    const answer = await sfn.describeStateMachineForExecution({ executionArn });
    assert.equal(answer.definition, saying('1'));
    assert.equal(answer.revisionId, revisionId);
});

await run();
