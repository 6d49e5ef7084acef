// A task travels from POST to completed, and everybody who listens sees the same journey.
import assert from 'node:assert/strict';
import { isInOrder, eventType, natsEvents, taskOf } from './lib/events.mjs';
import { run } from './lib/process.mjs';
import { useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';

const suite = useSuite({ seed: true });
const ACTIVITIES = { Available: true, Unavailable: false, Offline: false, Break: false };
const QUEUES = ['Default', 'Permits', 'Utilities', 'Scheduling', 'Emergency', 'Billing', 'Support'];
const JOURNEY = ['task.created', 'reservation.created', 'reservation.accepted', 'task.completed'];

let john; // the guide's worker
let johnsToken = '';
let johnsTokenSid = '';

suite.test("the seed makes the guide's workspace, and a second run changes nothing", async () => {
  const activities = await suite.api.list('/activities');
  assert.deepEqual(Object.fromEntries(activities.map((a) => [a.friendlyName, a.available])), ACTIVITIES);
  const queues = await suite.api.list('/queues');
  assert.deepEqual(queues.map((q) => q.friendlyName).sort(), QUEUES.map((q) => `${q} Queue`).sort());
  for (const queue of queues) {
    assert.deepEqual([queue.targetWorkers, queue.maxReservedWorkers, queue.taskOrder], ['1==1', 1, 'FIFO']);
  }
  const workflow = await suite.api.get(`/workflows/${suite.workflow}`);
  const routing = workflow.configuration.task_routing;
  assert.deepEqual(
    routing.filters.map((f) => [f.expression, f.targets[0].queue, f.targets[0].priority]),
    [
      ["task.department == 'permits'", suite.queues['Permits Queue'], 50],
      ["task.department == 'utilities'", suite.queues['Utilities Queue'], 50],
      ["task.department == 'emergency'", suite.queues['Emergency Queue'], 100],
    ],
  );
  assert.equal(routing.default_filter.queue, suite.queues['Default Queue']);

  const before = await suite.counts();
  const { workspace } = suite;
  await suite.seed();
  assert.equal(suite.workspace, workspace);
  assert.deepEqual(await suite.counts(), before);
});

suite.test("the guide's curl creates a worker", async () => {
  const body = `{
    "friendlyName": "John Doe",
    "attributes": {
      "skills": ["permits", "utilities"],
      "department": "permits"
    },
    "activitySid": "${suite.activities.Available}"
  }`;
  const out = await run('curl', [
    '-sS',
    '-m',
    '20',
    '-w',
    '\n%{http_code}',
    '-X',
    'POST',
    `${suite.url}/api/taskrouter/workers`,
    '-H',
    'Content-Type: application/json',
    '-H',
    `Authorization: Bearer ${suite.token}`,
    '-d',
    body,
  ]);
  const [reply, code] = out.split(/\n(?=\d+$)/);
  assert.equal(code, '201', reply);
  john = JSON.parse(reply);
  assert.equal(john.friendlyName, 'John Doe');
  assert.deepEqual(john.attributes, { skills: ['permits', 'utilities'], department: 'permits' });
  assert.equal(john.activitySid, suite.activities.Available);
  assert.equal(john.activityName, 'Available');
  assert.equal(john.available, true);
  assert.equal(john.workspaceSid, suite.workspace);
  assert.deepEqual(await suite.api.get(`/workers/${john.sid}`), john);
  const made = await suite.api.post('/tokens', {
    friendlyName: "John's",
    role: 'agent',
    workerSid: john.sid,
    workspaceSid: suite.workspace,
  });
  johnsToken = made.secret;
  johnsTokenSid = made.token.sid;
});

suite.test('from POST to completed; stream, NATS and /events tell the same, in order', async () => {
  const nats = await natsEvents(suite);
  const stream = await suite.stream();
  assert.equal(stream.status, 200);
  assert.match(stream.headers['content-type'], /^text\/event-stream/);

  const created = await suite.api.call('POST', '/tasks', { attributes: { department: 'permits' } });
  assert.equal(created.status, 201, created.text);
  const task = created.body;
  assert.match(task.sid, /^WT[0-9a-f]{32}$/);
  assert.equal(created.headers.location, `/api/taskrouter/tasks/${task.sid}`);
  assert.equal(task.workflowSid, suite.workflow);
  assert.equal(task.taskQueueSid, suite.queues['Permits Queue']);
  assert.equal(task.priority, 50);
  assert.ok(['pending', 'reserved'].includes(task.assignmentStatus), task.assignmentStatus);

  // The worker's own program, with the worker's own token.
  const agent = suite.api.with({ token: johnsToken });
  suite.onClose(() => agent.close());
  const offer = await suite.offerOf(task.sid);
  assert.equal(offer.workerSid, john.sid);
  assert.equal(offer.workerName, 'John Doe');
  const accepted = await agent.post(`/reservations/${offer.sid}/accept`, {});
  assert.equal(accepted.reservationStatus, 'accepted');
  const assigned = await agent.get(`/tasks/${task.sid}`);
  assert.deepEqual([assigned.assignmentStatus, assigned.workerSid], ['assigned', john.sid]);
  const completed = await agent.post(`/tasks/${task.sid}/complete`, { reason: 'permit issued' });
  assert.deepEqual([completed.assignmentStatus, completed.reason], ['completed', 'permit issued']);
  assert.equal((await agent.get(`/reservations/${offer.sid}`)).reservationStatus, 'completed');

  const logged = await suite.api.list(`/events?taskSid=${task.sid}`);
  const types = logged.map((e) => e.eventType);
  assert.ok(isInOrder(JOURNEY, types), `the log has ${types.join(' ')}`);
  const sequences = logged.map((e) => e.sequence);
  assert.deepEqual(
    sequences,
    [...sequences].sort((a, b) => a - b),
  );
  const sids = logged.map((e) => e.sid);
  assert.equal(new Set(sids).size, sids.length);
  for (const event of logged) assert.equal(event.workspaceSid, suite.workspace);
  const { actorType, actorSid } = logged.find((e) => e.eventType === 'reservation.accepted');
  assert.deepEqual([actorType, actorSid], ['token', johnsTokenSid], 'the event says who did it');

  const isOfTask = (sid) => sids.includes(sid);
  const seen = () => stream.events.map((e) => e.data.sid ?? e.data.id).filter(isOfTask);
  await until('the stream has the journey', () => seen().length >= sids.length);
  assert.deepEqual(seen(), sids, 'the stream has the same events in the same order');

  const published = () => nats.events.filter((m) => taskOf(m.event) === task.sid);
  await until('NATS has the journey', () => published().length >= sids.length);
  assert.deepEqual(
    published().map((m) => m.event.id),
    sids,
    'NATS has the same events in the same order',
  );
  for (const { subject, msgId, event } of published()) {
    assert.equal(event.specversion, '1.0');
    assert.equal(msgId, event.id);
    assert.equal(event.workspacesid, suite.workspace);
    assert.equal(event.source, '/tasks-svc');
    assert.equal(subject, `taskrouter.${suite.workspace}.${eventType(event)}`);
  }
  stream.close();
});

suite.test('a stream that comes back with Last-Event-ID gets exactly what it missed', async () => {
  const first = await suite.stream();
  const task = await suite.api.post('/tasks', { attributes: { department: 'utilities' } });
  const offer = await suite.offerOf(task.sid);
  const sid = (event) => event.data.sid ?? event.data.id;
  const createdSid = (await suite.api.list(`/events?taskSid=${task.sid}`))[0].sid;
  const last = await until('the first event', () => first.events.find((e) => sid(e) === createdSid));
  first.close();

  await suite.api.post(`/reservations/${offer.sid}/accept`, {});
  await suite.api.post(`/tasks/${task.sid}/complete`, { reason: 'done' });
  const logged = await suite.api.list('/events');
  const missed = logged.slice(logged.findIndex((e) => e.sid === sid(last)) + 1).map((e) => e.sid);
  assert.ok(missed.length >= 3);

  const second = await suite.stream({ lastEventId: last.id });
  await until('what was missed', () => second.events.length >= missed.length);
  assert.deepEqual(second.events.map(sid).slice(0, missed.length), missed);
  const next = await suite.api.post('/tasks', { attributes: {} });
  await until('live events after what was missed', () => second.events.length > missed.length);
  assert.equal(
    sid(second.events[missed.length]),
    (await suite.api.list(`/events?taskSid=${next.sid}`))[0].sid,
  );
  second.close();
  const nextOffer = await suite.offerOf(next.sid);
  await suite.api.post(`/reservations/${nextOffer.sid}/accept`, {});
  await suite.api.post(`/tasks/${next.sid}/complete`, { reason: 'done' });
});

suite.test('a rejected task is offered to another worker, a canceled one to nobody', async () => {
  const jane = await suite.worker('Jane Roe');
  // Before that, the task would rightly be offered to John again.
  await until('the router has heard of Jane', async () => (await suite.api.list(`/events?workerSid=${jane.sid}`)).length > 0);
  const task = await suite.api.post('/tasks', { attributes: {} });
  const first = await suite.offerOf(task.sid);
  const rejected = await suite.api.post(`/reservations/${first.sid}/reject`, {});
  assert.equal(rejected.reservationStatus, 'rejected');
  const second = await suite.offerOf(task.sid);
  assert.notEqual(second.workerSid, first.workerSid);
  assert.ok([john.sid, jane.sid].includes(second.workerSid));
  await suite.api.post(`/tasks/${task.sid}/cancel`, { reason: 'caller hung up' });
  const after = await suite.api.list(`/reservations?taskSid=${task.sid}`);
  assert.deepEqual(after.map((r) => r.reservationStatus).sort(), ['canceled', 'rejected']);
  const refused = await suite.api.call('POST', `/reservations/${second.sid}/accept`, {});
  assert.equal(refused.status, 400, refused.text);
});

suite.test('an idempotency key makes one task of two requests', async () => {
  const headers = { 'idempotency-key': 'journey-1' };
  const body = { attributes: { department: 'emergency' } };
  const one = await suite.api.must('POST', '/tasks', body, { headers });
  const two = await suite.api.must('POST', '/tasks', body, { headers });
  assert.equal(two.sid, one.sid);
  assert.equal(one.priority, 100);
  const other = await suite.api.call(
    'POST',
    '/tasks',
    { attributes: { department: 'permits' } },
    { headers },
  );
  assert.ok([400, 409, 422].includes(other.status), `another request under the same key: ${other.status}`);
  await suite.api.post(`/tasks/${one.sid}/cancel`, { reason: 'no longer needed' });
});

suite.test("the guide's two queries run as they are for the reader, who can write nothing", async () => {
  const callId = 'CA0123456789abcdef0123456789abcdef';
  const task = await suite.api.post('/tasks', { attributes: { department: 'permits' }, callId });
  const tasks = await suite.sql(
    'SELECT * FROM "Task" WHERE "callId" IS NOT NULL ORDER BY "createdAt" DESC LIMIT 1;',
    [],
    'reader',
  );
  assert.equal(tasks.length, 1);
  assert.equal(tasks[0].callId, callId);
  assert.equal(tasks[0].twilioTaskSid, task.sid);
  const workers = await suite.sql(
    `-- Verify worker-activity relations
   SELECT w."friendlyName", a."friendlyName" 
   FROM "Worker" w 
   LEFT JOIN "Activity" a ON w."activitySid" = a."twilioActivitySid";`,
    [],
    'reader',
  );
  assert.equal(workers.length, (await suite.api.list('/workers')).length);
  // Both columns have one name; the driver keeps the last, which is the activity's.
  assert.ok(
    workers.every((row) => row.friendlyName === 'Available'),
    JSON.stringify(workers),
  );
  await assert.rejects(
    suite.sql('delete from workers.worker', [], 'reader'),
    /read-only transaction|permission denied/,
  );
  await assert.rejects(suite.sql('select * from tasks.task', [], 'reader'), /permission denied/);
  await suite.api.post(`/tasks/${task.sid}/cancel`, { reason: 'no longer needed' });
});
