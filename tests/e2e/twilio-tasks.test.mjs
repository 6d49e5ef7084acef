// Tasks and reservations: their whole stories, as a program written for Twilio lives through them.
import assert from 'node:assert/strict';
import { useSuite } from './lib/suite.mjs';
import { Place, patiently, refused, useTwilio } from './lib/twilio.mjs';

const suite = useSuite({ prepare });
const judge = useTwilio(suite, import.meta.url);
let client;

async function prepare() {
  client = judge.client();
}

const sids = (list) => list.map((item) => item.sid);
const etagOf = ({ headers }) => headers.etag;

suite.test('a task is made, read, changed, listed and deleted', async () => {
  const place = await Place.make(judge, 'Plain tasks');
  const queue = await place.queue('nobody');
  const other = await place.queue('nobody else');
  const flow = await place.workflow(
    'Flow',
    { one: [{ queue: queue.sid, priority: 7 }] },
    { fallback: other.sid },
  );
  const { tasks } = place.ws;

  const plain = await tasks.create();
  assert.deepEqual(
    [plain.attributes, plain.assignmentStatus, plain.priority, plain.timeout, plain.reason, plain.addons],
    ['{}', 'pending', 0, 86400, null, '{}'],
  );
  assert.deepEqual(
    [plain.workflowSid, plain.workflowFriendlyName, plain.taskQueueSid, plain.taskQueueFriendlyName],
    [flow.sid, 'Flow', other.sid, 'nobody else'],
  );
  assert.deepEqual([plain.taskChannelUniqueName, plain.routingTarget], ['default', null]);
  assert.ok(!plain.ignoreCapacity);
  assert.equal(plain.virtualStartTime.getTime(), plain.dateCreated.getTime());
  assert.ok(plain.taskQueueEnteredDate instanceof Date);
  assert.deepEqual(Object.keys(plain.links).sort(), ['reservations', 'task_queue', 'workflow', 'workspace']);
  for (const url of [plain.url, ...Object.values(plain.links)]) {
    assert.equal((await judge.call('GET', url)).status, 200, url);
  }

  const virtualStartTime = new Date('2001-02-03T04:05:06Z');
  const attributes = { text: 'Zoë – 東京 & 100% + "1"', kind: 'one', list: [1, null, { a: false }] };
  const full = await tasks.createWithHttpInfo({
    attributes: JSON.stringify(attributes),
    workflowSid: flow.sid,
    taskChannel: 'voice',
    priority: 3,
    timeout: 1209600,
    virtualStartTime,
  });
  assert.equal(full.statusCode, 201);
  assert.deepEqual(JSON.parse(full.body.attributes), attributes);
  const { sid } = full.body;
  const first = await tasks(sid).fetchWithHttpInfo();
  assert.deepEqual(
    [first.body.taskQueueSid, first.body.priority, first.body.timeout, first.body.taskChannelUniqueName],
    [queue.sid, 7, 1209600, 'voice'],
  );
  assert.equal(first.body.virtualStartTime.getTime(), virtualStartTime.getTime());
  assert.equal(etagOf(first), etagOf(full), 'nothing happened in between');

  const changed = await tasks(sid).updateWithHttpInfo({ attributes: '{"kind": "other"}', priority: 9, taskChannel: 'sms' });
  assert.notEqual(etagOf(changed), etagOf(first));
  assert.deepEqual(
    [changed.body.priority, changed.body.taskChannelUniqueName, changed.body.taskQueueSid],
    [9, 'sms', other.sid],
    'new attributes go through the workflow again',
  );
  assert.equal(changed.body.age, full.body.age + Math.round((changed.body.dateUpdated - full.body.dateCreated) / 1000) || 0);

  const canceled = await tasks(sid).update({ assignmentStatus: 'canceled', reason: 'no longer', attributes: '{"a": 1}' });
  assert.deepEqual([canceled.assignmentStatus, canceled.reason], ['canceled', 'no longer']);
  assert.deepEqual(JSON.parse(canceled.attributes), { a: 1 });
  await refused(tasks(sid).update({ assignmentStatus: 'canceled', reason: 'again' }), 400, 20001);
  await refused(
    tasks(sid).update({ assignmentStatus: 'completed', reason: 'x' }),
    400,
    20001,
  );
  assert.equal(await tasks(plain.sid).remove(), true);
  await refused(tasks(plain.sid).fetch(), 404, 20404, new RegExp(`/Workspaces/${place.sid}/Tasks/${plain.sid} was not found`));
});

