// Pawl's JSONata beside jsonata-js: expressions from a seed, each asked of both.
//
//   PAWL_JSONATA_SEEDS=FROM-TO   these seeds and no others
//
// What differs is made as small as it can be and printed as a line for `pawl eval --batch`.
// Values must be equal (numbers to 13 digits: sums may be formed in another order), errors have
// the same code. Left out is what has no answer to compare with: an error of jsonata-js
// itself (one without a code), results that JSON cannot hold, and which of several members
// of one constructor fails first, since jsonata-js evaluates them at the same time.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { assert, atEnd, run, test } from './support/tap.mjs';
import { caseOf, smallerInputs, smallerTrees, textOf } from './support/expressions.mjs';

const jsonata = createRequire(join(process.env.PAWL_SOURCE_ROOT, 'build/clients/'))('jsonata');
const A_TEST = 100;
const TRIES = 1500; // at making one case smaller
const chosen = process.env.PAWL_JSONATA_SEEDS?.split('-').map(Number);
const [first, last] = chosen ?? (process.env.PAWL_LONG ? [1, 20000] : [1, 400]);

/** `pawl eval --batch`, one question at a time. */
class Pawl {
    async ask(expr, data) {
        if (!this.process) this.start();
        const question = JSON.stringify({ id: 0, expr, data, timelimit: 500 });
        this.process.stdin.write(`${question}\n`);
        const line = await this.lines.next();
        if (!line.done) return JSON.parse(line.value);
        this.process = undefined;
        return { crash: (await this.ended).join(' ') };
    }

    start() {
        this.process = spawn(process.env.PAWL_BIN, ['eval', '--batch'], { stdio: ['pipe', 'pipe', 'inherit'] });
        this.process.stdin.on('error', () => {});
        this.ended = new Promise((resolve) => this.process.on('close', (...how) => resolve(how)));
        this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    }

    end() { this.process?.stdin.end(); }
}

const pawl = new Pawl();
atEnd(() => pawl.end());

/** Is there something in it that JSON has no word for? */
function isForeign(value) {
    if (typeof value === 'number') return !Number.isFinite(value);
    if (typeof value === 'string') return !value.isWellFormed(); // half a character
    if (typeof value === 'function' || value instanceof RegExp) return true;
    if (value === null || typeof value !== 'object') return false;
    return value._jsonata_lambda || value._jsonata_function || Object.values(value).some(isForeign);
}

/** Runs out of patience after so many evaluations, as the other side does. */
function limited(expression) {
    let left = 200_000;
    const spend = () => { if (--left < 0) throw Object.assign(new Error('too long'), { own: true }); };
    expression.assign(Symbol.for('jsonata.__evaluate_entry'), spend);
    return expression;
}

async function reference(expr, data) {
    try {
        const value = await limited(jsonata(expr)).evaluate(data);
        if (value === undefined) return { undefined: true };
        return isForeign(value) ? null : { result: JSON.parse(JSON.stringify(value)) };
    } catch (error) {
        return typeof error.code === 'string' && !error.own ? { error: { code: error.code } } : null;
    }
}

function same(a, b) {
    if (typeof a === 'number' && typeof b === 'number')
        return a === b || Math.abs(a - b) <= 1e-13 * Math.max(Math.abs(a), Math.abs(b));
    if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
    const keys = Object.keys(a);
    return Array.isArray(a) === Array.isArray(b) && keys.length === Object.keys(b).length
        && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

function agree(want, got) {
    if (want.error || got.error) return want.error?.code === got.error?.code;
    return want.undefined === got.undefined && same(want.result, got.result) && !got.crash;
}

/** null when both say the same, or there is nothing to compare. */
async function difference(expr, data) {
    const want = await reference(expr, data);
    if (!want) return null;
    const got = await pawl.ask(expr, data);
    return agree(want, got) ? null : { expr, data, want, got };
}

/** One kind of difference must not turn into another while it shrinks. */
const kindOf = ({ want, got }) => [want, got].map((answer) => answer.error?.code
    ?? ['crash', 'undefined', 'function'].find((key) => key in answer) ?? 'result').join();

/** The smallest that still differs, by cuts one after the other. */
async function minimise(found, tree) {
    let tries = 0, smallest = found, better = true;
    while (better && tries < TRIES) {
        better = false;
        const cuts = [...smallerTrees(tree)].map((t) => [t, smallest.data])
            .concat([...smallerInputs(smallest.data)].map((d) => [tree, d]));
        for (const [t, d] of cuts) {
            if (++tries > TRIES) break;
            const less = await difference(textOf(t), d);
            if (!less || kindOf(less) !== kindOf(found)) continue;
            [smallest, tree, better] = [less, t, true];
            break;
        }
    }
    return smallest;
}

/** Two errors of one constructor: either may come first. */
const isRace = ({ expr, want, got }) => want.error && got.error && /[[{].*,/s.test(expr);

// Where Pawl does not follow; the list may only shrink.
const KNOWN = [
    // A group behind a block that is a function's result: jsonata-js groups the call that is still
    // to be made, a function, in place of what it gives.
    ({ expr }) => /function\(.*?\) \{ \(.*\)\{/s.test(expr),
    // A built-in that was partially applied is called without its signature, and what it does
    // with a wrong argument is JavaScript's accident. Pawl checks the argument.
    ({ expr, got }) => /\(\?|, \?/.test(expr) && got.error?.code === 'T0410',
];

async function play(from, to) {
    const found = [];
    for (let seed = from; seed <= to; seed++) {
        const { data, tree } = caseOf(seed);
        const one = await difference(textOf(tree), data);
        if (!one) continue;
        const smallest = await minimise(one, tree);
        if (!isRace(smallest) && !KNOWN.some((is) => is(smallest))) found.push({ seed, ...smallest });
    }
    return found;
}

for (let from = first; from <= last; from += A_TEST) {
    const to = Math.min(last, from + A_TEST - 1);
    test(`jsonata-js and Pawl agree on seeds ${from} to ${to}`, async () => {
        const found = await play(from, to);
        assert(found.length === 0, `${found.length} differ:\n${found.map((one) => JSON.stringify(one)).join('\n')}`);
    });
}

await run();
