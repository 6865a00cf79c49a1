// ValidateStateMachineDefinition.
import { assert, run, test } from './support/tap.mjs';
import { chain, pass, startServer } from './support/server.mjs';

const server = await startServer();
const sfn = server.client();

test('a definition that is valid', async () => {
    const answer = await sfn.validateStateMachineDefinition({ definition: pass });
    assert.equal(answer.result, 'OK');
    assert.deepEqual(answer.diagnostics.filter((d) => d.severity === 'ERROR'), []);
    assert.equal(answer.truncated, false);
});

test('one that is not: what, where', async () => {
    const answer = await sfn.validateStateMachineDefinition(
        { definition: '{"States": {"One": {"Type": "Pass", "End": true}}}', type: 'STANDARD' });
    assert.equal(answer.result, 'FAIL');
    assert.deepEqual(answer.diagnostics, [{ severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED',
        message: 'These fields are required: [StartAt]', location: '/' }]);
});

test('one that is no JSON', async () => {
    const answer = await sfn.validateStateMachineDefinition({ definition: '{"StartAt": ' });
    assert.equal(answer.result, 'FAIL');
    assert.equal(answer.diagnostics.length, 1);
    assert.equal(answer.diagnostics[0].severity, 'ERROR');
    assert(answer.diagnostics[0].message.length > 0);
});

test('what only Standard machines can do', async () => {
    const definition = chain({ Ask: { Type: 'Task', Parameters: { FunctionName: 'f' },
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken' } });
    assert.equal((await sfn.validateStateMachineDefinition({ definition, type: 'STANDARD' })).result, 'OK');
    const answer = await sfn.validateStateMachineDefinition({ definition, type: 'EXPRESS' });
    assert.equal(answer.result, 'FAIL');
    assert.equal(answer.diagnostics[0].location, '/States/Ask/Resource');
    assert.match(answer.diagnostics[0].message, /waitForTaskToken/);
});

test('maxResults cuts the list and says so', async () => {
    const broken = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`S${n}`, { Type: 'Pass' }]));
    const definition = JSON.stringify({ StartAt: 'S0', States: broken });
    const all = await sfn.validateStateMachineDefinition({ definition });
    assert(all.diagnostics.length >= 5);
    assert.equal(all.truncated, false);
    const some = await sfn.validateStateMachineDefinition({ definition, maxResults: 2 });
    assert.equal(some.diagnostics.length, 2);
    assert.equal(some.truncated, true);
    assert.equal(some.result, 'FAIL');
});

await run();
