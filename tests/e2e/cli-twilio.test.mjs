// The command `taskrouter` in front of Twilio: the check, the sync and its report, bootstrap through the mirror,
// drift, and runs that are left, looked at and ended.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { command } from './lib/command.mjs';
import { BIN_DIR, sanitizerOptions } from './lib/suite.mjs';
import { useTwins } from './lib/twins.mjs';
import { until } from './lib/until.mjs';

const twins = useTwins({ prepare });
const run = (args, options = {}) =>
  command(twins.ours, args, {
    ...options,
    environment: { TWILIO_WORKSPACE_SID: twins.sid, ...options.environment },
  });
const ok = async (args, options) => {
  const done = await run(args, options);
  assert.equal(done.code, 0, `${args.join(' ')}: ${done.code}\n${done.stdout}${done.stderr}`);
  return done;
};
const file = (name, text) => {
  fs.writeFileSync(path.join(twins.ours.dir, name), text);
  return name;
};
const kindsOf = ({ run: { progress } }) => Object.fromEntries(progress.map((kind) => [kind.kind, kind]));

async function prepare() {
  await twins.theirs.post('/queues', { friendlyName: 'Theirs', targetWorkers: '1==1' });
  for (const name of ['Ann', 'Bob']) await twins.theirs.post('/workers', { friendlyName: name });
}

twins.test(
  'the check says what is missing before the first sync, and a dry run changes nothing',
  async () => {
    const check = await run(['check']);
    assert.equal(check.code, 1);
    assert.match(check.stdout, /^ok +Twilio: AC[0-9a-f]{32}, workspace "KIN" \(WS[0-9a-f]{32}\) at http/m);
    assert.match(check.stdout, /^failed +workspace: .*run taskrouter sync --all/m);
    const dry = JSON.parse((await run(['sync', '--dry-run', '--queues', '--json'])).stdout);
    assert.equal(dry.run.dryRun, true);
    assert.equal((await run(['export'])).code, 1, 'nothing was adopted');
  },
);

twins.test('the first sync adopts the workspace and reports what it made', async () => {
  const done = await ok(['sync', '--all']);
  assert.match(done.stdout, /^ +created +queues "Theirs" \(WQ[0-9a-f]{32}\)$/m);
  assert.match(done.stdout, /^workers +2 +0 +0 +0 +0/m);
  assert.match(done.stdout, /^Run SY[0-9a-f]{32}: clean$/m);
  assert.match(done.stderr, /^workers +2( of 2)?.*, done$/m);
  await twins.assertInStep('/queues', ['friendlyName', 'targetWorkers']);
  await twins.assertInStep('/workers', ['friendlyName', 'activitySid']);
  const again = JSON.parse((await ok(['sync', '--json'])).stdout);
  assert.deepEqual(again.items, []);
  assert.equal(kindsOf(again).workers.unchanged, 2);
});

twins.test('the kinds of the guide are the kinds that run', async () => {
  const done = JSON.parse(
    (await ok(['sync', '--activities', '--queues', '--workflows', '--workers', '--json'])).stdout,
  );
  assert.deepEqual(done.run.kinds, ['activities', 'queues', 'workflows', 'workers', 'links']);
  assert.equal(done.run.state, 'clean');
});

twins.test('bootstrap makes the guide at Twilio, and its callback URLs are checked', async () => {
  const made = await ok(['bootstrap', '--public-url', twins.hooks.url, '--env', file('.env', 'X=1\n')]);
  assert.match(made.stderr, /^created +queue "Permits Queue"$/m);
  const theirs = await twins.theirs.list('/queues');
  assert.equal(theirs.length, 9);
  await twins.assertInStep('/queues', ['friendlyName', 'targetWorkers', 'maxReservedWorkers', 'taskOrder']);
  await twins.assertInStep('/workflows', ['friendlyName', 'configuration', 'assignmentCallbackUrl']);
  const again = await ok(['bootstrap', '--public-url', twins.hooks.url]);
  assert.doesNotMatch(again.stderr, /^(created|updated)/m);
  const check = await run(['check'], { environment: { TASKROUTER_PUBLIC_URL: `${twins.hooks.url}/` } });
  assert.match(check.stdout, /^ok +TWILIO_WORKFLOW_SID: "Default Workflow"$/m);
  assert.match(check.stdout, /^ok +TWILIO_SUPPORT_TASK_QUEUE_SID: "Support Queue"$/m);
  assert.match(check.stdout, /^ok +event callback: http/m);
  assert.match(check.stdout, /^ok +assignment callback: http/m);
  assert.equal(check.code, 0, check.stdout);
  const other = await run(['check'], { environment: { TASKROUTER_PUBLIC_URL: 'https://else.example' } });
  assert.equal(other.code, 1);
  assert.match(other.stdout, /^failed +event callback: .*correct TASKROUTER_PUBLIC_URL/m);
  fs.rmSync(path.join(twins.ours.dir, '.env'));
});