suite.test('lists of tasks: every filter and ordering', async () => {
  const place = await Place.make(judge, 'Lists of tasks');
  const queue = await place.queue('nobody');
  const other = await place.queue('nobody else');
  const flow = await place.workflow('Flow', { a: [{ queue: queue.sid }] }, { fallback: other.sid });
  const second = await place.workflow('Second', {}, { fallback: queue.sid });
  const make = (kind, options) => place.task(kind, { workflowSid: flow.sid, ...options });
  const old = new Date('2010-01-01T00:00:00Z');
  const a = await make('a', { priority: 5, virtualStartTime: new Date('2012-01-01T00:00:00Z') });
  const b = await make('b', { priority: 9, virtualStartTime: old });
  const c = await make('c', { priority: 5, workflowSid: second.sid, virtualStartTime: new Date('2011-01-01T00:00:00Z') });
  const d = await place.ws.tasks.create({ routingTarget: other.sid, priority: 1, virtualStartTime: new Date('2013-01-01T00:00:00Z') });
  const e = await make('a');
  await place.ws.tasks(e.sid).update({ assignmentStatus: 'canceled', reason: 'x' });
  const list = async (filter) => sids(await place.ws.tasks.list(filter));
  const same = async (filter, want) =>
    assert.deepEqual((await list(filter)).sort(), sids(want).sort(), JSON.stringify(filter));

  assert.deepEqual(await list({}), sids([a, b, c, d, e]), 'oldest first');
  await same({ priority: 5 }, [a, c]);
  await same({ assignmentStatus: ['pending'] }, [a, b, c, d]);
  await same({ assignmentStatus: ['canceled', 'pending'] }, [a, b, c, d, e]);
  await same({ assignmentStatus: ['canceled,reserved'] }, [e]);
  await same({ workflowSid: second.sid }, [c]);
  await same({ workflowName: 'Flow' }, [a, b, e]);
  await same({ taskQueueSid: other.sid }, [b, d]);
  await same({ taskQueueName: 'nobody', assignmentStatus: ['pending'] }, [a, c]);
  await same({ evaluateTaskAttributes: "kind == 'a' OR kind == 'c'" }, [a, c, e]);
  await same({ evaluateTaskAttributes: "kind IN ['b']" }, [b]);
  await same({ routingTarget: other.sid }, [d]);
  await same({ hasAddons: false }, [a, b, c, d, e]);
  await same({ hasAddons: true }, []);
  const open = { assignmentStatus: ['pending'] };
  assert.deepEqual(await list({ ...open, ordering: 'DateCreated:desc' }), sids([d, c, b, a]));
  assert.deepEqual(await list({ ...open, ordering: 'Priority:desc,DateCreated:asc' }), sids([b, a, c, d]));
  assert.deepEqual(await list({ ...open, ordering: 'Priority:asc,VirtualStartTime:asc' }), sids([d, c, a, b]));
  assert.deepEqual(await list({ ...open, ordering: 'VirtualStartTime:desc' }), sids([d, a, c, b]));
  await refused(
    place.ws.tasks.list({ ordering: 'DateCreated:asc,VirtualStartTime:asc' }),
    400,
    20001,
    /Ordering/,
  );
  await refused(place.ws.tasks.list({ evaluateTaskAttributes: 'a ==' }), 400, 20001, /EvaluateTaskAttributes/);
});

