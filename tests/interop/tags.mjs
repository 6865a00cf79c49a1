// Tags of machines and activities.
import { assert, body, run, test } from './support/tap.mjs';
import { createMachine, fresh, pass, startServer } from './support/server.mjs';

const server = await startServer();
const sfn = server.client();

const made = {
    machine: (tags) => createMachine(sfn, pass, { tags }),
    activity: async (tags) => (await sfn.createActivity({ name: fresh('tagged'), tags })).activityArn,
};
const pairs = (object) => Object.entries(object).map(([key, value]) => ({ key, value }));

async function tags(resourceArn) {
    const answer = await sfn.listTagsForResource({ resourceArn });
    return Object.fromEntries(answer.tags.map(({ key, value }) => [key, value]));
}

for (const [kind, make] of Object.entries(made)) {
    test(`${kind}: tags given at its creation`, async () => {
        assert.deepEqual(await tags(await make(pairs({ team: 'blue', empty: '' }))), { team: 'blue', empty: '' });
        assert.deepEqual(await tags(await make(undefined)), {});
    });

    test(`${kind}: TagResource adds and replaces, UntagResource removes`, async () => {
        const resourceArn = await make(pairs({ team: 'blue' }));
        assert.deepEqual(body(await sfn.tagResource(
            { resourceArn, tags: pairs({ team: 'red', 'größe/x:+-@': 'a b_c.d' }) })), {});
        assert.deepEqual(await tags(resourceArn), { team: 'red', 'größe/x:+-@': 'a b_c.d' });
        assert.deepEqual(body(await sfn.untagResource({ resourceArn, tagKeys: ['team', 'nobody'] })), {});
        assert.deepEqual(await tags(resourceArn), { 'größe/x:+-@': 'a b_c.d' });
        await sfn.tagResource({ resourceArn, tags: [] });
        assert.deepEqual(await tags(resourceArn), { 'größe/x:+-@': 'a b_c.d' });
    });

    test(`${kind}: fifty tags, which is the most`, async () => {
        const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`key-${n}`, `${n}`]));
        const resourceArn = await make(pairs(fifty));
        assert.deepEqual(await tags(resourceArn), fifty);
        await sfn.tagResource({ resourceArn, tags: pairs({ 'key-0': 'again' }) });
        assert.equal((await tags(resourceArn))['key-0'], 'again');
    });
}

await run();
