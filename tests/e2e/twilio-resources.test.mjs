// Workspaces and what they are made of, as a program written for Twilio makes, reads, changes and deletes them.
import assert from 'node:assert/strict';
import { useSuite } from './lib/suite.mjs';
import { Place, patiently, refused, useTwilio } from './lib/twilio.mjs';

const suite = useSuite({ prepare });
const judge = useTwilio(suite, import.meta.url);
let client;
let place;

async function prepare() {
  client = judge.client();
  place = await Place.make(judge, 'Resources');
}

const names = (list) => list.map((item) => item.friendlyName).sort();
const subset = (item, keys) => Object.fromEntries(Object.keys(keys).map((key) => [key, item[key]]));

// An instance has these values; its dates are dates, and its URL leads to itself.
async function assertIs(instance, values) {
  assert.deepEqual(subset(instance, values), values);
  assert.equal(instance.accountSid, suite.accountSid);
  for (const key of ['dateCreated', 'dateUpdated']) {
    assert.ok(instance[key] instanceof Date && !Number.isNaN(instance[key].getTime()), key);
  }
  assert.ok(instance.url.startsWith(`${suite.url}/v1/Workspaces/`), instance.url);
  const reply = await judge.call('GET', instance.url);
  assert.equal(reply.status, 200, `${instance.url}: ${reply.text}`);
  assert.equal(reply.body.sid, instance.sid);
}

// Every link leads to something, on this host.
async function assertLinksWork(instance) {
  for (const [name, url] of Object.entries(instance.links)) {
    if (url === null || name === 'bulk_real_time_statistics') continue; // that one takes a POST
    assert.ok(url.startsWith(`${suite.url}/v1/Workspaces/`), `${name}: ${url}`);
    // The router, which has the statistics, hears of queues and workflows in its own time.
    if (/statistics/.test(name)) {
      await patiently(`${url} is there`, async () => {
        return (await judge.call('GET', url, { isNoted: false })).status === 200;
      });
    }
    const reply = await judge.call('GET', url);
    assert.equal(reply.status, 200, `${name}: ${reply.text}`);
  }
}

suite.test('a workspace is born with activities, channels and defaults', async () => {
  const { workspace, ws } = place;
  await assertIs(workspace, {
    friendlyName: 'Resources',
    defaultActivityName: 'Offline',
    defaultActivitySid: place.activities.Offline,
    timeoutActivityName: 'Offline',
    timeoutActivitySid: place.activities.Offline,
    eventCallbackUrl: '',
    eventsFilter: null,
    multiTaskEnabled: true,
    prioritizeQueueOrder: 'FIFO',
  });
  await assertLinksWork(workspace);
  const activities = await ws.activities.list();
  assert.deepEqual(
    Object.fromEntries(activities.map((a) => [a.friendlyName, a.available])),
    { Offline: false, Available: true, Unavailable: false },
  );
  const channels = await ws.taskChannels.list();
  assert.deepEqual(channels.map((c) => c.uniqueName).sort(), ['chat', 'default', 'sms', 'video', 'voice']);
  assert.deepEqual(await ws.taskQueues.list(), []);
  assert.deepEqual(await ws.workflows.list(), []);
});

suite.test('the template FIFO makes a queue and a workflow that sends everything there', async () => {
  const fifo = await Place.make(judge, 'First in', { template: 'FIFO', eventsFilter: 'task.created,task.deleted' });
  assert.equal(fifo.workspace.eventsFilter, 'task.created,task.deleted');
  const [queue, ...queues] = await fifo.ws.taskQueues.list();
  const [workflow, ...workflows] = await fifo.ws.workflows.list();
  assert.deepEqual([queues.length, workflows.length], [0, 0]);
  assert.equal(queue.targetWorkers, '1==1');
  assert.equal(workflow.friendlyName, 'Default Fifo Workflow');
  assert.equal(JSON.parse(workflow.configuration).task_routing.default_filter.queue, queue.sid);
  const worker = await fifo.worker('Ann', 'any');
  const task = await fifo.task('any');
  assert.equal(task.taskQueueSid, queue.sid);
  const [offer] = await fifo.offers(task.sid);
  assert.equal(offer.workerSid, worker.sid);
});

