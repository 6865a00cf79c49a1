// `kill -9` of the server, fifty times, under a stream of starts, activity tasks and timers
// from SDK clients. At the end every start that was acknowledged has succeeded, with each
// of its steps completed once.
import { assert, run, test } from './support/tap.mjs';
import { chain, createMachine, ending, fresh, insist, lambda, startServer } from './support/server.mjs';

const KILLS = 50;
const STARTERS = 4;
const WORKERS = 4;
const server = await startServer();
const sfn = server.client();
const told = (text) => console.log(`# ${text}`);

/** A task whose reply was lost by a kill is not given out again before its time is over. */
const again = [{ ErrorEquals: ['States.Timeout'], IntervalSeconds: 1, MaxAttempts: 100, BackoffRate: 1 }];

const { activityArn } = await sfn.createActivity({ name: fresh('work') });
const states = {
    Before: { Type: 'Pass', Result: 'b', ResultPath: '$.before' },
    Work: { Type: 'Task', Resource: activityArn, HeartbeatSeconds: 3, Retry: again, ResultPath: '$.work' },
    Pause: { Type: 'Wait', Seconds: 1 },
    Echo: { Type: 'Task', Resource: lambda('echo') },
};
const stateMachineArn = await createMachine(sfn, chain(states));

const stream = { acknowledged: new Map(), answered: 0, uncertain: 0, late: 0, broken: 0, over: false, drained: false };
let progress = () => {};
const insisting = (call) => insist(call, () => { stream.broken++; });

async function starter() {
    while (!stream.over) {
        const name = fresh('e');
        const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
        try {
            const answer = await insisting(() => sfn.startExecution(
                { stateMachineArn, name, input: `{"name":"${name}"}` }));
            assert.equal(answer.executionArn, executionArn);
            stream.acknowledged.set(executionArn, answer.startDate);
        } catch (error) {
            // Sent again after its reply was lost and the execution had ended.
            if (error.name !== 'ExecutionAlreadyExists') throw error;
            stream.uncertain++;
            stream.acknowledged.set(executionArn, null);
        }
        progress();
    }
}

async function worker(signal) {
    while (!stream.drained) {
        let task;
        try {
            task = await insisting(() => sfn.getActivityTask({ activityArn }, { abortSignal: signal }));
        } catch (error) {
            if (error.name === 'AbortError') return;
            throw error;
        }
        if (!task.taskToken) continue;
        try {
            await insisting(() => sfn.sendTaskSuccess({ taskToken: task.taskToken, output: '"done"' }));
            stream.answered++;
        } catch (error) {
            // Sent again after its reply was lost, or its time was over meanwhile.
            if (error.name !== 'TaskTimedOut') throw error;
            stream.late++;
        }
        progress();
    }
}

/** Resolves when as many more starts and answers were acknowledged. */
function happenings(count) {
    return new Promise((resolve) => {
        progress = () => { if (--count <= 0) resolve(); };
    });
}

test(`nothing acknowledged is lost by ${KILLS} kills`, async () => {
    const stop = new AbortController();
    const failures = [];
    const starters = Array.from({ length: STARTERS }, starter);
    const workers = Array.from({ length: WORKERS }, () => worker(stop.signal));
    const failed = Promise.race([...starters, ...workers].map((each) =>
        each.then(() => new Promise(() => {}), (error) => { failures.push(error); })));
    for (let kill = 0; kill < KILLS && !failures.length; kill++) {
        // From just after the first reply to well into the stream.
        await Promise.race([failed, happenings(1 + (kill * 7) % 31)]);
        await server.kill();
        await server.start();
    }
    stream.over = true;
    assert.deepEqual(failures, []);
    await Promise.all(starters);
    let twice = 0;
    for (const [executionArn, startDate] of stream.acknowledged) {
        const answer = await ending(sfn, executionArn);
        assert.equal(answer.status, 'SUCCEEDED', `${executionArn}: ${answer.error} ${answer.cause}`);
        if (startDate) assert.deepEqual(answer.startDate, startDate);
        assert.deepEqual(JSON.parse(answer.output), { name: answer.name, before: 'b', work: 'done' });
        const { events } = await sfn.getExecutionHistory({ executionArn });
        assert.deepEqual(events.map((e) => e.id), events.map((_, n) => n + 1));
        const exits = events.filter((e) => e.stateExitedEventDetails).map((e) => e.stateExitedEventDetails.name);
        assert.deepEqual(exits, Object.keys(states), executionArn);
        for (const type of ['ActivitySucceeded', 'LambdaFunctionSucceeded', 'ExecutionSucceeded'])
            assert.equal(events.filter((e) => e.type === type).length, 1, `${executionArn}: ${type}`);
        twice += events.filter((e) => e.type === 'ActivityStarted').length > 1;
    }
    stream.drained = true;
    stop.abort();
    await Promise.all(workers);
    told(`${KILLS} kills, ${stream.acknowledged.size} executions, all succeeded, each step once`);
    told(`${stream.broken} calls that the SDK gave up and the program made again`);
    told(`${stream.uncertain} starts whose first reply was lost, ${stream.answered} tasks answered,`
        + ` ${stream.late} answers that came twice or late, ${twice} tasks given out again after their time`);
});

await run();
