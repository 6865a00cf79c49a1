// The SDK's paginators, and the lists it has none for.
import { assert, run, test, until } from './support/tap.mjs';
import { chain, createMachine, ending, fresh, pass, sdk, startServer, waiting } from './support/server.mjs';

const server = await startServer();
const sfn = server.client();

/** What a paginator gives, page by page. */
async function pages(paginator, field) {
    const all = [];
    for await (const page of paginator) all.push(page[field]);
    return all;
}

function split(all, size, expected) {
    assert.deepEqual(all.flat(), expected);
    for (const [index, page] of all.entries())
        assert(index + 1 === all.length ? page.length <= size : page.length === size,
            `page ${index + 1} of ${all.length} has ${page.length}`);
}

const prefix = fresh('p');
const machines = [];
const activities = [];
for (let n = 0; n < 7; n++) {
    machines.push(await createMachine(sfn, pass, { name: `${prefix}-${n}` }));
    activities.push((await sfn.createActivity({ name: `${prefix}-${n}` })).activityArn);
}

test('paginateListStateMachines', async () => {
    const found = await pages(sdk.paginateListStateMachines({ client: sfn, pageSize: 3 }, {}), 'stateMachines');
    assert.equal(found.flat().length, 7);
    split(found.map((page) => page.map((m) => m.stateMachineArn)), 3,
        found.flat().map((m) => m.stateMachineArn));
    assert.deepEqual(found.flat().map((m) => m.stateMachineArn).sort(), machines);
});

test('paginateListActivities', async () => {
    const found = await pages(sdk.paginateListActivities({ client: sfn, pageSize: 3 }, {}), 'activities');
    assert.deepEqual(found.map((page) => page.length), [3, 3, 1]);
    assert.deepEqual(found.flat().map((a) => a.activityArn).sort(), activities);
});

test('paginateListExecutions', async () => {
    const stateMachineArn = await createMachine(sfn, pass);
    const started = [];
    for (let n = 0; n < 25; n++) {
        const { executionArn } = await sfn.startExecution({ stateMachineArn });
        await ending(sfn, executionArn);
        started.unshift(executionArn);
    }
    const list = (more) => pages(sdk.paginateListExecutions(
        { client: sfn, pageSize: 10 }, { stateMachineArn, ...more }), 'executions');
    const found = await until(async () => {
        const all = await list({ statusFilter: 'SUCCEEDED' });
        return all.flat().length === 25 && all;
    }, '25 executions');
    split(found.map((page) => page.map((e) => e.executionArn)), 10, started);
    split((await list({})).map((page) => page.map((e) => e.executionArn)), 10, started);
});

test('paginateListExecutions while executions are started: none twice, none missing', async () => {
    const stateMachineArn = await createMachine(sfn, waiting);
    const started = [];
    const start = async () => started.push((await sfn.startExecution({ stateMachineArn })).executionArn);
    for (let n = 0; n < 12; n++) await start();
    await until(async () => (await sfn.listExecutions({ stateMachineArn })).executions.length === 12,
        '12 executions');
    const before = [...started];
    const found = [];
    for await (const page of sdk.paginateListExecutions({ client: sfn, pageSize: 5 }, { stateMachineArn })) {
        found.push(...page.executions.map((e) => e.executionArn));
        await start();
    }
    assert.equal(new Set(found).size, found.length);
    assert.deepEqual(before.filter((each) => !found.includes(each)), []);
});

test('paginateGetExecutionHistory, forward and back', async () => {
    const states = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`S${n}`, { Type: 'Pass' }]));
    const stateMachineArn = await createMachine(sfn, chain(states));
    const { executionArn } = await sfn.startExecution({ stateMachineArn });
    await ending(sfn, executionArn);
    for (const reverseOrder of [false, true]) {
        const found = await pages(sdk.paginateGetExecutionHistory(
            { client: sfn, pageSize: 12 }, { executionArn, reverseOrder }), 'events');
        const ids = Array.from({ length: 42 }, (_, n) => n + 1);
        split(found.map((page) => page.map((e) => e.id)), 12, reverseOrder ? ids.reverse() : ids);
    }
});

// Operations that page but have no paginator in the SDK.
async function follow(operation, request, field) {
    const all = [];
    let nextToken;
    do {
        const answer = await sfn[operation]({ ...request, maxResults: 2, nextToken });
        all.push(answer[field]);
        nextToken = answer.nextToken;
    } while (nextToken);
    return all;
}

test('listStateMachineVersions and listStateMachineAliases by nextToken', async () => {
    const stateMachineArn = await createMachine(sfn, pass);
    const aliases = [];
    for (let n = 1; n <= 5; n++) {
        const { stateMachineVersionArn } = await sfn.updateStateMachine({ stateMachineArn, publish: true,
            definition: chain({ [`S${n}`]: { Type: 'Pass' } }) });
        aliases.push((await sfn.createStateMachineAlias({ name: `A${n}`,
            routingConfiguration: [{ stateMachineVersionArn, weight: 100 }] })).stateMachineAliasArn);
    }
    split((await follow('listStateMachineVersions', { stateMachineArn }, 'stateMachineVersions'))
        .map((page) => page.map((v) => v.stateMachineVersionArn)), 2,
        [5, 4, 3, 2, 1].map((n) => `${stateMachineArn}:${n}`));
    const found = (await follow('listStateMachineAliases', { stateMachineArn }, 'stateMachineAliases'))
        .map((page) => page.map((a) => a.stateMachineAliasArn));
    split(found, 2, found.flat());
    assert.deepEqual(found.flat().sort(), aliases);
});

await run();
