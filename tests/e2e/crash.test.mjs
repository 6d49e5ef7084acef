// kill -9 with tasks in flight loses nothing and does nothing twice.
import assert from 'node:assert/strict';
import { natsEvents } from './lib/events.mjs';
import { useSuite } from './lib/suite.mjs';
import { inParallel, until } from './lib/until.mjs';

const WORKERS = 5;
const CAPACITY = 20; // each: of 200 tasks, half wait at first
const LANES = 16; // requests at a time
const DEPARTMENTS = ['permits', 'utilities', 'emergency', 'other'];

const suite = useSuite({ seed: true, prepare });

async function prepare() {
  for (let i = 0; i < WORKERS; i++) await suite.worker(`Worker ${i}`, { capacity: CAPACITY });
}

// Creates `count` tasks and takes all through to completed, as careful clients do. Each disruption
// { when: 'created' | 'completed', count, run } happens once, as soon as so many are. Gives the SIDs of the
// tasks that were acknowledged.
async function takeThrough(count, disruptions) {
  const done = { created: new Set(), completed: new Set() };
  const waiting = [...disruptions];
  const running = [];
  const mark = (what, sid) => {
    done[what].add(sid);
    const due = waiting.findIndex((d) => d.when === what && done[what].size >= d.count);
    if (due >= 0) running.push(waiting.splice(due, 1)[0].run());
  };
  await inParallel(count, LANES, async (n) => {
    const attributes = { n, department: DEPARTMENTS[n % DEPARTMENTS.length] };
    const reply = await suite.api.insist('/tasks', { attributes });
    assert.equal(reply.status, 201, reply.text);
    mark('created', reply.body.sid);
  });
  assert.equal(done.created.size, count, 'each create made its own task');

  // The workers' program: whatever is offered is accepted and completed.
  const work = async (reservation) => {
    const accept = await suite.api.insist(`/reservations/${reservation.sid}/accept`, {});
    assert.equal(accept.status, 200, `accept: ${accept.text}`);
    const complete = await suite.api.insist(`/tasks/${reservation.taskSid}/complete`, { reason: 'done' });
    assert.equal(complete.status, 200, `complete: ${complete.text}`);
    mark('completed', reservation.taskSid);
  };
  const end = Date.now() + 90000;
  while (done.completed.size < count) {
    assert.ok(Date.now() < end, `only ${done.completed.size} of ${count} tasks were completed`);
    const page = await until('the open offers', async () => {
      const reply = await suite.api.call('GET', '/reservations?reservationStatus=pending&pageSize=200');
      return reply.status === 200 && reply.body;
    });
    await inParallel(page.items.length, LANES, (i) => work(page.items[i]));
  }
  await Promise.all(running);
  assert.deepEqual(waiting, [], 'every disruption happened');
  await suite.allReady();
  assert.deepEqual(done.completed, done.created);
  return done.created;
}

// What must hold of the tasks, whatever happened.
async function assertNothingLost(acknowledged, nats) {
  const tasks = (await suite.api.list('/tasks')).filter((t) => acknowledged.has(t.sid));
  assert.equal(tasks.length, acknowledged.size, 'every acknowledged task exists');
  assert.deepEqual(
    tasks.filter((t) => t.assignmentStatus !== 'completed').map((t) => t.sid),
    [],
  );

  const events = await suite.api.list('/events');
  for (const type of ['task.created', 'reservation.accepted', 'task.completed']) {
    const counts = new Map([...acknowledged].map((sid) => [sid, 0]));
    for (const { eventType, eventData } of events) {
      if (eventType === type && counts.has(eventData.task_sid)) {
        counts.set(eventData.task_sid, counts.get(eventData.task_sid) + 1);
      }
    }
    const wrong = [...counts].filter(([, n]) => n !== 1);
    assert.deepEqual(wrong, [], `exactly one ${type} per task`);
  }
  const gaps = events.slice(1).filter((e, i) => e.sequence !== events[i].sequence + 1);
  assert.deepEqual(
    gaps.map((e) => e.sequence),
    [],
    'the sequence has no gap',
  );

  // At no time did a worker hold more than its capacity.
  const CHANGES = {
    'reservation.created': 1,
    'reservation.completed': -1,
    'reservation.timeout': -1,
    'reservation.rejected': -1,
    'reservation.canceled': -1,
    'reservation.rescinded': -1,
  };
  const held = new Map();
  for (const { eventType, eventData } of events) {
    const change = CHANGES[eventType];
    if (change === undefined) continue;
    const now = (held.get(eventData.worker_sid) ?? 0) + change;
    held.set(eventData.worker_sid, now);
    assert.ok(now >= 0 && now <= CAPACITY, `${eventData.worker_sid} held ${now}`);
  }

  // JetStream has each of the router's events once, in the order of the log.
  const logged = events.filter((e) => e.source === '/tasks-svc').map((e) => e.sid);
  assert.ok(logged.length >= acknowledged.size * 4);
  const published = () => nats.events.filter((m) => m.event.source === '/tasks-svc').map((m) => m.event.id);
  await until('every event is published', () => published().length >= logged.length, { timeoutMs: 30000 });
  assert.deepEqual(published(), logged);
}

// What a supervisor does.
async function killAndStart(name) {
  await suite.kill(name);
  suite.startService(name);
}

suite.test(
  '200 tasks in flight, kill -9 of tasks-svc: all end completed, none assigned twice, no event missing',
  async () => {
    const nats = await natsEvents(suite);
    const kill = () => killAndStart('tasks');
    const acknowledged = await takeThrough(200, [
      { when: 'created', count: 100, run: kill },
      { when: 'completed', count: 40, run: kill },
      { when: 'completed', count: 100, run: kill },
    ]);
    assert.equal((await suite.api.list('/tasks')).length, acknowledged.size, 'no task but the acknowledged');
    await assertNothingLost(acknowledged, nats);
  },
);

suite.test('the same through the loss of PostgreSQL, of NATS and of the gateway', async () => {
  const nats = await natsEvents(suite);
  const acknowledged = await takeThrough(80, [
    { when: 'created', count: 30, run: restartPostgres },
    { when: 'completed', count: 10, run: restartNats },
    { when: 'completed', count: 25, run: () => killAndStart('gateway') },
    { when: 'completed', count: 40, run: restartPostgres },
  ]);
  await assertNothingLost(acknowledged, nats);
});

// Without a farewell to its clients.
async function restartPostgres() {
  await suite.postgres.stop('SIGQUIT');
  await suite.startPostgres();
}

async function restartNats() {
  await suite.nats.stop('SIGKILL');
  await suite.startNats();
}