suite.test('a workspace is found, changed and cleared', async () => {
  const { workspaces } = client.taskrouter.v1;
  const made = await workspaces.create({
    friendlyName: 'Changing',
    eventCallbackUrl: 'https://example.com/events?a=1#rc=2',
    multiTaskEnabled: true,
    prioritizeQueueOrder: 'LIFO',
    template: 'NONE',
  });
  await assertIs(made, { eventCallbackUrl: 'https://example.com/events?a=1#rc=2', prioritizeQueueOrder: 'LIFO' });
  const [available] = await workspaces(made.sid).activities.list({ friendlyName: 'Available' });
  const [unavailable] = await workspaces(made.sid).activities.list({ friendlyName: 'Unavailable' });
  const changed = await workspaces(made.sid).update({
    friendlyName: 'Changed – 東京',
    eventsFilter: 'task.created, reservation.created',
    eventCallbackUrl: 'https://example.com/other',
    defaultActivitySid: available.sid,
    timeoutActivitySid: unavailable.sid,
    prioritizeQueueOrder: 'FIFO',
    multiTaskEnabled: true,
  });
  await assertIs(changed, {
    sid: made.sid,
    friendlyName: 'Changed – 東京',
    eventCallbackUrl: 'https://example.com/other',
    defaultActivityName: 'Available',
    timeoutActivityName: 'Unavailable',
    prioritizeQueueOrder: 'FIFO',
  });
  assert.match(changed.eventsFilter, /^task\.created, ?reservation\.created$/);
  const cleared = await workspaces(made.sid).update({ eventCallbackUrl: '', eventsFilter: '' });
  assert.deepEqual([cleared.eventCallbackUrl, cleared.eventsFilter], ['', null]);
  assert.equal(cleared.friendlyName, 'Changed – 東京', 'what is not named stays');
  const found = await workspaces.list({ friendlyName: 'Changed – 東京' });
  assert.deepEqual(found.map((w) => w.sid), [made.sid]);
  assert.ok((await workspaces.list()).length >= 2);
  await refused(workspaces(made.sid).update({ multiTaskEnabled: false }), 400, 20001, /MultiTaskEnabled/);
});

suite.test('activities', async () => {
  const { activities } = place.ws;
  const made = await activities.create({ friendlyName: 'Lunch', available: false });
  await assertIs(made, { friendlyName: 'Lunch', available: false, workspaceSid: place.sid });
  await assertLinksWork(made);
  assert.equal((await activities.create({ friendlyName: 'Standby' })).available, false, 'the default');
  assert.equal((await activities.create({ friendlyName: 'Ready', available: true })).available, true);
  assert.equal((await activities(made.sid).update({ friendlyName: 'Break' })).friendlyName, 'Break');
  const same = await judge.call('POST', made.url.slice(suite.url.length), { form: { Available: 'true' } });
  assert.deepEqual([same.status, same.body.available], [200, false], 'never changes, and is no error');
  assert.deepEqual(names(await activities.list({ friendlyName: 'Break' })), ['Break']);
  assert.deepEqual(names(await activities.list({ available: 'true' })), ['Available', 'Ready']);
  assert.deepEqual(names(await activities.list({ available: 'no' })), ['Break', 'Offline', 'Standby', 'Unavailable']);
  assert.equal((await activities(made.sid).fetch()).friendlyName, 'Break');
  assert.equal(await activities(made.sid).remove(), true);
  await refused(activities(made.sid).fetch(), 404, 20404);
  await refused(activities(place.activities.Offline).remove(), 400, 20001);
  await refused(activities.create({ friendlyName: 'Ready' }), 400, 20001, /Ready/);
});

