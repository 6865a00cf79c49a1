// `pawl serve` as a process of its own, which a test may kill and start again, and
// clients of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { assert, atEnd } from './tap.mjs';

const clients = join(process.env.PAWL_SOURCE_ROOT, 'build/clients/');
const fromClients = createRequire(clients);

/** The AWS SDK's package, as it is published. */
export const sdk = fromClients('@aws-sdk/client-sfn');
export const sdkFolder = join(clients, 'node_modules/@aws-sdk/client-sfn');

// What anybody has in their environment: a region and credentials, which nobody checks.
process.env.AWS_REGION = 'us-east-1';
process.env.AWS_ACCESS_KEY_ID = 'test';
process.env.AWS_SECRET_ACCESS_KEY = 'test';

export const account = '000000000000';
export const arn = (kind, ...rest) => ['arn:aws:states:us-east-1', account, kind, ...rest].join(':');
export const lambda = (name) => `arn:aws:lambda:us-east-1:${account}:function:${name}`;
export const roleArn = `arn:aws:iam::${account}:role/pawl`;

// {dir} is the server's own folder. "hold" works until the file "go" is there.
const bindings = (dir) => `bindings:
  - {resource: "${lambda('echo')}", echo: true}
  - {resource: "${lambda('upper')}", exec: [sh, -c, "tr a-z A-Z"]}
  - {resource: "${lambda('note')}", exec: [sh, -c, "tee -a ${dir}/notes"]}
  - {resource: "${lambda('hold')}",
     exec: [sh, -c, "echo >> ${dir}/held; while [ ! -e ${dir}/go ]; do sleep 0.05; done; cat"]}
  - {resource: "${lambda('fail')}", exec: [sh, -c, "echo broken >&2; exit 3"]}
`;

class Server {
    constructor(settings = '') {
        this.dir = mkdtempSync(join(tmpdir(), 'pawl-interop-'));
        this.port = 0;
        writeFileSync(join(this.dir, 'pawl.yaml'), `${settings}\n${bindings(this.dir)}`);
    }

    /** The same port as before, once there was one. */
    async start() {
        this.process = spawn(process.env.PAWL_BIN,
            ['serve', '--listen', `127.0.0.1:${this.port}`, '--data', join(this.dir, 'data'),
             '--config', join(this.dir, 'pawl.yaml')],
            { cwd: this.dir, stdio: ['ignore', 'pipe', 'pipe'] });
        this.ended = once(this.process, 'exit');
        this.asked = false;
        this.process.on('exit', (status, signal) => this.#gone(signal ?? status));
        this.said = '';
        this.process.stderr.on('data', (piece) => { this.said += piece; });
        const told = new Promise((resolve) => {
            for (const stream of [this.process.stdout, this.process.stderr]) {
                createInterface({ input: stream }).on('line', (line) => {
                    const place = line.match(/http:\/\/127\.0\.0\.1:(\d+)/);
                    if (place) resolve(Number(place[1]));
                });
            }
        });
        this.port = await Promise.race([told, this.ended.then(([status]) => {
            throw new Error(`pawl serve ended with ${status}: ${this.said}`);
        })]);
        this.endpoint = `http://127.0.0.1:${this.port}`;
    }

    /** Nobody asked it to end: whoever calls it would wait for ever. */
    #gone(how) {
        if (this.asked) return;
        process.stdout.write(`${this.said.replace(/^/gm, '# ')}\nBail out! pawl serve ended by itself: ${how}\n`);
        process.exit(1);
    }

    /** The process is about to be told to end. */
    expectEnd() {
        this.asked = true;
    }

    /** As a power cut would. */
    async kill() {
        this.expectEnd();
        this.process.kill('SIGKILL');
        await this.ended;
    }

    /** As an operator would: it must end well, and sanitizers have nothing to say. */
    async stop() {
        this.expectEnd();
        this.process.kill('SIGTERM');
        const [status, signal] = await this.ended;
        assert.equal(status, 0, `ended by ${signal ?? status}: ${this.said}`);
        rmSync(this.dir, { recursive: true, force: true });
    }

    /** An SDK client: `settings` beside the endpoint, where a test is about them. */
    client(settings = {}) {
        const client = new sdk.SFN({ endpoint: this.endpoint, ...settings });
        atEnd(() => client.destroy());
        return client;
    }
}

/** settings: what stands in its pawl.yaml before the bindings. */
export async function startServer(settings) {
    const server = new Server(settings);
    await server.start();
    atEnd(() => server.stop());
    return server;
}

let count = 0;
export const fresh = (what) => `${what}-${process.pid}-${++count}`;

/** A definition: its states in order, the last one ends. */
export function chain(states, rest = {}) {
    const names = Object.keys(states);
    const linked = names.map((name, at) => [name, at + 1 < names.length
        ? { ...states[name], Next: names[at + 1] }
        : /^(Succeed|Fail)$/.test(states[name].Type) ? states[name] : { ...states[name], End: true }]);
    return JSON.stringify({ StartAt: names[0], States: Object.fromEntries(linked), ...rest });
}

export const pass = chain({ Only: { Type: 'Pass' } });
export const waiting = chain({ Long: { Type: 'Wait', Seconds: 3600 } });

/** A new machine's ARN. */
export async function createMachine(sfn, definition = pass, more = {}) {
    const answer = await sfn.createStateMachine({ name: fresh('machine'), definition, roleArn, ...more });
    return answer.stateMachineArn;
}

/** What a refusal must be: the SDK's own class for it. */
export async function refuses(promise, name, message) {
    let error;
    await promise.catch((caught) => { error = caught; });
    assert(error, `${name} was expected, and it succeeded`);
    assert.equal(error.name, name, error.message);
    assert(error instanceof sdk.SFNServiceException);
    if (sdk[name]) assert(error instanceof sdk[name], `${name} is not of its class`);
    assert.equal(error.$fault, 'client');
    // The reference gives a few of them statuses of their own.
    assert([400, 402, 409].includes(error.$metadata.httpStatusCode), `status ${error.$metadata.httpStatusCode}`);
    if (message) assert.match(error.message, message);
    return error;
}

/** DescribeExecution, once it has ended. */
export async function ending(sfn, executionArn) {
    for (;;) {
        const answer = await sfn.describeExecution({ executionArn });
        if (answer.status !== 'RUNNING') return answer;
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

/**
 * What a program does that wants its call done: the SDK's retries are few, and many failures
 * in a row use up its retry quota; so it calls again as long as nobody answers.
 */
export async function insist(call, onBroken = () => {}) {
    for (;;) {
        try {
            return await call();
        } catch (error) {
            if (error.name === 'AbortError' || error.$metadata?.httpStatusCode) throw error;
            onBroken();
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    }
}
