// Every error that the API's reference documents for an operation, by an input that
// earns it. What is documented is read from the SDK itself, so that nothing is left out
// unnoticed: a pair is in `refused`, or in `elsewhere` with the reason.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assert, run, test } from './support/tap.mjs';
import { arn, chain, createMachine, fresh, pass, refuses, roleArn, sdkFolder, startServer, waiting }
    from './support/server.mjs';

const server = await startServer();
const sfn = server.client({ disableHostPrefix: true });

const standard = await createMachine(sfn, waiting);
const express = await createMachine(sfn, pass, { type: 'EXPRESS' });
const { stateMachineVersionArn: version } = await sfn.publishStateMachineVersion({ stateMachineArn: standard });
const { stateMachineAliasArn: alias } = await sfn.createStateMachineAlias({ name: 'TAKEN',
    routingConfiguration: [{ stateMachineVersionArn: version, weight: 100 }] });
const { executionArn: execution } = await sfn.startExecution(
    { stateMachineArn: standard, name: 'taken', input: '{}' });
const { activityArn: activity } = await sfn.createActivity({ name: 'taken' });

// One that may have little of anything, and has it.
const tight = await startServer(
    'limits: {machines_max: 1, activities_max: 1, activity_polls_max: 1, express_live_max: 16}\n');
const tightly = tight.client();
const tightMachine = await createMachine(tightly, waiting, { type: 'EXPRESS' });
const { activityArn: tightActivity } = await tightly.createActivity({ name: 'only' });

const noMachine = arn('stateMachine', 'nobody');
const noExecution = arn('execution', 'nobody', 'nothing');
const noActivity = arn('activity', 'nobody');
const labeled = `${standard}/Label`;
const bad = 'not:an:arn';
const long = (prefix) => prefix + 'x'.repeat(3000);
const tags = (count) => Array.from({ length: count }, (_, n) => ({ key: `k${n}`, value: 'v' }));
const machine = (more) => ({ name: fresh('never'), definition: pass, roleArn, ...more });
const keyless = { type: 'CUSTOMER_MANAGED_KMS_KEY' };
const keyed = { ...keyless, kmsKeyId: 'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000' };
const ownedWithKey = { ...keyed, type: 'AWS_OWNED_KEY' };
const undecided = { tracingConfiguration: {} };
const logging = { level: 'ALL', includeExecutionData: false, destinations: [] };
const route = (...pairs) => pairs.map(([stateMachineVersionArn, weight]) => ({ stateMachineVersionArn, weight }));
const routed = (name, ...pairs) => ({ name, routingConfiguration: route(...pairs) });

/** A token that its worker holds, one that was answered, one whose time is over. */
async function token(state, answer) {
    const { activityArn } = await sfn.createActivity({ name: fresh('asked') });
    const stateMachineArn = await createMachine(sfn,
        chain({ Work: { Type: 'Task', Resource: activityArn, ...state } }));
    const { executionArn } = await sfn.startExecution({ stateMachineArn });
    const { taskToken } = await sfn.getActivityTask({ activityArn });
    if (answer) await sfn.sendTaskSuccess({ taskToken, output: '1' });
    for (let status = 'RUNNING'; state && status === 'RUNNING';)
        ({ status } = await sfn.describeExecution({ executionArn }));
    return taskToken;
}
/** A machine with as many aliases as there may be, and its version. */
async function allAliases() {
    const stateMachineArn = await createMachine(sfn);
    const { stateMachineVersionArn: only } = await sfn.publishStateMachineVersion({ stateMachineArn });
    for (let n = 0; n < 100; n++) await sfn.createStateMachineAlias(routed(`A${n}`, [only, 100]));
    return routed('B', [only, 100]);
}

/** A machine with as many versions as there may be; made once. */
let full;
const definition = (n) => chain({ Say: { Type: 'Pass', Result: n } });
async function allVersions() {
    const stateMachineArn = await createMachine(sfn);
    for (let n = 0; n < 1000; n++)
        await sfn.updateStateMachine({ stateMachineArn, definition: definition(n), publish: true });
    await sfn.updateStateMachine({ stateMachineArn, definition: pass });
    return stateMachineArn;
}
const machineFull = () => (full ??= allVersions());

