// That nothing of the SDK's client was forgotten by the tests beside this one.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assert, run, test } from './support/tap.mjs';
import { sdk } from './support/server.mjs';

const folder = join(process.env.PAWL_SOURCE_ROOT, 'tests/interop');
const text = readdirSync(folder).filter((file) => file.endsWith('.mjs'))
    .map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');

test('every operation of the SDK is called', () => {
    const operations = Object.keys(sdk).filter((name) => /^[A-Z]\w*Command$/.test(name))
        .map((name) => name[0].toLowerCase() + name.slice(1).replace(/Command$/, ''));
    assert(operations.length >= 37, operations);
    assert.deepEqual(operations.filter((name) => !text.includes(`sfn.${name}(`)
        && !new RegExp(`^    ${name}: \\{|follow\\('${name}'`, 'm').test(text)), []);
});

test('every paginator of the SDK is used', () => {
    const paginators = Object.keys(sdk).filter((name) => name.startsWith('paginate'));
    assert.deepEqual(paginators.filter((name) => !text.includes(`sdk.${name}(`)), ['paginateListMapRuns']);
});

await run();