suite.test('from offer to completed; both sides tell the same', async () => {
  const place = await Place.make(judge, 'One task');
  const queue = await place.queue('one');
  await place.workflow('Flow', {}, { fallback: queue.sid });
  const ann = await place.worker('Ann', 'one');
  const { tasks, workers } = place.ws;
  await workers(ann.sid).workerChannels('default').update({ capacity: 3 });
  const channel = async () => {
    const now = await workers(ann.sid).workerChannels('default').fetch();
    return [now.configuredCapacity, now.assignedTasks, now.availableCapacityPercentage];
  };
  const task = await place.task('any');
  const [offer] = await place.offers(task.sid);
  assert.deepEqual(
    [offer.reservationStatus, offer.taskSid, offer.workerSid, offer.workerName, offer.workspaceSid],
    ['pending', task.sid, ann.sid, 'Ann', place.sid],
  );
  assert.deepEqual(Object.keys(offer.links).sort(), ['task', 'worker', 'workspace']);
  for (const url of [offer.url, ...Object.values(offer.links)]) {
    assert.equal((await judge.call('GET', url)).status, 200, url);
  }
  assert.deepEqual(await channel(), [3, 0, 66], 'an offer takes a place, and is no assigned task');
  const [ofWorker] = await workers(ann.sid).reservations.list({ reservationStatus: 'pending' });
  assert.equal(ofWorker.sid, offer.sid);
  assert.match(ofWorker.url, new RegExp(`/Workers/${ann.sid}/Reservations/${offer.sid}$`));
  assert.match(offer.url, new RegExp(`/Tasks/${task.sid}/Reservations/${offer.sid}$`));
  const [filtered] = await tasks(task.sid).reservations.list({ workerSid: ann.sid });
  assert.equal(filtered.sid, offer.sid);
  assert.deepEqual(await tasks(task.sid).reservations.list({ reservationStatus: 'accepted' }), []);

  const accepted = await workers(ann.sid).reservations(offer.sid).update({ reservationStatus: 'accepted' });
  assert.equal(accepted.reservationStatus, 'accepted');
  assert.equal((await place.status(task.sid, 'assigned')).sid, task.sid);
  assert.deepEqual(await channel(), [3, 1, 66]);
  const again = await refused(
    tasks(task.sid).reservations(offer.sid).update({ reservationStatus: 'accepted' }),
    400,
    20001,
  );
  assert.equal(
    again.message,
    `Reservation ${offer.sid} is already in state [accepted] and cannot be updated to [accepted]`,
  );
  const cancel = await refused(tasks(task.sid).update({ assignmentStatus: 'canceled', reason: 'x' }), 400, 20001);
  assert.equal(
    cancel.message,
    `Cannot cancel task ${task.sid} in workspace ${place.sid} for account ${suite.accountSid} because it is not pending or reserved.`,
  );

  const wrapping = await tasks(task.sid).update({ assignmentStatus: 'wrapping', reason: 'notes' });
  assert.equal(wrapping.assignmentStatus, 'wrapping');
  assert.equal((await workers(ann.sid).reservations(offer.sid).fetch()).reservationStatus, 'wrapping');
  assert.deepEqual(await channel(), [3, 0, 66], 'a wrapping task still has its place');
  const wrap = await refused(tasks(task.sid).update({ assignmentStatus: 'wrapping' }), 400, 20001);
  assert.equal(
    wrap.message,
    `Cannot wrap up a task ${task.sid} in workspace ${place.sid} for account ${suite.accountSid} because it's not currently assigned`,
  );
  const completed = await tasks(task.sid).update({ assignmentStatus: 'completed', reason: 'all done' });
  assert.deepEqual([completed.assignmentStatus, completed.reason], ['completed', 'all done']);
  assert.equal((await tasks(task.sid).reservations(offer.sid).fetch()).reservationStatus, 'completed');
  assert.deepEqual(await channel(), [3, 0, 100]);

  // What the browser SDK does: wrap up and complete by the reservation.
  const next = await place.task('any');
  const [nextOffer] = await place.offers(next.sid);
  for (const reservationStatus of ['accepted', 'wrapping', 'completed']) {
    const now = await tasks(next.sid).reservations(nextOffer.sid).update({ reservationStatus });
    assert.equal(now.reservationStatus, reservationStatus);
  }
  assert.equal((await tasks(next.sid).fetch()).assignmentStatus, 'completed');
  assert.equal((await workers(ann.sid).reservations.list()).length, 2);
});