const held = () => token();
const answered = () => token({}, true);
const late = () => token({ TimeoutSeconds: 1 });
const with_ = (make, more) => async () => ({ taskToken: await make(), ...more });

/** As many Express executions at work as there may be. */
async function allAtWork() {
    for (let n = 0; n < 16; n++) await tightly.startExecution({ stateMachineArn: tightMachine });
    return { stateMachineArn: tightMachine };
}

// [operation, error, request or what makes it, message?, another server's client?]
const refused = [
    ['createActivity', 'InvalidName', { name: 'white space' }, /^Invalid Name: 'white space'$/],
    ['createActivity', 'InvalidEncryptionConfiguration', { name: fresh('a'), encryptionConfiguration: keyless }],
    ['createActivity', 'InvalidEncryptionConfiguration', { name: fresh('a'), encryptionConfiguration: keyed }],
    ['createActivity', 'ActivityLimitExceeded', { name: 'another' }, /limit activities_max/, tightly],
    ['createActivity', 'TooManyTags', { name: fresh('a'), tags: tags(51) }],
    ['describeActivity', 'InvalidArn', { activityArn: bad }, /^Invalid Arn: 'Invalid ARN prefix: not:an:arn'$/],
    ['describeActivity', 'ActivityDoesNotExist', { activityArn: noActivity }, /^Activity Does Not Exist: '/],
    ['deleteActivity', 'InvalidArn', { activityArn: bad }],
    ['listActivities', 'InvalidToken', { nextToken: 'bogus' }],
    ['getActivityTask', 'InvalidArn', { activityArn: bad }],
    ['getActivityTask', 'ActivityDoesNotExist', { activityArn: noActivity }],

    ['createStateMachine', 'InvalidName', machine({ name: 'a/b' }), /^Invalid Name: 'a\/b'$/],
    ['createStateMachine', 'InvalidArn', machine({ roleArn: bad })],
    ['createStateMachine', 'InvalidDefinition', machine({ definition: '{"States": {}}' }),
        /^Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: /],
    ['createStateMachine', 'InvalidDefinition', machine({ definition: '{' })],
    ['createStateMachine', 'InvalidEncryptionConfiguration', machine({ encryptionConfiguration: keyless })],
    ['createStateMachine', 'InvalidEncryptionConfiguration', machine({ encryptionConfiguration: keyed })],
    ['createStateMachine', 'InvalidEncryptionConfiguration', machine({ encryptionConfiguration: ownedWithKey })],
    ['createStateMachine', 'InvalidTracingConfiguration', machine(undecided)],
    ['createStateMachine', 'StateMachineLimitExceeded', machine(), /limit machines_max/, tightly],
    ['createStateMachine', 'InvalidLoggingConfiguration', machine({ loggingConfiguration: logging }),
        /^Invalid Logging Configuration: Must specify exactly one Log Destination\.$/],
    ['createStateMachine', 'StateMachineAlreadyExists', machine({ name: standard.split(':').at(-1) })],
    ['createStateMachine', 'TooManyTags', machine({ tags: tags(51) })],
    ['createStateMachine', 'ValidationException', machine({ versionDescription: 'alone' }),
        /^Version description can only be set when publish is true$/],
    ['createStateMachine', 'ValidationException', machine({ type: 'FAST' }),
        /^1 validation error detected: Value 'FAST' at 'type' failed to satisfy constraint: .* enum value set: \[/],
    ['describeStateMachine', 'InvalidArn', { stateMachineArn: bad }],
    ['describeStateMachine', 'StateMachineDoesNotExist', { stateMachineArn: noMachine },
        /^State Machine Does Not Exist: 'arn:.*:nobody'$/],
    ['updateStateMachine', 'InvalidArn', { stateMachineArn: bad, definition: pass }],
    ['updateStateMachine', 'StateMachineDoesNotExist', { stateMachineArn: noMachine, definition: pass }],
    ['updateStateMachine', 'InvalidDefinition', { stateMachineArn: standard, definition: '{}' }],
    ['updateStateMachine', 'InvalidEncryptionConfiguration',
        { stateMachineArn: standard, encryptionConfiguration: keyless }],
    ['updateStateMachine', 'InvalidLoggingConfiguration', { stateMachineArn: standard, loggingConfiguration: logging }],
    ['updateStateMachine', 'InvalidTracingConfiguration', { stateMachineArn: standard, ...undecided }],
    ['updateStateMachine', 'MissingRequiredParameter', { stateMachineArn: standard }],
    ['updateStateMachine', 'ValidationException',
        { stateMachineArn: standard, definition: pass, versionDescription: 'alone' }],
    ['deleteStateMachine', 'InvalidArn', { stateMachineArn: bad }],
    ['deleteStateMachine', 'ValidationException', { stateMachineArn: labeled }],
    ['updateStateMachine', 'ValidationException', { stateMachineArn: labeled, definition: pass }],
    ['listStateMachines', 'InvalidToken', { nextToken: 'bogus' }],
    ['describeStateMachineForExecution', 'InvalidArn', { executionArn: bad }],
    ['describeStateMachineForExecution', 'ExecutionDoesNotExist', { executionArn: noExecution }],
    ['validateStateMachineDefinition', 'ValidationException', { definition: pass, severity: 'LOUD' }],
    ['validateStateMachineDefinition', 'ValidationException', { definition: pass, maxResults: 101 }],

    ['publishStateMachineVersion', 'InvalidArn', { stateMachineArn: bad }],
    ['publishStateMachineVersion', 'StateMachineDoesNotExist', { stateMachineArn: noMachine }],
    ['publishStateMachineVersion', 'ConflictException', { stateMachineArn: standard, revisionId: 'gone' }],
    ['publishStateMachineVersion', 'ValidationException', { stateMachineArn: standard, description: long('') }],
    ['publishStateMachineVersion', 'ServiceQuotaExceededException',
        async () => ({ stateMachineArn: await machineFull() })],
    ['updateStateMachine', 'ServiceQuotaExceededException',
        async () => ({ stateMachineArn: await machineFull(), definition: definition(-1), publish: true })],
    ['deleteStateMachineVersion', 'InvalidArn', { stateMachineVersionArn: bad }],
    ['deleteStateMachineVersion', 'ConflictException', { stateMachineVersionArn: version }],
    ['deleteStateMachineVersion', 'ValidationException', { stateMachineVersionArn: long(`${standard}:`) }],
    ['listStateMachineVersions', 'InvalidArn', { stateMachineArn: bad }],
    ['listStateMachineVersions', 'InvalidToken', { stateMachineArn: standard, nextToken: 'bogus' }],
    ['listStateMachineVersions', 'ValidationException', { stateMachineArn: standard, maxResults: 1001 },
        /^1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: .* equal to 1000$/],

    ['createStateMachineAlias', 'InvalidArn', routed('A', [bad, 100])],
    ['createStateMachineAlias', 'ResourceNotFound', routed('A', [`${standard}:99`, 100])],
    ['createStateMachineAlias', 'ConflictException', { ...routed('TAKEN', [version, 100]), description: 'another' }],
    ['createStateMachineAlias', 'ValidationException', routed('A', [standard, 100]),
        /^Routing configuration must contain state machine version ARNs\. Received: \[/],
    ['createStateMachineAlias', 'ValidationException', routed('123', [version, 100]), /at 'name' failed to satisfy/],
    ['createStateMachineAlias', 'ValidationException', routed('A', [version, 99])],
    ['createStateMachineAlias', 'ValidationException', routed('A')],
    ['createStateMachineAlias', 'ServiceQuotaExceededException', allAliases],
    ['describeStateMachineAlias', 'InvalidArn', { stateMachineAliasArn: bad }],
    ['describeStateMachineAlias', 'ResourceNotFound', { stateMachineAliasArn: `${standard}:NOBODY` }],
    ['describeStateMachineAlias', 'ValidationException', { stateMachineAliasArn: long(`${standard}:`) }],
    ['updateStateMachineAlias', 'InvalidArn', { stateMachineAliasArn: bad, description: 'd' }],
    ['updateStateMachineAlias', 'ResourceNotFound', { stateMachineAliasArn: `${standard}:NOBODY`, description: 'd' }],
    ['updateStateMachineAlias', 'ValidationException', { stateMachineAliasArn: alias }],
    ['updateStateMachineAlias', 'ValidationException',
        { stateMachineAliasArn: alias, routingConfiguration: route([version, 1]) }],
    ['deleteStateMachineAlias', 'InvalidArn', { stateMachineAliasArn: bad }],
    ['deleteStateMachineAlias', 'ValidationException', { stateMachineAliasArn: long(`${standard}:`) }],
    ['listStateMachineAliases', 'InvalidArn', { stateMachineArn: bad }],
    ['listStateMachineAliases', 'InvalidToken', { stateMachineArn: standard, nextToken: 'bogus' }],
    ['listStateMachineAliases', 'StateMachineDoesNotExist', { stateMachineArn: noMachine }],

    ['startExecution', 'InvalidArn', { stateMachineArn: bad }],
    ['startExecution', 'StateMachineDoesNotExist', { stateMachineArn: noMachine }],
    ['startExecution', 'InvalidName', { stateMachineArn: standard, name: 'a:b' }, /^Invalid Name: 'a:b'$/],
    ['startExecution', 'InvalidExecutionInput', { stateMachineArn: standard, input: '{"a": ' }],
    ['startExecution', 'ExecutionAlreadyExists', { stateMachineArn: standard, name: 'taken', input: '[]' },
        /^Execution Already Exists: 'arn:/],
    ['startExecution', 'ExecutionLimitExceeded', allAtWork, /limit express_live_max/, tightly],
    ['startExecution', 'ValidationException', { stateMachineArn: labeled }],
    ['startSyncExecution', 'InvalidArn', { stateMachineArn: bad }],
    ['startSyncExecution', 'StateMachineDoesNotExist', { stateMachineArn: noMachine }],
    ['startSyncExecution', 'StateMachineTypeNotSupported', { stateMachineArn: standard }],
    ['startSyncExecution', 'InvalidName', { stateMachineArn: express, name: 'a:b' }],
    ['startSyncExecution', 'InvalidExecutionInput', { stateMachineArn: express, input: 'no' }],
    ['describeExecution', 'InvalidArn', { executionArn: bad }],
    ['describeExecution', 'InvalidArn', { executionArn: standard }],
    ['describeExecution', 'ExecutionDoesNotExist', { executionArn: noExecution }, /^Execution Does Not Exist: '/],
    ['getExecutionHistory', 'InvalidArn', { executionArn: bad }],
    ['getExecutionHistory', 'ExecutionDoesNotExist', { executionArn: noExecution }],
    ['getExecutionHistory', 'InvalidToken', { executionArn: execution, nextToken: 'bogus' }],
    ['stopExecution', 'InvalidArn', { executionArn: bad }],
    ['stopExecution', 'ExecutionDoesNotExist', { executionArn: noExecution }],
    ['stopExecution', 'ValidationException', { executionArn: execution, error: 'x'.repeat(257) }],
    ['redriveExecution', 'InvalidArn', { executionArn: bad }],
    ['redriveExecution', 'ExecutionDoesNotExist', { executionArn: noExecution }, /^Execution Does Not Exist: '/],
    ['redriveExecution', 'ExecutionNotRedrivable', { executionArn: execution },
        /^Execution is RUNNING and cannot be redriven$/],
    ['redriveExecution', 'ValidationException', { executionArn: execution, clientToken: 'white space' }],
    ['listExecutions', 'InvalidArn', { stateMachineArn: bad }],
    ['listExecutions', 'InvalidToken', { stateMachineArn: standard, nextToken: 'bogus' }],
    ['listExecutions', 'StateMachineDoesNotExist', { stateMachineArn: noMachine }],
    ['listExecutions', 'StateMachineTypeNotSupported', { stateMachineArn: express }],
    ['listExecutions', 'ValidationException', { stateMachineArn: standard, statusFilter: 'running' }],
    ['listExecutions', 'ValidationException', {}],

    ['sendTaskSuccess', 'InvalidToken', { taskToken: 'bogus', output: '{}' }],
    ['sendTaskSuccess', 'InvalidOutput', with_(held, { output: '{' })],
    ['sendTaskSuccess', 'TaskTimedOut', with_(answered, { output: '{}' })],
    ['sendTaskSuccess', 'TaskTimedOut', with_(late, { output: '{}' })],
    ['sendTaskFailure', 'InvalidToken', { taskToken: 'bogus' }],
    ['sendTaskFailure', 'TaskTimedOut', with_(answered)],
    ['sendTaskHeartbeat', 'InvalidToken', { taskToken: 'bogus' }],
    ['sendTaskHeartbeat', 'TaskTimedOut', with_(late)],

    ['tagResource', 'InvalidArn', { resourceArn: bad, tags: [] }],
    ['tagResource', 'ResourceNotFound', { resourceArn: noMachine, tags: tags(1) }],
    ['tagResource', 'TooManyTags', { resourceArn: activity, tags: tags(51) }],
    ['untagResource', 'InvalidArn', { resourceArn: bad, tagKeys: [] }],
    ['untagResource', 'ResourceNotFound', { resourceArn: noActivity, tagKeys: ['a'] }],
    ['listTagsForResource', 'InvalidArn', { resourceArn: bad }],
    ['listTagsForResource', 'ResourceNotFound', { resourceArn: noMachine }],
];

// Operations that are not built yet: they say so, and never succeed.
const unbuilt = {
    testState: { definition: '{"Type": "Pass", "End": true}', roleArn },
    describeMapRun: { mapRunArn: arn('mapRun', 'm/Label', 'x') },
    listMapRuns: { executionArn: execution },
    updateMapRun: { mapRunArn: arn('mapRun', 'm/Label', 'x'), maxConcurrency: 1 },
};

// Documented pairs that no input earns here, by "operation error" or by error alone.
const elsewhere = {
    ActivityWorkerLimitExceeded: 'of two polls at once the one that comes second: a test of its own, below',
    KmsAccessDeniedException: 'about keys of KMS; Pawl encrypts nothing with them',
    KmsInvalidStateException: 'about keys of KMS; Pawl encrypts nothing with them',
    KmsThrottlingException: 'about keys of KMS; Pawl encrypts nothing with them',
    StateMachineDeleting: 'a deletion here is over when it is answered',
    TaskDoesNotExist: 'a token is signed: what it names has existed',
    'createActivity ActivityAlreadyExists': 'of another encryption; the only one here is AWS_OWNED_KEY',
    'createStateMachine ConflictException': 'of concurrent publications; here they wait for each other',
    'createStateMachine StateMachineTypeNotSupported': 'an unknown type is a ValidationException, as recorded',
    'updateStateMachine ConflictException': 'of concurrent publications; here they wait for each other',
    'updateStateMachineAlias ConflictException': 'of concurrent updates; here they wait for each other',
    'deleteStateMachineAlias ConflictException': 'of concurrent updates; here they wait for each other',
    'deleteStateMachineAlias ResourceNotFound': 'deleting nothing succeeds, as recorded',
    'createStateMachineAlias InvalidName': 'an invalid name is a ValidationException, as recorded',
    'redriveExecution ExecutionLimitExceeded': 'what is redriven waits until there is room for it',
    'listExecutions ResourceNotFound': 'of map runs, which are not built yet',
    'listStateMachineAliases ResourceNotFound': 'a missing machine is StateMachineDoesNotExist',
};

const operationOf = (name) => name[0].toLowerCase() + name.slice(1);

/** ["createActivity InvalidName", ...], from the SDK's own documentation. */
function documented() {
    const folder = join(sdkFolder, 'dist-types/commands');
    return readdirSync(folder).filter((file) => file.endsWith('Command.d.ts')).flatMap((file) =>
        [...readFileSync(join(folder, file), 'utf8').matchAll(/@throws \{@link (\w+)\} \(client fault\)/g)]
            .map(([, error]) => `${operationOf(file.replace('Command.d.ts', ''))} ${error}`));
}

test('each documented error of each operation is tested here, or has a reason why not', () => {
    const here = new Set(refused.map(([operation, error]) => `${operation} ${error}`));
    const pairs = documented();
    assert(pairs.length > 150, `only ${pairs.length} pairs were read`);
    const [built, later] = [true, false].map((is) =>
        pairs.filter((pair) => is === !(pair.split(' ')[0] in unbuilt)));
    assert(later.length > 0);
    const excused = (pair) => elsewhere[pair] ?? elsewhere[pair.split(' ')[1]];
    assert.deepEqual(built.filter((pair) => !here.has(pair) && !excused(pair)), []);
    assert.deepEqual([...here].filter((pair) => !pairs.includes(pair)), []);
    assert.deepEqual(Object.keys(elsewhere).filter((key) =>
        !built.some((pair) => pair === key || pair.split(' ')[1] === key)), []);
});

test('each documented error stands in docs/api.md', () => {
    const page = readFileSync(join(process.env.PAWL_SOURCE_ROOT, 'docs/api.md'), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.split('|')[1]).join();
    const errors = new Set(documented().map((pair) => pair.split(' '))
        .filter(([operation]) => !(operation in unbuilt)).map(([, error]) => error));
    assert.deepEqual([...errors].filter((error) => !rows.includes(`\`${error}\``)), []);
});

for (const [operation, error, request, message, client] of refused) {
    const shown = typeof request === 'function' ? '' : ` ${JSON.stringify(request).slice(0, 70)}`;
    test(`${operation}: ${error}${shown}`, async () => {
        await refuses((client ?? sfn)[operation](typeof request === 'function' ? await request() : request), error, message);
    });
}

for (const [operation, request] of Object.entries(unbuilt)) {
    test(`${operation} is not built yet, and says so`, async () => {
        await assert.rejects(sfn[operation](request), (error) => {
            assert.equal(error.$fault, 'client');
            assert(error.$metadata.httpStatusCode >= 400 && error.$metadata.httpStatusCode < 500);
            assert(error.message.length > 20, error.message);
            return true;
        });
    });
}

test('getActivityTask: ActivityWorkerLimitExceeded for one poll too many', async () => {
    const enough = new AbortController();
    const polls = [1, 2].map(() =>
        tightly.getActivityTask({ activityArn: tightActivity }, { abortSignal: enough.signal }));
    await refuses(Promise.race(polls), 'ActivityWorkerLimitExceeded', /limit activity_polls_max/);
    enough.abort();
    await Promise.allSettled(polls);
});

test('a limit counts what there is, and lets the same be asked for again', async () => {
    await tightly.createActivity({ name: 'only' });
    await tightly.deleteActivity({ activityArn: tightActivity });
    await tightly.createActivity({ name: 'another' });
    await refuses(tightly.createActivity({ name: 'only' }), 'ActivityLimitExceeded');
    await tightly.deleteStateMachine({ stateMachineArn: tightMachine });
    await createMachine(tightly);
    await refuses(createMachine(tightly), 'StateMachineLimitExceeded');
});

test('what was refused left nothing behind', async () => {
    const { stateMachines } = await sfn.listStateMachines({});
    assert.deepEqual(stateMachines.filter((m) => m.name.startsWith('never')), []);
    assert.equal((await sfn.describeStateMachine({ stateMachineArn: standard })).definition, waiting);
    const { stateMachineVersions } = await sfn.listStateMachineVersions({ stateMachineArn: standard });
    assert.deepEqual(stateMachineVersions.map((v) => v.stateMachineVersionArn), [version]);
    const { tags: none } = await sfn.listTagsForResource({ resourceArn: activity });
    assert.deepEqual(none, []);
});

await run();
