// Servers and services go away and come back; who is not concerned goes on, who is says so at once, and
// nobody has to be restarted.
import assert from 'node:assert/strict';
import { natsEvents, eventType, taskOf } from './lib/events.mjs';
import { PROGRAMS, SERVICES, useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';

const FAST_MS = 2000;
const suite = useSuite({ seed: true });

// One route of each service behind the gateway.
const READS = {
  workers: '/workers',
  queues: '/queues',
  routing: '/workflows',
  tasks: '/tasks',
  gateway: '/tokens',
};

// The reply and how long it took.
async function timed(method, path, body) {
  const begin = Date.now();
  const reply = await suite.api.call(method, path, body, { timeoutMs: 20000 });
  return { ...reply, ms: Date.now() - begin };
}

function assertUnavailable(reply, what) {
  assert.equal(reply.status, 503, `${what}: ${reply.status} ${reply.text}`);
  assert.ok(reply.ms < FAST_MS, `${what} took ${reply.ms} ms`);
  assert.match(reply.headers['retry-after'] ?? '', /^\d+$/, `${what} says when to come again`);
  assert.match(reply.headers['content-type'], /^application\/problem\+json/);
}

const answers = (path) =>
  until(`${path} answers`, async () => (await suite.api.call('GET', path)).status === 200, {
    timeoutMs: 30000,
  });

suite.test('without PostgreSQL requests are refused fast, and all goes on when it is back', async () => {
  const kept = await suite.api.post('/tasks', { attributes: { n: 1 } });
  const pids = suite.pids();
  await suite.stopPostgres();
  for (let round = 0; round < 2; round++) {
    for (const path of Object.values(READS)) assertUnavailable(await timed('GET', path), `GET ${path}`);
    assertUnavailable(await timed('POST', '/tasks', { attributes: {} }), 'POST /tasks');
    assertUnavailable(await timed('POST', '/workers', { friendlyName: 'X' }), 'POST /workers');
  }
  for (const name of SERVICES) {
    const ready = await suite.probe(name, '/readyz');
    assert.equal(ready.status, 503, `${PROGRAMS[name]} is not ready`);
    assert.equal((await suite.probe(name, '/healthz')).status, 200, `${PROGRAMS[name]} is alive`);
  }
  await suite.startPostgres();
  for (const path of Object.values(READS)) await answers(path);
  await suite.allReady(30000);
  const made = await until('a task can be created', async () => {
    const reply = await suite.api.call('POST', '/tasks', { attributes: { n: 2 } });
    return reply.status === 201 && reply.body;
  });
  assert.equal((await suite.api.get(`/tasks/${kept.sid}`)).sid, kept.sid);
  assert.equal((await suite.api.get(`/tasks/${made.sid}`)).assignmentStatus, 'pending');
  assert.deepEqual(suite.pids(), pids, 'nobody was restarted');
});

suite.test('without NATS requests are answered fast, and the events arrive when it is back', async () => {
  const nats = await natsEvents(suite);
  const pids = suite.pids();
  await suite.stopNats();
  const made = [];
  for (let i = 0; i < 10; i++) {
    const reply = await timed('POST', '/tasks', { attributes: { outage: i } });
    assert.ok(reply.ms < FAST_MS, `POST /tasks took ${reply.ms} ms`);
    if (reply.status === 201) made.push(reply.body.sid);
    else assertUnavailable(reply, 'POST /tasks');
  }
  for (const path of Object.values(READS)) {
    const reply = await timed('GET', path);
    assert.ok(reply.status === 200 || reply.status === 503, `GET ${path}: ${reply.status}`);
    assert.ok(reply.ms < FAST_MS, `GET ${path} took ${reply.ms} ms`);
  }
  await suite.startNats();
  await suite.allReady(30000);
  const after = await suite.api.post('/tasks', { attributes: { outage: 'over' } });
  made.push(after.sid);
  const created = () =>
    nats.events
      .filter((m) => eventType(m.event) === 'task.created')
      .map((m) => taskOf(m.event))
      .filter((sid) => made.includes(sid));
  await until('every event is delivered', () => created().length >= made.length, { timeoutMs: 30000 });
  assert.deepEqual(created(), made, 'each once, in order');
  assert.deepEqual(suite.pids(), pids, 'nobody was restarted');
  // What happened to other services' resources meanwhile reaches the router.
  const worker = await suite.worker('After the outage', { capacity: 5 });
  const offered = await until('a task is offered', async () =>
    (await suite.api.get('/reservations?reservationStatus=pending')).items.find(
      (r) => r.workerSid === worker.sid,
    ),
  );
  assert.ok(offered);
});

// Requests of all kinds without a pause until stop(), which gives what each path was answered.
function traffic() {
  const seen = {}; // path -> status -> count
  let isOver = false;
  const ask = async (path) => {
    seen[path] = {};
    while (!isOver) {
      const status = await suite.api.call('GET', path, undefined, { timeoutMs: 10000 }).then(
        (reply) => reply.status,
        (error) => error.code ?? error.message,
      );
      seen[path][status] = (seen[path][status] ?? 0) + 1;
    }
  };
  const asking = Promise.all(Object.values(READS).map(ask));
  return {
    async stop() {
      isOver = true;
      await asking;
      return seen;
    },
  };
}

suite.test('kill -9 of each service in turn: the others go on, and it is back after a start', async () => {
  for (const name of SERVICES) {
    const requests = traffic();
    await suite.kill(name);
    for (const [owner, path] of Object.entries(READS)) {
      if (name === 'gateway') continue; // the door itself; its services are asked below
      const reply = await timed('GET', path);
      if (owner === name) assertUnavailable(reply, `GET ${path} without ${PROGRAMS[name]}`);
      else
        assert.equal(
          reply.status,
          200,
          `GET ${path} without ${PROGRAMS[name]}: ${reply.status} ${reply.text}`,
        );
    }
    for (const other of SERVICES.filter((s) => s !== name)) {
      assert.equal(
        (await suite.probe(other, '/healthz')).status,
        200,
        `${PROGRAMS[other]} without ${PROGRAMS[name]}`,
      );
    }
    suite.startService(name);
    await suite.ready(name);
    for (const path of Object.values(READS)) await answers(path);
    for (const [path, statuses] of Object.entries(await requests.stop())) {
      const what = `${path} while ${PROGRAMS[name]} was killed: ${JSON.stringify(statuses)}`;
      assert.ok(statuses[200] > 0, what);
      if (name === 'gateway') continue; // connections to the door itself break
      const allowed = READS[name] === path ? ['200', '503'] : ['200'];
      assert.deepEqual(
        Object.keys(statuses).filter((status) => !allowed.includes(status)),
        [],
        what,
      );
    }
  }
  const task = await until('a task can be created', async () => {
    const reply = await suite.api.call('POST', '/tasks', { attributes: { after: 'kills' } });
    return reply.status === 201 && reply.body;
  });
  assert.ok(task.sid);
});

suite.test('the router routes from its own copies while every other owner is down', async () => {
  const owners = ['workers', 'queues', 'routing', 'sync'];
  await Promise.all(owners.map((name) => suite.kill(name)));
  // Earlier tasks wait for the same worker: they are canceled, so that this one is next.
  for (const task of await suite.api.list('/tasks?assignmentStatus=pending&assignmentStatus=reserved')) {
    await suite.api.post(`/tasks/${task.sid}/cancel`, { reason: 'no longer needed' });
  }
  const task = await suite.api.post('/tasks', {
    attributes: { department: 'emergency' },
    workflowSid: suite.workflow,
  });
  assert.equal(task.taskQueueSid, suite.queues['Emergency Queue']);
  const offer = await suite.offerOf(task.sid);
  await suite.api.post(`/reservations/${offer.sid}/accept`, {});
  assert.equal(
    (await suite.api.post(`/tasks/${task.sid}/complete`, { reason: 'done' })).assignmentStatus,
    'completed',
  );
  for (const name of owners) suite.startService(name);
  await suite.allReady();
});