suite.test('of several reserved workers the first to accept wins', async () => {
  const place = await Place.make(judge, 'Several reserved');
  const queue = await place.queue('many', { maxReservedWorkers: 3 });
  await place.workflow('Flow', {}, { fallback: queue.sid });
  for (const name of ['Ann', 'Bob', 'Cleo', 'Dan']) await place.worker(name, 'many');
  await place.known(queue.sid, 4);
  const task = await place.task('any');
  const offers = await place.offers(task.sid, 3);
  assert.equal(new Set(offers.map((o) => o.workerSid)).size, 3);
  const { reservations } = place.ws.tasks(task.sid);
  await reservations(offers[1].sid).update({ reservationStatus: 'accepted' });
  for (const { sid, workerSid } of [offers[0], offers[2]]) {
    assert.equal((await reservations(sid).fetch()).reservationStatus, 'rescinded');
    await refused(reservations(sid).update({ reservationStatus: 'accepted' }), 410, 20410);
    await refused(
      place.ws.workers(workerSid).reservations(sid).update({ reservationStatus: 'accepted' }),
      410,
      20410,
    );
  }
  assert.equal((await reservations.list({ reservationStatus: 'rescinded' })).length, 2);
  assert.equal((await place.ws.tasks(task.sid).fetch()).assignmentStatus, 'assigned');
});

suite.test('what is rejected or not answered is offered again', async () => {
  const place = await Place.make(judge, 'Again');
  const queue = await place.queue('again');
  const hasty = await place.workflow('Hasty', {}, { fallback: queue.sid, taskReservationTimeout: 1 });
  const patient = await place.workflow('Patient', {}, { fallback: queue.sid, taskReservationTimeout: 600 });
  const slow = await place.worker('Slow', 'again');
  const task = await place.task('any', { workflowSid: hasty.sid });
  // Nobody answers: the worker goes to the workspace's activity for that.
  const moved = await place.workerUntil(slow.sid, 'offline', (worker) => worker.activityName === 'Offline');
  assert.equal(moved.available, false);
  const [late] = await place.ws.tasks(task.sid).reservations.list({ reservationStatus: 'timeout' });
  assert.equal(late.workerSid, slow.sid);
  await refused(
    place.ws.tasks(task.sid).reservations(late.sid).update({ reservationStatus: 'accepted' }),
    400,
    20001,
    /already in state \[timeout\]/,
  );
  await place.ws.tasks(task.sid).update({ assignmentStatus: 'canceled', reason: 'nobody came' });

  const picky = await place.worker('Picky', 'again');
  const next = await place.task('any', { priority: 5, workflowSid: patient.sid });
  const [offer] = await place.offers(next.sid);
  assert.equal(offer.workerSid, picky.sid);
  const rejected = await place.ws
    .workers(picky.sid)
    .reservations(offer.sid)
    .update({ reservationStatus: 'rejected', workerActivitySid: place.activities.Unavailable });
  assert.equal(rejected.reservationStatus, 'rejected');
  await place.workerUntil(picky.sid, 'where the rejection says', (w) => w.activityName === 'Unavailable');
  assert.equal((await place.status(next.sid, 'pending')).priority, 5);

  // Going away rejects what waits, if asked to.
  const leaving = await place.worker('Leaving', 'again');
  const [another] = await place.offers(next.sid);
  assert.equal(another.workerSid, leaving.sid);
  await place.ws
    .workers(leaving.sid)
    .update({ activitySid: place.activities.Offline, rejectPendingReservations: true });
  await patiently('the offer is rejected', async () => {
    const now = await place.waiting.tasks(next.sid).reservations(another.sid).fetch();
    return now.reservationStatus === 'rejected';
  });
});

