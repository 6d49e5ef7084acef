// Twilio is away for a while under load: reads go on, writes say so, and in the end everything is as if nothing
// had happened. TR_FULL=1 takes the figures: a minute, 50 webhooks and 20 creations a second.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Load, assertSettled } from './lib/load.mjs';
import { useTwins } from './lib/twins.mjs';
import { inParallel, until } from './lib/until.mjs';

const FULL = process.env.TR_FULL === '1';
const SECONDS = FULL ? 90 : 12;
const AWAY_S = FULL ? 60 : 6;
const PER_SECOND = FULL ? { ours: 20, theirs: 10 } : { ours: 4, theirs: 2 }; // a task makes eight webhooks
const WORKERS = 10;
const PATIENCE_MS = FULL ? 400000 : 180000;

const twins = useTwins({ seed: 7, prepare });

async function prepare() {
  const boot = await twins.command(['sync', '--all']);
  assert.equal(boot.code, 0, boot.stderr);
  const made = await twins.command(['bootstrap', '--workspace', twins.sid, '--public-url', twins.hooks.url]);
  assert.equal(made.code, 0, made.stderr + made.stdout);
  // No worker is sent away because the others' rush kept him from an offer: not what this is about.
  for (const workflow of await twins.theirs.list('/workflows')) {
    await twins.theirs.must('PATCH', `/workflows/${workflow.sid}`, { taskReservationTimeout: 86400 });
  }
  const available = (await twins.theirs.list('/activities')).find((a) => a.friendlyName === 'Available').sid;
  await inParallel(WORKERS, 2, async (i) => {
    const worker = await twins.theirs.post('/workers', { friendlyName: `W${i}`, attributes: {}, activitySid: available });
    await twins.theirs.must('PATCH', `/workers/${worker.sid}/channels/default`, { capacity: 50 });
  });
}

async function settle() {
  await twins.calm();
  await twins.inboxIsEmpty();
  const light = await until(
    'one reconcile',
    async () => {
      const run = await twins.command(['sync', '--light', '--json']);
      return run.code === 0 && run;
    },
    { timeoutMs: 60000, everyMs: 500 },
  );
  return light;
}

const webhookCount = async () => (await twins.ours.sql(`select count(*)::int as n from gateway.webhook`))[0].n;

// The rates that really arose from the first creation to the last completion.
async function tellRates(t, load, before) {
  const webhooks = (await webhookCount()) - before;
  const rate = (count) => (count / load.tookS).toFixed(1);
  t.diagnostic(
    `${load.created.size} tasks and ${webhooks} webhooks in ${load.tookS.toFixed(1)} s: ` +
      `${rate(load.created.size)} creations and ${rate(webhooks)} webhooks a second`,
  );
}

let undisturbed;

twins.test(
  'the undisturbed run',
  async (t) => {
    const load = new Load(twins, { seconds: SECONDS, perSecond: PER_SECOND, patienceMs: PATIENCE_MS });
    const before = await webhookCount();
    await load.run();
    await settle();
    await tellRates(t, load, before);
    undisturbed = await assertSettled(twins, load);
  },
  { timeout: FULL ? 900000 : 400000 },
);

twins.test(
  'Twilio away for a while: reads go on, writes are answered 503, and the end is the same',
  async (t) => {
    // The names of the first run, with another workspace's worth of tasks: those of before are set aside.
    const load = new Load(twins, { seconds: SECONDS, perSecond: PER_SECOND, patienceMs: PATIENCE_MS });
    for (const task of await twins.theirs.list('/tasks?assignmentStatus=completed')) {
      await twins.theirs.must('DELETE', `/tasks/${task.sid}`);
    }
    await settle();
    const before = await webhookCount();
    const running = load.run();
    running.catch(() => {});
    await delay((SECONDS * 1000) / 6);
    twins.api.away(true);
    const end = Date.now() + AWAY_S * 1000;
    const refused = await until('a write is refused', async () => {
      const reply = await twins.mine.call('POST', '/tasks', { attributes: { name: 'never' } });
      return reply.status === 503 && reply;
    });
    assert.match(refused.headers['retry-after'] ?? '', /^\d+$/);
    assert.match(refused.body.detail, /Twilio/);
    while (Date.now() < end) {
      for (const list of ['/tasks', '/workers', '/queues', '/reservations']) {
        const reply = await twins.mine.call('GET', list);
        assert.equal(reply.status, 200, `GET ${list} while Twilio is away`);
      }
      await delay(200);
    }
    twins.api.away(false);
    await running;
    await settle();
    await tellRates(t, load, before);
    assert.deepEqual(await assertSettled(twins, load), undisturbed);
  },
  { timeout: FULL ? 900000 : 400000 },
);