suite.test('task channels, by SID and by unique name', async () => {
  const { taskChannels } = place.ws;
  const made = await taskChannels.create({ friendlyName: 'E-Mail'.replace('-', ''), uniqueName: 'email_$1' });
  await assertIs(made, { friendlyName: 'EMail', uniqueName: 'email_$1', channelOptimizedRouting: false });
  await assertLinksWork(made);
  const byName = await taskChannels('email_$1').update({ friendlyName: 'Mail', channelOptimizedRouting: true });
  assert.deepEqual([byName.sid, byName.friendlyName, byName.channelOptimizedRouting], [made.sid, 'Mail', true]);
  assert.equal((await taskChannels(made.sid).update({ channelOptimizedRouting: false })).channelOptimizedRouting, false);
  assert.equal((await taskChannels('email_$1').fetch()).sid, made.sid);
  assert.equal((await taskChannels(made.sid).fetch()).friendlyName, 'Mail');
  assert.equal((await taskChannels.list()).length, 6);
  await refused(taskChannels.create({ friendlyName: 'X', uniqueName: '1st' }), 400, 20001, /UniqueName/);
  await refused(taskChannels.create({ friendlyName: 'X', uniqueName: 'with-hyphen' }), 400, 20001, /UniqueName/);
  await refused(taskChannels.create({ friendlyName: 'X', uniqueName: 'email_$1' }), 400, 20001);
  assert.equal(await taskChannels('email_$1').remove(), true);
  await refused(taskChannels('email_$1').fetch(), 404, 20404);
  await refused(taskChannels(made.sid).remove(), 404, 20404);
});

suite.test('workers, their filters and orderings', async () => {
  const { workers, taskQueues } = place.ws;
  const fast = await taskQueues.create({ friendlyName: 'Fast ones', targetWorkers: 'speed > 5' });
  const ann = await workers.create({
    friendlyName: 'Ann Smith',
    attributes: JSON.stringify({ speed: 9, languages: ['en', 'ja'], contact_uri: '+15550100', name: 'Zoë' }),
  });
  await assertIs(ann, {
    friendlyName: 'Ann Smith',
    activityName: 'Offline',
    activitySid: place.activities.Offline,
    available: false,
    workspaceSid: place.sid,
  });
  assert.deepEqual(JSON.parse(ann.attributes).languages, ['en', 'ja']);
  assert.ok(ann.dateStatusChanged instanceof Date);
  await assertLinksWork(ann);
  const bob = await workers.create({ friendlyName: 'Bob', activitySid: place.activities.Available });
  assert.deepEqual([bob.available, bob.attributes], [true, '{}']);
  const busy = await workers(ann.sid).update({ activitySid: place.activities.Available });
  assert.deepEqual([busy.activityName, busy.available], ['Available', true]);
  assert.ok(busy.dateStatusChanged >= ann.dateStatusChanged);
  const renamed = await workers(ann.sid).update({ friendlyName: 'Ann' });
  assert.deepEqual([renamed.friendlyName, renamed.attributes], ['Ann', ann.attributes]);
  await workers(bob.sid).update({ attributes: '{"speed": 1}' });
  const cleo = await workers.create({ friendlyName: 'Cleo', attributes: '{"speed": 7}' });

  const list = async (filter) => names(await workers.list(filter));
  assert.deepEqual(await list({}), ['Ann', 'Bob', 'Cleo']);
  assert.deepEqual(await list({ friendlyName: 'Bob' }), ['Bob']);
  assert.deepEqual(await list({ activityName: 'Available' }), ['Ann', 'Bob']);
  assert.deepEqual(await list({ activitySid: place.activities.Offline }), ['Cleo']);
  assert.deepEqual(await list({ available: 'true' }), ['Ann', 'Bob']);
  assert.deepEqual(await list({ available: '0' }), ['Cleo']);
  assert.deepEqual(await list({ targetWorkersExpression: "speed > 5 AND languages HAS 'ja'" }), ['Ann']);
  assert.deepEqual(await list({ targetWorkersExpression: `sid == '${bob.sid}'` }), ['Bob']);
  assert.deepEqual(await list({ targetWorkersExpression: "friendly_name == 'Cleo' OR activity_name == 'x'" }), ['Cleo']);
  assert.deepEqual(await list({ targetWorkersExpression: `activity_sid == '${place.activities.Available}'` }), [
    'Ann',
    'Bob',
  ]);
  assert.deepEqual(await list({ taskQueueSid: fast.sid }), ['Ann', 'Cleo']);
  assert.deepEqual(await list({ taskQueueName: 'Fast ones', available: 'true' }), ['Ann']);
  const ordered = async (ordering) => (await workers.list({ ordering })).map((w) => w.dateStatusChanged.getTime());
  const up = await ordered('DateStatusChanged:asc');
  assert.deepEqual(up, [...up].sort((a, b) => a - b));
  assert.deepEqual(await ordered('DateStatusChanged:desc'), [...up].reverse());
  await refused(workers.list({ targetWorkersExpression: 'speed >' }), 400, 20001, /TargetWorkersExpression/);
  await refused(workers.create({ friendlyName: 'bob' }), 400, 20001, /bob/i);

  assert.equal(await workers(cleo.sid).remove(), true);
  await refused(workers(cleo.sid).fetch(), 404, 20404);
});