suite.test('a workflow of several steps, and the events of it', async () => {
  const place = await Place.make(judge, 'Steps');
  const [first, second, third] = [await place.queue('first'), await place.queue('second'), await place.queue('third')];
  await place.workflow('Flow', {
    out: [{ queue: first.sid, timeout: 1, priority: 2 }, { queue: second.sid, timeout: 1 }],
    in: [
      { queue: first.sid, timeout: 1, priority: 2 },
      { queue: second.sid, skip_if: '1 == 1' },
      { queue: third.sid, priority: 4, expression: 'worker.level > 2', order_by: 'worker.level DESC' },
    ],
    skip: [{ queue: first.sid, skip_if: 'workers.available == 0' }],
  });
  await place.worker('Novice', 'third', { attributes: { level: 1 } });
  await place.worker('Expert', 'third', { attributes: { level: 9 } });
  const expert = await place.worker('Master', 'third', { attributes: { level: 10 } });
  await place.known(third.sid, 3);
  const [out, through, skipped] = [await place.task('out'), await place.task('in'), await place.task('skip')];
  await refused(place.task('no filter for this'), 400, 20001);

  const [offer] = await place.offers(through.sid);
  assert.equal(offer.workerSid, expert.sid);
  const now = await place.ws.tasks(through.sid).fetch();
  assert.deepEqual([now.taskQueueFriendlyName, now.priority, now.assignmentStatus], ['third', 4, 'reserved']);
  const ended = await place.status(out.sid, 'canceled');
  assert.equal(ended.taskQueueFriendlyName, 'second');
  await place.status(skipped.sid, 'canceled');

  const { events } = place.ws;
  const typesOf = async (taskSid) => (await events.list({ taskSid })).map((e) => e.eventType).reverse();
  assert.deepEqual(await typesOf(out.sid), [
    'task.created',
    'workflow.entered',
    'workflow.target-matched',
    'task-queue.entered',
    'task-queue.timeout',
    'workflow.target-matched',
    'task-queue.moved',
    'task-queue.entered',
    'task-queue.timeout',
    'workflow.timeout',
    'task.canceled',
  ]);
  const skippedTypes = await typesOf(skipped.sid);
  assert.deepEqual(skippedTypes.slice(-2), ['workflow.skipped', 'task.canceled']);
  assert.ok((await typesOf(through.sid)).includes('reservation.created'));
});

suite.test('events are found by every filter', async () => {
  const place = await Place.make(judge, 'Events');
  const queue = await place.queue('one');
  const flow = await place.workflow('Flow', {}, { fallback: queue.sid });
  const ann = await place.worker('Ann', 'one');
  const before = new Date(Date.now() - 60_000);
  const task = await place.task('any', { taskChannel: 'chat' });
  const [offer] = await place.offers(task.sid);
  await place.ws.workers(ann.sid).reservations(offer.sid).update({ reservationStatus: 'accepted' });
  const { events } = place.ws;
  const list = async (filter) => (await events.list(filter)).map((e) => e.eventType);
  // Other services' events come in their own time.
  await patiently('the worker is told', async () => {
    return (await place.waiting.events.list({ workerSid: ann.sid, eventType: 'worker.created' })).length === 1;
  });
  const of = ['reservation.accepted'];
  assert.deepEqual(await list({ taskSid: task.sid, eventType: 'reservation.accepted' }), of);
  assert.deepEqual(await list({ reservationSid: offer.sid }), [...of, 'reservation.created'], 'newest first');
  assert.deepEqual(await list({ workflowSid: flow.sid, eventType: 'reservation.accepted' }), of);
  assert.deepEqual(await list({ taskQueueSid: queue.sid, eventType: 'reservation.accepted' }), of);
  assert.deepEqual(await list({ taskChannel: 'chat', eventType: 'reservation.accepted' }), of);
  assert.deepEqual(await list({ taskChannel: 'voice', eventType: 'reservation.accepted' }), []);
  assert.deepEqual(await list({ minutes: 60, eventType: 'reservation.accepted' }), of);
  assert.deepEqual(await list({ startDate: before, eventType: 'reservation.accepted' }), of);
  assert.deepEqual(await list({ startDate: before, endDate: new Date(Date.now() + 60_000), eventType: 'task.created' }), ['task.created']);
  assert.deepEqual(await list({ endDate: before, eventType: 'task.created' }), []);
  const [created] = await events.list({ eventType: 'task.created' });
  assert.deepEqual(await list({ sid: created.sid }), ['task.created']);

  const event = await events(created.sid).fetch();
  assert.deepEqual(
    [event.eventType, event.resourceType, event.resourceSid, event.workspaceSid],
    ['task.created', 'task', task.sid, place.sid],
  );
  assert.equal(Math.floor(event.eventDateMs / 1000) * 1000, event.eventDate.getTime());
  assert.match(event.resourceUrl, new RegExp(`/Tasks/${task.sid}$`));
  assert.ok(event.description.length > 0);
  for (const [key, value] of Object.entries(event.eventData)) {
    assert.match(key, /^[a-z_]+$/);
    assert.equal(typeof value, 'string', key);
  }
  assert.deepEqual(JSON.parse(event.eventData.task_attributes), { kind: 'any' });
  assert.equal((await judge.call('GET', event.url)).status, 200);
});

