// Tests of one file, one after the other, as TAP.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';

const tests = [];
const endings = [];

export function test(name, body) {
    tests.push({ name, body });
}

/** Runs when all tests have, the last one first. */
export function atEnd(ending) {
    endings.push(ending);
}

const said = (text) => text.split('\n').filter((line) => !line.includes('/node_modules/'))
    .map((line) => `# ${line}\n`).join('');

/** The last call of every file. A name on the command line chooses. */
export async function run() {
    const wanted = process.argv.slice(2);
    const chosen = tests.filter(({ name }) => wanted.every((part) => name.includes(part)));
    console.log(`1..${chosen.length}`);
    for (const [index, { name, body }] of chosen.entries()) {
        let verdict = 'ok';
        try {
            await body();
        } catch (error) {
            verdict = 'not ok';
            process.exitCode = 1;
            process.stdout.write(said(inspect(error, { depth: 6 })));
        }
        console.log(`${verdict} ${index + 1} - ${name.replaceAll('#', '')}`);
    }
    for (const ending of endings.reverse()) {
        try {
            await ending();
        } catch (error) {
            process.exitCode = 1;
            process.stdout.write(said(inspect(error)));
        }
    }
}

/** A condition that must come true; longer than this means it never will. */
export async function until(condition, what) {
    const deadline = Date.now() + 60_000;
    for (;;) {
        const value = await condition();
        if (value) return value;
        assert(Date.now() < deadline, `it never happened: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

/** A Date not far from now: the wire's numbers became one. */
export function isRecent(value) {
    assert(value instanceof Date, `not a Date: ${inspect(value)}`);
    assert(Math.abs(Date.now() - value.getTime()) < 300_000, `not now: ${value.toISOString()}`);
    return value;
}

/** The fields of an answer, without what the SDK says about the exchange. */
export function body(answer) {
    const { $metadata, ...rest } = answer;
    assert.equal($metadata.httpStatusCode, 200);
    assert.match($metadata.requestId, /^[0-9a-f-]{36}$/);
    return rest;
}

/** Those fields that have a value. */
export function given(answer) {
    return Object.keys(body(answer)).filter((key) => answer[key] !== undefined).sort();
}

export { assert };