suite.test("a worker's channels, by each of their names", async () => {
  const worker = await place.worker('Channels', 'none');
  const { workerChannels } = place.ws.workers(worker.sid);
  const list = await workerChannels.list();
  assert.deepEqual(list.map((c) => c.taskChannelUniqueName).sort(), ['chat', 'default', 'sms', 'video', 'voice']);
  const voice = list.find((c) => c.taskChannelUniqueName === 'voice');
  const values = {
    workspaceSid: place.sid,
    workerSid: worker.sid,
    configuredCapacity: 1,
    assignedTasks: 0,
    available: true,
    availableCapacityPercentage: 100,
  };
  await assertIs(voice, values);
  for (const name of [voice.sid, voice.taskChannelSid, 'voice']) {
    assert.equal((await workerChannels(name).fetch()).sid, voice.sid);
  }
  const changed = await workerChannels('voice').update({ capacity: 3, available: false });
  assert.deepEqual(subset(changed, values), { ...values, configuredCapacity: 3, available: false });
  const none = await workerChannels(voice.sid).update({ capacity: 0, available: true });
  assert.deepEqual(
    [none.configuredCapacity, none.available, none.availableCapacityPercentage],
    [0, true, 0],
  );
  await refused(workerChannels('voice').update({ capacity: -1 }), 400, 20001, /Capacity/);
  await refused(workerChannels('nothing').fetch(), 404, 20404);
});