suite.test('a worker with two channels takes work of both', async () => {
  const place = await Place.make(judge, 'Two channels');
  const queue = await place.queue('both');
  await place.workflow('Flow', {}, { fallback: queue.sid });
  const ann = await place.worker('Ann', 'both');
  const channels = place.ws.workers(ann.sid).workerChannels;
  await channels('chat').update({ capacity: 2 });
  const { tasks } = place.ws;
  const make = (taskChannel) => place.task('any', { taskChannel });
  const [call, second] = [await make('voice'), await make('voice')];
  const chats = [await make('chat'), await make('chat'), await make('chat')];
  const accept = async (task) => {
    const [offer] = await place.offers(task.sid);
    return tasks(task.sid).reservations(offer.sid).update({ reservationStatus: 'accepted' });
  };
  for (const task of [call, chats[0], chats[1]]) await accept(task);
  const used = async (name) => (await channels(name).fetch()).assignedTasks;
  assert.deepEqual([await used('voice'), await used('chat'), await used('sms')], [1, 2, 0]);
  for (const task of [second, chats[2]]) {
    assert.equal((await tasks(task.sid).fetch()).assignmentStatus, 'pending', 'no place left');
  }
  await tasks(chats[0].sid).update({ assignmentStatus: 'completed', reason: 'done' });
  await accept(chats[2]);
  assert.equal((await tasks(second.sid).fetch()).assignmentStatus, 'pending');
  await channels('chat').update({ available: false });
  await tasks(call.sid).update({ assignmentStatus: 'completed', reason: 'done' });
  await accept(second);
});

suite.test('order within a queue: priority, virtual start, last in first out', async () => {
  const place = await Place.make(judge, 'Order');
  const fifo = await place.queue('fifo');
  const lifo = await place.queue('lifo', { taskOrder: 'LIFO' });
  await place.workflow('Flow', { lifo: [{ queue: lifo.sid }] }, { fallback: fifo.sid });
  const at = (year) => new Date(`${year}-01-01T00:00:00Z`);
  const make = async (kind, priority, year) => (await place.task(kind, { priority, virtualStartTime: at(year) })).sid;
  const [young, old, urgent] = [await make('fifo', 0, 2020), await make('fifo', 0, 2010), await make('fifo', 9, 2022)];
  const [oldest, newest] = [await make('lifo', 9, 2001), await make('lifo', 0, 2023)];
  const served = async (role, want) => {
    const worker = await place.worker(`Server of ${role}`, role);
    for (const sid of want) {
      const [offer] = await place.offers(sid);
      assert.equal(offer.workerSid, worker.sid);
      const { reservations } = place.ws.workers(worker.sid);
      assert.equal((await reservations.list({ reservationStatus: 'pending' })).length, 1, 'one at a time');
      await reservations(offer.sid).update({ reservationStatus: 'accepted' });
      await place.ws.tasks(sid).update({ assignmentStatus: 'completed', reason: 'done' });
    }
  };
  await served('fifo', [urgent, old, young]);
  await served('lifo', [newest, oldest]);
});