twins.test('a file is applied to Twilio, by name', async () => {
  const { stdout } = await ok(['export']);
  assert.match((await ok(['plan', file('same.yaml', stdout)])).stdout, /No changes/);
  file('more.yaml', stdout.replace('- name: Theirs\n', '- name: Ours\n  task_order: LIFO\n- name: Theirs\n'));
  const done = await ok(['apply', 'more.yaml', '--yes']);
  assert.match(done.stdout, /created queue "Ours"/);
  const made = (await twins.theirs.list('/queues')).find((queue) => queue.friendlyName === 'Ours');
  assert.equal(made.taskOrder, 'LIFO');
  assert.match((await ok(['plan', 'more.yaml'])).stdout, /No changes/);
});

twins.test('drift is what changed at Twilio unseen, and the sync mends it', async () => {
  assert.equal((await run(['drift'])).code, 0);
  twins.hooks.away(true); // no webhook tells us
  const queue = (await twins.theirs.list('/queues')).find((one) => one.friendlyName === 'Ours');
  await twins.theirs.must('PATCH', `/queues/${queue.sid}`, { maxReservedWorkers: 7 });
  const drift = await run(['drift']);
  assert.equal(drift.code, 2, drift.stdout + drift.stderr);
  assert.match(drift.stdout, /updated +queues "Ours" \(WQ/);
  assert.match(drift.stdout, /max_?[rR]eserved_?[wW]orkers: 1 -> 7/);
  assert.match(drift.stdout, /^Dry run SY[0-9a-f]{32}: clean$/m);
  assert.equal((await twins.mine.get(`/queues/${queue.sid}`)).maxReservedWorkers, 1);
  await ok(['sync', '--queues']);
  assert.equal((await twins.mine.get(`/queues/${queue.sid}`)).maxReservedWorkers, 7);
  twins.hooks.away(false);
});

twins.test(
  'an interrupted command leaves its run, which can be looked at and ended; two do not run at once',
  async () => {
    // Twilio takes its time, until we let it answer.
    const take = twins.api.take;
    let letGo;
    const gate = new Promise((resolve) => (letGo = resolve));
    twins.api.take = async (...exchange) => {
      await gate;
      return take.apply(twins.api, exchange);
    };
    let child;
    const left = run(['sync', '--all'], { onStart: (started) => (child = started) });
    const sid = await until('the run is under way', async () => {
      const { items } = await twins.mine.get('/sync/runs?pageSize=1');
      return items[0].state === 'running' && items[0].sid;
    });
    const second = await run(['sync', '--queues']);
    assert.equal(second.code, 2, second.stdout);
    assert.match(second.stderr, new RegExp(`taskrouter sync --follow ${sid}`));
    await ok(['sync', '--queues', '--if-idle']);
    child.kill('SIGINT');
    const end = await left;
    assert.equal(end.code, 130, end.stderr);
    assert.match(end.stderr, new RegExp(`the run goes on .*--follow ${sid}.*--cancel ${sid}`));
    await ok(['sync', '--cancel', sid]);
    delete twins.api.take;
    letGo();
    const followed = await run(['sync', '--follow', sid]);
    assert.notEqual(followed.code, 130);
    assert.match(followed.stdout, new RegExp(`^Run ${sid}: `, 'm'));
  },
);

twins.test('changes that were given up are listed, and decided on one by one', async () => {
  assert.match((await ok(['writes', 'given-up'])).stdout, /^None was given up\.$/m);
  assert.deepEqual(JSON.parse((await ok(['writes', 'given-up', '--json'])).stdout), []);
  for (const what of ['retry', 'dismiss']) {
    const unknown = await run(['writes', what, 'IN00000000000000000000000000000000']);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /there is no write IN0/);
    assert.equal((await run(['writes', what])).code, 3);
  }
  const sid = 'IN000000000000000000000000000000ff';
  await twins.ours.sql(
    `insert into sync.intent (sid, account_sid, workspace_sid, method, request_hash, request, parent_sid, is_create,
                              resource_sid, state, detail, settled_at)
     values ($1, '', $2, '/taskrouter.tasks.v1.Tasks/CancelTask', '', '', '', false, 'WT1', 'GIVEN_UP', 'nobody knows', now())`,
    [sid, twins.sid],
  );
  assert.match((await ok(['writes', 'given-up'])).stdout, new RegExp(`^${sid} \\S+ CancelTask WT1: nobody knows$`, 'm'));
  assert.match((await ok(['writes', 'dismiss', sid])).stdout, new RegExp(`^${sid} is forgotten`));
  assert.match((await ok(['writes', 'given-up'])).stdout, /^None was given up\.$/m);
});

twins.test('on a terminal progress is redrawn in place', async () => {
  const env = {
    PATH: process.env.PATH,
    ...sanitizerOptions(),
    TASKROUTER_URL: twins.ours.url,
    TASKROUTER_TOKEN: twins.ours.token,
    TWILIO_WORKSPACE_SID: twins.sid,
  };
  const words = ['-qec', `${path.join(BIN_DIR, 'taskrouter')} sync --activities --queues`, '/dev/null'];
  const shown = await new Promise((resolve, reject) =>
    execFile('script', words, { env, cwd: twins.ours.dir }, (error, stdout) =>
      error ? reject(new Error(`${error.message}\n${stdout}`)) : resolve(stdout),
    ),
  );
  assert.match(shown, /\x1b\[3A/); // the workspace and two kinds: three lines
  assert.match(shown, /queues +9|queues +10/);
  assert.match(shown, /, done\x1b\[K/);
});