suite.test('task queues', async () => {
  const { taskQueues } = place.ws;
  const { Available, Unavailable } = place.activities;
  const plain = await taskQueues.create({ friendlyName: 'Plain' });
  await assertIs(plain, {
    friendlyName: 'Plain',
    targetWorkers: '1==1',
    maxReservedWorkers: 1,
    taskOrder: 'FIFO',
    reservationActivitySid: null,
    reservationActivityName: null,
    assignmentActivitySid: null,
    assignmentActivityName: null,
    workspaceSid: place.sid,
  });
  await assertLinksWork(plain);
  const full = await taskQueues.create({
    friendlyName: 'Full',
    targetWorkers: "skills HAS 'cooking' AND level >= 3",
    maxReservedWorkers: 50,
    taskOrder: 'LIFO',
    reservationActivitySid: Unavailable,
    assignmentActivitySid: Available,
  });
  await assertIs(full, {
    targetWorkers: "skills HAS 'cooking' AND level >= 3",
    maxReservedWorkers: 50,
    taskOrder: 'LIFO',
    reservationActivityName: 'Unavailable',
    reservationActivitySid: Unavailable,
    assignmentActivityName: 'Available',
    assignmentActivitySid: Available,
  });
  await assertLinksWork(full);
  const changed = await taskQueues(full.sid).update({
    friendlyName: 'Fuller',
    targetWorkers: "skills HAS 'baking'",
    maxReservedWorkers: 2,
    taskOrder: 'FIFO',
    assignmentActivitySid: Unavailable,
  });
  assert.deepEqual(
    [changed.friendlyName, changed.targetWorkers, changed.maxReservedWorkers, changed.taskOrder],
    ['Fuller', "skills HAS 'baking'", 2, 'FIFO'],
  );
  assert.deepEqual([changed.assignmentActivityName, changed.reservationActivityName], ['Unavailable', 'Unavailable']);
  const nobody = await taskQueues.create({ friendlyName: 'Nobody', targetWorkers: '' });
  assert.ok(!nobody.targetWorkers, 'explicitly empty matches nobody');

  const list = async (filter) => names(await taskQueues.list(filter));
  const baker = await place.worker('Baker', 'none', { attributes: { skills: ['baking'], speed: 1 } });
  assert.deepEqual(await list({ friendlyName: 'Fuller' }), ['Fuller']);
  const all = ['Fast ones', 'Fuller', 'Nobody', 'Plain'];
  assert.deepEqual(await list({}), all);
  assert.deepEqual(await list({ workerSid: baker.sid }), ['Fuller', 'Plain']);
  assert.deepEqual(await list({ evaluateWorkerAttributes: '{"speed": 6}' }), ['Fast ones', 'Plain']);
  const ordered = async (ordering) => (await taskQueues.list({ ordering })).map((q) => q.dateUpdated.getTime());
  const up = await ordered('DateUpdated:asc');
  assert.equal(up.length, all.length);
  assert.deepEqual(up, [...up].sort((a, b) => a - b));
  assert.deepEqual(await ordered('DateUpdated:desc'), [...up].reverse());

  await refused(taskQueues.create({ friendlyName: 'Bad', targetWorkers: 'a ==' }), 400, 20001, /TargetWorkers/);
  await refused(taskQueues.create({ friendlyName: 'Bad', maxReservedWorkers: 51 }), 400, 20001, /MaxReservedWorkers/);
  await refused(taskQueues.create({ friendlyName: 'Plain' }), 400, 20001, /Plain/);
  assert.equal(await taskQueues(nobody.sid).remove(), true);
  await refused(taskQueues(nobody.sid).fetch(), 404, 20404);
});

suite.test('a workspace for one task at a time', async () => {
  const single = await Place.make(judge, 'Single', { multiTaskEnabled: false });
  assert.equal(single.workspace.multiTaskEnabled, false);
  const none = single.ws.taskQueues.create({ friendlyName: 'Queue' });
  await refused(none, 400, 20001, /^Activity Sids cannot be empty/);
  const { Offline, Unavailable } = single.activities;
  const queue = await single.ws.taskQueues.create({
    friendlyName: 'Queue',
    reservationActivitySid: Unavailable,
    assignmentActivitySid: Offline,
  });
  assert.deepEqual([queue.reservationActivityName, queue.assignmentActivityName], ['Unavailable', 'Offline']);
  await single.workflow('Flow', {}, { fallback: queue.sid });
  const worker = await single.worker('Ann', 'any');
  const task = await single.task('any');
  await single.offers(task.sid);
  await single.workerUntil(worker.sid, 'in the activity of reserved workers', (w) => w.activitySid === Unavailable);
  const [offer] = await single.ws.workers(worker.sid).reservations.list();
  await single.ws.workers(worker.sid).reservations(offer.sid).update({ reservationStatus: 'accepted' });
  await single.workerUntil(worker.sid, 'in the activity of assigned workers', (w) => w.activitySid === Offline);
});