suite.test('a task may name its target', async () => {
  const place = await Place.make(judge, 'Targets');
  const queue = await place.queue('queue');
  const flow = await place.workflow('Flow', {}, { fallback: queue.sid });
  const away = await place.worker('Away', 'other', { activitySid: place.activities.Offline });
  const { tasks } = place.ws;
  const direct = await tasks.create({ routingTarget: away.sid });
  assert.deepEqual([direct.routingTarget, direct.ignoreCapacity], [away.sid, true]);
  const [offer] = await place.offers(direct.sid);
  assert.equal(offer.workerSid, away.sid, 'whatever the worker does');
  const polite = await tasks.create({ routingTarget: away.sid, ignoreCapacity: 'false' });
  assert.equal(polite.ignoreCapacity, false);
  const queued = await tasks.create({ routingTarget: queue.sid });
  assert.deepEqual([queued.routingTarget, queued.taskQueueSid], [queue.sid, queue.sid]);
  const routed = await tasks.create({ routingTarget: flow.sid });
  assert.deepEqual([routed.routingTarget, routed.workflowSid], [flow.sid, flow.sid]);
  assert.deepEqual(await tasks(polite.sid).reservations.list(), []);
  await refused(tasks.create({ routingTarget: queue.sid, ignoreCapacity: 'true' }), 400, 20001, /IgnoreCapacity/);
  const second = await place.workflow('Second', {}, { fallback: queue.sid });
  const belongs = await tasks.create({ workflowSid: second.sid, taskQueueSid: queue.sid });
  assert.equal(belongs.taskQueueSid, queue.sid);
  await refused(tasks.create(), 400, 20001, /WorkflowSid/);
});

suite.test('versions: who changes what has changed gets 412, and nothing happens', async () => {
  const place = await Place.make(judge, 'Versions');
  const queue = await place.queue('one');
  await place.workflow('Flow', {}, { fallback: queue.sid });
  const { tasks, workers } = place.ws;
  const task = await place.task('any');
  const seen = await tasks(task.sid).fetchWithHttpInfo();
  const version = etagOf(seen);
  assert.match(version, /^"\d+"$/);
  const changed = await tasks(task.sid).update({ priority: 1, ifMatch: version });
  assert.equal(changed.priority, 1);
  await refused(tasks(task.sid).update({ priority: 2, ifMatch: version }), 412, 20412);
  await refused(tasks(task.sid).remove({ ifMatch: version }), 412, 20412);
  assert.equal((await tasks(task.sid).fetch()).priority, 1);
  assert.equal((await tasks(task.sid).update({ priority: 2 })).priority, 2, 'without it the last one wins');
  const bare = etagOf(await tasks(task.sid).fetchWithHttpInfo()).replaceAll('"', '');
  assert.equal((await tasks(task.sid).update({ priority: 3, ifMatch: bare })).priority, 3);
  assert.equal((await tasks(task.sid).update({ priority: 4, ifMatch: '*' })).priority, 4);

  const ann = await place.worker('Ann', 'one');
  const first = etagOf(await workers(ann.sid).fetchWithHttpInfo());
  const [offer] = await place.offers(task.sid);
  await workers(ann.sid).update({ friendlyName: 'Anna', ifMatch: first });
  await refused(workers(ann.sid).update({ friendlyName: 'Annabel', ifMatch: first }), 412, 20412);
  await refused(workers(ann.sid).remove({ ifMatch: first }), 412, 20412);

  const { reservations } = tasks(task.sid);
  await refused(reservations(offer.sid).update({ reservationStatus: 'accepted', ifMatch: '"99"' }), 412, 20412);
  await refused(
    workers(ann.sid).reservations(offer.sid).update({ reservationStatus: 'accepted', ifMatch: '99' }),
    412,
    20412,
  );
  const open = etagOf(await reservations(offer.sid).fetchWithHttpInfo());
  const accepted = await reservations(offer.sid).updateWithHttpInfo({ reservationStatus: 'accepted', ifMatch: open });
  assert.equal(accepted.body.reservationStatus, 'accepted');
  assert.notEqual(etagOf(accepted), open);
  const end = etagOf(await tasks(task.sid).fetchWithHttpInfo());
  assert.equal(await tasks(task.sid).remove({ ifMatch: end }), true);
  const spare = await place.worker('Spare', 'none');
  const last = etagOf(await workers(spare.sid).fetchWithHttpInfo());
  assert.equal(await workers(spare.sid).remove({ ifMatch: last }), true);
});

