// ValidateStateMachineDefinition.
import { assert, run, test } from './support/tap.mjs';
import { chain, createMachine, pass, refuses, startServer } from './support/server.mjs';

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

const newer = chain({ One: { Type: 'Pass', Output: { v: '{% $states.input.a ?? 1 %}' } } }, { QueryLanguage: 'JSONata' });
const isRefused = 'The symbol "?" cannot be used as a unary operator';

test('JSONata newer than 2.0.6 is taken', async () => {
    assert.equal((await sfn.validateStateMachineDefinition({ definition: newer })).result, 'OK');
});

test('with aws_limits: strict it is not: when validated, created and updated', async () => {
    const strict = (await startServer('aws_limits: strict')).client();
    const answer = await strict.validateStateMachineDefinition({ definition: newer });
    assert.equal(answer.result, 'FAIL');
    assert.deepEqual(answer.diagnostics, [{ severity: 'ERROR', code: 'INVALID_JSONATA_EXPRESSION',
        message: isRefused, location: '/States/One/Output/v' }]);
    const stateMachineArn = await createMachine(strict);
    for (const asked of [createMachine(strict, newer), strict.updateStateMachine({ stateMachineArn, definition: newer })])
        assert.equal((await refuses(asked, 'InvalidDefinition')).message, 'Invalid State Machine Definition: '
            + `'INVALID_JSONATA_EXPRESSION: ${isRefused} at /States/One/Output/v'`);
});

test('an expression that reads what is not there', async () => {
    const definition = chain({ One: { Type: 'Pass', Output: ['{% $$ %}', '{% phone %}', '{% $states.errorOutput %}'] } },
        { QueryLanguage: 'JSONata' });
    const { diagnostics } = await sfn.validateStateMachineDefinition({ definition });
    assert.deepEqual(diagnostics.map((d) => [d.code, d.message]), [
        "Reference to '$$' is not supported.",
        "Reference to 'phone' at the top level is not supported.",
        "Field '$states.errorOutput' does not exist.",
    ].map((message) => ['UNSUPPORTED_JSONATA_EXPRESSION', message]));
});

await run();