suite.test('workflows', async () => {
  const { workflows, taskQueues } = place.ws;
  const queue = await taskQueues.create({ friendlyName: 'Of a workflow' });
  const document = (more = {}) =>
    JSON.stringify({ task_routing: { default_filter: { queue: queue.sid }, filters: [], ...more } });
  const plain = await workflows.create({ friendlyName: 'Plain', configuration: document() });
  await assertIs(plain, {
    friendlyName: 'Plain',
    documentContentType: 'application/json',
    taskReservationTimeout: 120,
    workspaceSid: place.sid,
  });
  assert.ok(!plain.assignmentCallbackUrl && !plain.fallbackAssignmentCallbackUrl, 'none');
  assert.deepEqual(JSON.parse(plain.configuration), JSON.parse(document()));
  await assertLinksWork(plain);
  const made = await workflows.create({
    friendlyName: 'Full',
    configuration: document(),
    assignmentCallbackUrl: 'https://example.com/assign?a=%20b',
    fallbackAssignmentCallbackUrl: 'https://example.com/fallback',
    taskReservationTimeout: 86400,
  });
  await assertIs(made, {
    assignmentCallbackUrl: 'https://example.com/assign?a=%20b',
    fallbackAssignmentCallbackUrl: 'https://example.com/fallback',
    taskReservationTimeout: 86400,
  });
  const filters = [
    {
      filter_friendly_name: 'Numbers may be texts',
      expression: "type == 'a'",
      targets: [{ queue: queue.sid, priority: '5', timeout: '30', skip_if: 'workers.available == 0' }, { priority: 6 }],
    },
  ];
  const changed = await workflows(made.sid).update({
    friendlyName: 'Fuller',
    configuration: document({ filters }),
    assignmentCallbackUrl: '',
    taskReservationTimeout: 60,
    reEvaluateTasks: 'true',
  });
  assert.deepEqual(
    [changed.friendlyName, changed.assignmentCallbackUrl || '', changed.taskReservationTimeout],
    ['Fuller', '', 60],
  );
  assert.deepEqual(JSON.parse(changed.configuration).task_routing.filters.length, 1);
  assert.deepEqual(names(await workflows.list({ friendlyName: 'Fuller' })), ['Fuller']);
  assert.deepEqual(names(await workflows.list()), ['Fuller', 'Plain']);
  assert.equal((await workflows(made.sid).fetch()).friendlyName, 'Fuller');

  const bad = (configuration) => workflows.create({ friendlyName: 'Bad', configuration });
  await refused(bad('{"task_routing":'), 400, 20001, /Configuration/);
  await refused(bad(document({ default_filter: { queue: `WQ${'0'.repeat(32)}` } })), 400, 20001, /Configuration/);
  await refused(bad(document({ filters: [{ expression: 'a ==', targets: [{ queue: queue.sid }] }] })), 400, 20001, /Configuration/);
  await refused(workflows(made.sid).update({ configuration: '{}' }), 400, 20001, /Configuration/);
  assert.equal((await workflows(made.sid).fetch()).configuration, changed.configuration, 'the old one stays');
  await refused(taskQueues(queue.sid).remove(), 400, 20001);
  assert.equal(await workflows(made.sid).remove(), true);
  await refused(workflows(made.sid).fetch(), 404, 20404);
});

suite.test('a workspace takes all with it', async () => {
  const gone = await Place.make(judge, 'Soon gone');
  const queue = await gone.queue('any');
  const workflow = await gone.workflow('Flow', {}, { fallback: queue.sid });
  const worker = await gone.worker('Ann', 'any');
  const task = await gone.task('any');
  await gone.offers(task.sid);
  assert.equal(await gone.ws.remove(), true);
  await refused(gone.ws.fetch(), 404, 20404, /Workspaces\/WS/);
  await refused(gone.ws.remove(), 404, 20404);
  // Every service hears of it in its own time.
  for (const below of [
    (ws) => ws.workers(worker.sid).fetch(),
    (ws) => ws.tasks(task.sid).fetch(),
    (ws) => ws.workflows(workflow.sid).fetch(),
    (ws) => ws.workers.list(),
    (ws) => ws.tasks.list(),
    (ws) => ws.taskQueues.list(),
    (ws) => ws.workflows.list(),
    (ws) => ws.events.list(),
    (ws) => ws.tasks.create(),
    (ws) => ws.workers.create({ friendlyName: 'Bob' }),
    (ws) => ws.taskQueues.create({ friendlyName: 'Queue' }),
    (ws) => ws.realTimeStatistics().fetch(),
  ]) {
    await patiently(`all is gone: ${below}`, () => below(gone.waiting).then(() => false, () => true));
    await refused(below(gone.ws), 404, 20404, /Workspaces\/WS/);
  }
  const all = await client.taskrouter.v1.workspaces.list({ friendlyName: 'Soon gone' });
  assert.deepEqual(all, []);
});

judge.verdict();