suite.test('instructions on reservations', async () => {
  const place = await Place.make(judge, 'Instructions');
  const queue = await place.queue('voice');
  await place.workflow('Flow', {}, { fallback: queue.sid });
  const ann = await place.worker('Ann', 'voice', { attributes: { contact_uri: '+15550100' } });
  await place.ws.workers(ann.sid).workerChannels('voice').update({ capacity: 20 });
  const url = 'https://example.com/twiml?a=1&b=2';
  const callSid = `CA${'1'.repeat(32)}`;
  const INSTRUCTIONS = [
    [{ instruction: 'accept' }, 'accepted'],
    [{ instruction: 'reject', workerActivitySid: place.activities.Available }, 'rejected'],
    [{ instruction: 'call', callFrom: '+15550101', callTo: '+15550102', callUrl: url, callTimeout: 30 }, 'pending'],
    [
      {
        instruction: 'call',
        callFrom: '+15550101',
        callUrl: url,
        callAccept: true,
        callRecord: 'record-from-answer',
        callStatusCallbackUrl: url,
      },
      'accepted',
    ],
    [{ instruction: 'redirect', redirectCallSid: callSid, redirectUrl: url, redirectAccept: true }, 'accepted'],
    [
      {
        instruction: 'dequeue',
        dequeueFrom: '+15550101',
        dequeueRecord: 'record-from-answer',
        dequeueTimeout: 20,
        dequeueStatusCallbackUrl: url,
        dequeueStatusCallbackEvent: ['initiated', 'completed'],
      },
      'pending',
    ],
    [
      {
        instruction: 'conference',
        from: '+15550101',
        to: '+15550102',
        beep: 'onEnter',
        muted: false,
        record: true,
        maxParticipants: 3,
        statusCallback: url,
        statusCallbackEvent: ['initiated', 'answered'],
        conferenceStatusCallbackEvent: ['start', 'end'],
        conferenceRecord: 'record-from-start',
        recordingChannels: 'dual',
        region: 'ie1',
        jitterBufferSize: 'small',
      },
      'pending',
    ],
  ];
  for (const [index, [instruction, status]] of INSTRUCTIONS.entries()) {
    const task = await place.task('any', {
      taskChannel: 'voice',
      attributes: { call_sid: callSid, from: '+15550103' },
    });
    const [offer] = await place.offers(task.sid);
    const side = index % 2 === 0 ? place.ws.tasks(task.sid) : place.ws.workers(ann.sid);
    const reservation = await side.reservations(offer.sid).update(instruction);
    assert.equal(reservation.reservationStatus, status, JSON.stringify(instruction));
    if (status === 'accepted') {
      await refused(
        side.reservations(offer.sid).update({ instruction: 'dequeue', dequeueFrom: '+15550101' }),
        400,
        20001,
        /is in state \[accepted\]/,
      );
      const boss = { instruction: 'supervise', supervisor: ann.sid, supervisorMode: 'whisper' };
      const now = await place.ws.tasks(task.sid).reservations(offer.sid).update(boss);
      assert.equal(now.reservationStatus, 'accepted');
    }
    await place.ws.tasks(task.sid).remove(); // nothing is left to be offered again
  }
});

judge.verdict();
