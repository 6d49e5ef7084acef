// An application's webhook receiver, built on the official SDK's validateRequest, accepts every callback that is
// sent: each kind of event with exactly its parameters, in the order of what happened to a task, and assignments
// with their instructions.
import assert from 'node:assert/strict';
import { Receiver } from './lib/receiver.mjs';
import { useSuite } from './lib/suite.mjs';
import { until as untilSoon } from './lib/until.mjs';

const suite = useSuite({ environment: { TASKROUTER_CALLBACK_ALLOW_PRIVATE: 'true' }, prepare });
const EVENTS_QUERY = '?tenant=a%20b&x=1&name=Zo%C3%AB&quote=%27'; // signed as configured
const UNICODE = 'Zoë – 東京 & co = 100% + "1"';
const until = (what, check) => untilSoon(what, check, { timeoutMs: 60000 });
let receiver;
let api; // with the workspace
let workspace;
let activities; // name -> sid

async function prepare() {
  receiver = await new Receiver(suite.authToken).start();
  suite.onClose(() => receiver.close());
  workspace = await suite.api.post('/workspaces', {
    friendlyName: 'Callbacks',
    eventCallbackUrl: receiver.url('/events', EVENTS_QUERY),
  });
  api = suite.api.with({ workspace: workspace.sid });
  suite.onClose(() => api.close());
  activities = Object.fromEntries((await api.list('/activities')).map((a) => [a.friendlyName, a.sid]));
}

// ---- the parameters of each event: the reference's section 12 ----

const words = (text) => text.split(/\s+/).filter(Boolean);
const COMMON = words(`EventType AccountSid WorkspaceSid WorkspaceName EventDescription ResourceType ResourceSid
  Timestamp TimestampMs Sid OperatingUnitSid`);
const FLOW = words('WorkflowSid WorkflowName');
const TASK = words(`TaskSid TaskAttributes TaskAge TaskPriority TaskAssignmentStatus TaskVersion TaskDateCreated
  TaskVirtualStartTime TaskChannelSid TaskChannelUniqueName TaskIgnoreCapacity`).concat(FLOW);
const QUEUED = TASK.concat(words('TaskQueueSid TaskQueueName TaskQueueTargetExpression TaskQueueEnteredDate'));
const LEFT = QUEUED.concat(words('PreviousTaskQueueSid PreviousTaskQueueName'));
const CANCELED = words('TaskCanceledReason Reason');
const COMPLETED = words('TaskCompletedReason Reason');
const WORKER = words(`WorkerSid WorkerName WorkerAttributes WorkerActivitySid WorkerActivityName WorkerVersion`);
const MOVED = WORKER.concat(
  words(`WorkerTimeInPreviousActivity WorkerTimeInPreviousActivityMs WorkerPreviousActivitySid
    WorkerPreviousActivityName`),
);
const RESERVATION = QUEUED.concat(
  WORKER,
  words('ReservationSid ReservationVersion WorkerChannelCapacity WorkerChannelConsumedCapacity'),
);
const CHANNEL = WORKER.concat(
  words(`WorkerChannelAvailable WorkerChannelAvailableCapacity WorkerChannelPreviousCapacity
    WorkerChannelTaskCount TaskChannelSid TaskChannelUniqueName`),
);
const ACTIVITY = words('ActivitySid ActivityName ActivityAvailable');
const TASK_CHANNEL = words('TaskChannelSid TaskChannelName TaskChannelUniqueName TaskChannelOptimizedRouting');
const QUEUE = words('TaskQueueSid TaskQueueName TaskQueueTargetExpression');
const PARAMETERS = {
  'workspace.created': [],
  'workspace.updated': [],
  'activity.created': ACTIVITY,
  'activity.updated': ACTIVITY,
  'activity.deleted': ACTIVITY,
  'task-channel.created': TASK_CHANNEL,
  'task-channel.updated': TASK_CHANNEL,
  'task-channel.deleted': TASK_CHANNEL,
  'task-queue.created': QUEUE,
  'task-queue.expression.updated': QUEUE,
  'task-queue.deleted': QUEUE,
  'workflow.created': FLOW,
  'workflow.updated': FLOW,
  'workflow.deleted': FLOW,
  'worker.created': WORKER,
  'worker.activity.update': MOVED,
  'worker.attributes.update': WORKER,
  'worker.capacity.update': CHANNEL,
  'worker.channel.availability.update': CHANNEL,
  'worker.deleted': WORKER,
  'task.created': TASK,
  'workflow.entered': TASK,
  'workflow.target-matched': QUEUED.concat(words('WorkflowFilterName WorkflowFilterExpression')),
  'task-queue.entered': QUEUED,
  'task-queue.timeout': LEFT,
  'task-queue.moved': LEFT,
  'workflow.timeout': QUEUED.concat(CANCELED),
  'workflow.skipped': QUEUED.concat(CANCELED),
  'task.updated': QUEUED,
  'task.wrapup': QUEUED,
  'task.completed': QUEUED.concat(COMPLETED),
  'task.canceled': QUEUED.concat(CANCELED),
  'task.deleted': QUEUED,
  'reservation.created': RESERVATION,
  'reservation.accepted': RESERVATION,
  'reservation.rejected': RESERVATION,
  'reservation.wrapup': RESERVATION,
  'reservation.completed': RESERVATION.concat(COMPLETED),
  'reservation.canceled': RESERVATION.concat(CANCELED),
  'reservation.rescinded': RESERVATION.concat('Reason'),
  'reservation.timeout': RESERVATION.concat('Reason'),
};
const ASSIGNMENT = words(`Timestamp AccountSid WorkspaceSid WorkspaceName WorkflowSid TaskQueueSid WorkerSid WorkerName
  WorkerAttributes TaskSid TaskAttributes TaskAge TaskPriority TaskChannelSid TaskChannelUniqueName ReservationSid`);
// The parameter that says the same as ResourceSid, by ResourceType.
const RESOURCE = {
  workspace: 'WorkspaceSid',
  activity: 'ActivitySid',
  worker: 'WorkerSid',
  task: 'TaskSid',
  reservation: 'ReservationSid',
  workflow: 'WorkflowSid',
  'task-queue': 'TaskQueueSid',
  'task-channel': 'TaskChannelSid',
};

// ---- what happens ----

const target = (queue, more = {}) => ({ queue: queue.sid, ...more });
const filter = (kind, ...targets) => ({ filter_friendly_name: kind, expression: `kind == '${kind}'`, targets });

const queue = (name, more = {}) =>
  api.post('/queues', { friendlyName: name, targetWorkers: `role == '${name}'`, ...more });
const worker = (name, role) =>
  api.post('/workers', {
    friendlyName: name,
    attributes: { role, text: UNICODE },
    activitySid: activities.Available,
  });
const task = (workflow, kind) =>
  api.post('/tasks', { workflowSid: workflow.sid, attributes: { kind, text: UNICODE } });
const offersOf = async ({ sid }, count = 1) =>
  until(`${count} offers of ${sid}`, async () => {
    const { items } = await api.get(`/reservations?taskSid=${sid}`);
    const open = items.filter((r) => r.reservationStatus === 'pending');
    return open.length === count && open;
  });
// The router hears of workers in its own time.
const known = ({ sid }, count) =>
  until(`${count} workers in ${sid}`, async () => {
    const { realtime } = await api.get(`/statistics/queues/${sid}?part=realtime`);
    return realtime.totalAvailableWorkers === count;
  });
const heard = (type, key, sid) =>
  until(`${type} of ${sid}`, () =>
    receiver.at('/events').find(({ params }) => params.EventType === type && params[key] === sid),
  );

suite.test('every kind of change is told', async () => {
  await api.must('PATCH', `/workspaces/${workspace.sid}`, { friendlyName: 'Callbacks Zoë' });
  const pause = await api.post('/activities', { friendlyName: 'Break', available: false });
  await api.must('PATCH', `/activities/${pause.sid}`, { friendlyName: 'Pause' });
  await api.must('DELETE', `/activities/${pause.sid}`);
  const mail = await api.post('/channels', { friendlyName: 'Mail', uniqueName: 'mail' });
  await api.must('PATCH', `/channels/${mail.sid}`, { friendlyName: 'Post' });
  await api.must('DELETE', `/channels/${mail.sid}`);
  const spare = await queue('spare');
  await api.must('PATCH', `/queues/${spare.sid}`, { targetWorkers: "role == 'other'" });
  const [accept, reject, late, both, cancel, nobody, none] = [
    await queue('accept'),
    await queue('reject'),
    await queue('late'),
    await queue('both', { maxReservedWorkers: 2 }),
    await queue('cancel'),
    await queue('nobody'),
    await queue('none'),
  ];
  await api.must('DELETE', `/queues/${spare.sid}`);
  const configuration = {
    task_routing: {
      filters: [
        filter('accept', target(accept, { priority: 3 })),
        filter('reject', target(reject)),
        filter('both', target(both)),
        filter('late', target(late)),
        filter('cancel', target(cancel)),
        filter('steps', target(nobody, { timeout: 1 }), target(none, { timeout: 1 })),
        filter('skip', target(nobody, { skip_if: '1 == 1' })),
      ],
    },
  };
  const flow = await api.post('/workflows', { friendlyName: 'Flow', configuration });
  const hasty = await api.post('/workflows', {
    friendlyName: 'Hasty',
    configuration,
    taskReservationTimeout: 1,
  });
  await api.must('PATCH', `/workflows/${hasty.sid}`, { friendlyName: 'In haste' });
  const unused = await api.post('/workflows', { friendlyName: 'Unused', configuration });
  await api.must('DELETE', `/workflows/${unused.sid}`);

  const eve = await worker('Eve', 'none of them');
  await api.must('PATCH', `/workers/${eve.sid}`, { activitySid: activities.Unavailable });
  await api.must('PATCH', `/workers/${eve.sid}`, { attributes: { text: UNICODE, more: true } });
  await api.must('PATCH', `/workers/${eve.sid}/channels/default`, { capacity: 3 });
  await api.must('PATCH', `/workers/${eve.sid}/channels/voice`, { available: false });
  await api.must('DELETE', `/workers/${eve.sid}`);

  await worker('Ann', 'accept');
  const done = await task(flow, 'accept');
  const [offer] = await offersOf(done);
  await api.post(`/reservations/${offer.sid}/accept`, {});
  await api.post(`/tasks/${done.sid}/wrapup`, { reason: 'writing it down' });
  await api.post(`/tasks/${done.sid}/complete`, { reason: 'all done' });

  await worker('Rob', 'reject');
  const refused = await task(flow, 'reject');
  const [unwanted] = await offersOf(refused);
  await api.post(`/reservations/${unwanted.sid}/reject`, { workerActivitySid: activities.Unavailable });
  await api.must('PATCH', `/tasks/${refused.sid}`, { priority: 7 });
  await api.must('DELETE', `/tasks/${refused.sid}`);

  const tom = await worker('Tom', 'late');
  const missed = await task(hasty, 'late');
  await heard('reservation.timeout', 'WorkerSid', tom.sid);
  await api.post(`/tasks/${missed.sid}/cancel`, { reason: 'nobody came' });

  await worker('Bea', 'both');
  await worker('Ben', 'both');
  await known(both, 2);
  const wanted = await task(flow, 'both');
  const [first] = await offersOf(wanted, 2);
  await api.post(`/reservations/${first.sid}/accept`, {});

  await worker('Cleo', 'cancel');
  const gone = await task(flow, 'cancel');
  await offersOf(gone);
  await api.post(`/tasks/${gone.sid}/cancel`, { reason: UNICODE });

  const steps = await task(flow, 'steps');
  const skipped = await task(flow, 'skip');
  await heard('task.canceled', 'TaskSid', skipped.sid);
  await heard('task.canceled', 'TaskSid', steps.sid);
  await heard('task.canceled', 'TaskSid', gone.sid);
  await heard('reservation.rescinded', 'TaskSid', wanted.sid);
  const types = new Set(events().map(({ EventType }) => EventType));
  assert.deepEqual([...types].sort(), Object.keys(PARAMETERS).sort());
  receiver.assertAllAreSigned();
});

const events = () => receiver.at('/events').map(({ params }) => params);

suite.test('each has exactly its parameters', () => {
  const wrong = new Set();
  for (const params of events()) {
    const want = COMMON.concat(PARAMETERS[params.EventType]);
    for (const name of want) if (!(name in params)) wrong.add(`${params.EventType} without ${name}`);
    for (const name of Object.keys(params)) {
      if (!want.includes(name)) wrong.add(`${params.EventType} with ${name}`);
    }
  }
  assert.deepEqual([...wrong].sort(), []);
});

suite.test('each parameter is of its form', () => {
  const BY_NAME = [
    [/Sid$/, /^([A-Z]{2}[0-9a-f]{32})?$/],
    [/^(Timestamp|TaskDateCreated|TaskVirtualStartTime|TaskQueueEnteredDate)$/, /^\d{10}$/],
    [/^TimestampMs$/, /^\d{13}$/],
    [/(Available|IgnoreCapacity|OptimizedRouting)$/, /^(true|false)$/],
    [/(Age|Priority|Version|ChannelCapacity|PreviousCapacity|ConsumedCapacity|PreviousActivity(Ms)?)$/, /^\d+$/],
    [/^EventDescription$/, /^\S.+$/],
    [/^WorkspaceName$/, /^Callbacks( Zoë)?$/],
  ];
  const seen = new Set();
  for (const params of events()) {
    for (const [name, value] of Object.entries(params)) {
      for (const [which, form] of BY_NAME) if (which.test(name)) assert.match(value, form, name);
      if (/Attributes$/.test(name)) assert.equal(JSON.parse(value).text, UNICODE);
    }
    assert.equal(params.AccountSid, suite.accountSid);
    assert.equal(params.OperatingUnitSid, suite.accountSid.replace('AC', 'OU'));
    assert.equal(params.WorkspaceSid, workspace.sid);
    assert.equal(params.Timestamp, params.TimestampMs.slice(0, -3));
    assert.equal(params.ResourceSid, params[RESOURCE[params.ResourceType]], params.EventType);
    assert.ok(!seen.has(params.Sid), 'an event comes once');
    seen.add(params.Sid);
  }
});

suite.test("a task's events come in the order in which they happened", async () => {
  const tasks = new Set(events().map(({ TaskSid }) => TaskSid).filter(Boolean));
  assert.equal(tasks.size, 7);
  for (const sid of tasks) {
    const logged = await api.list(`/events?taskSid=${sid}`);
    const told = await until(`all ${logged.length} events of ${sid}`, () => {
      const some = events().filter(({ TaskSid }) => TaskSid === sid);
      return some.length === logged.length && some;
    });
    assert.deepEqual(
      told.map(({ Sid, EventType }) => [Sid, EventType]),
      logged.map(({ sid: event, eventType }) => [event, eventType]),
    );
    const version = told.map(({ TaskVersion }) => Number(TaskVersion));
    assert.deepEqual(version, [...version].sort((a, b) => a - b), 'versions do not fall');
  }
});

suite.test('assignments are carried out as they are answered', async () => {
  const json = (body) => () => ({ status: 200, type: 'application/json', body: JSON.stringify(body) });
  const call = { from: '+15550100', to: '+15550101', url: 'https://example.com/twiml' };
  const KINDS = {
    accept: [json({ instruction: 'accept' }), 'accepted', 'accept'],
    call: [json({ instruction: 'call', ...call }), 'pending', 'call'],
    redirect: [
      json({ instruction: 'redirect', call_sid: `CA${'1'.repeat(32)}`, url: call.url, accept: true }),
      'accepted',
      'redirect',
    ],
    later: [() => ({ status: 200 }), 'pending', ''],
    reject: [json({ instruction: 'reject', activity_sid: activities.Unavailable }), 'rejected', ''],
    broken: [() => ({ status: 500 }), 'accepted', 'accept'], // by the fallback
  };
  receiver.answer('/assign', (request) => KINDS[JSON.parse(request.params.TaskAttributes).kind][0](request));
  receiver.answer('/fallback', json({ instruction: 'accept' }));
  const filters = [];
  for (const kind of Object.keys(KINDS)) {
    filters.push(filter(kind, target(await queue(`assign ${kind}`, { targetWorkers: `role == 'assign ${kind}'` }))));
  }
  const flow = await api.post('/workflows', {
    friendlyName: 'Assign',
    configuration: { task_routing: { filters } },
    assignmentCallbackUrl: receiver.url('/assign', '?flow=1&name=Zo%C3%AB'),
    fallbackAssignmentCallbackUrl: receiver.url('/fallback'),
  });
  for (const [kind, [, status, instruction]] of Object.entries(KINDS)) {
    const { sid: workerSid } = await worker(`Worker of ${kind}`, `assign ${kind}`);
    const { sid } = await task(flow, kind);
    const asked = await until(`the assignment of ${kind}`, () =>
      receiver.at('/assign').find(({ params }) => params.TaskSid === sid),
    );
    assert.deepEqual(Object.keys(asked.params).sort(), [...ASSIGNMENT].sort());
    assert.equal(asked.params.WorkerSid, workerSid);
    assert.equal(asked.params.WorkflowSid, flow.sid);
    assert.equal(JSON.parse(asked.params.WorkerAttributes).text, UNICODE);
    assert.equal(JSON.parse(asked.params.TaskAttributes).text, UNICODE);
    await until(`${kind}: ${status}`, async () => {
      const reservation = await api.get(`/reservations/${asked.params.ReservationSid}`);
      return reservation.reservationStatus === status && reservation.instruction === instruction;
    });
    if (kind === 'reject') {
      const moved = await until('the worker is moved', async () => {
        const now = await api.get(`/workers/${workerSid}`);
        return now.activitySid !== activities.Available && now;
      });
      assert.equal(moved.activitySid, activities.Unavailable);
    }
  }
  assert.equal(receiver.at('/fallback').length, 1);
  assert.deepEqual(
    receiver.at('/fallback')[0].params,
    receiver.at('/assign').find(({ params }) => JSON.parse(params.TaskAttributes).kind === 'broken').params,
  );
  receiver.assertAllAreSigned();
});

suite.test('a filter lets through what it names; what failed comes again as it was', async () => {
  let failures = 2;
  receiver.answer('/filtered', ({ params }) =>
    params.EventType === 'activity.deleted' && failures-- > 0 ? { status: 503 } : { status: 204 },
  );
  const { sid } = await suite.api.post('/workspaces', {
    friendlyName: 'Filtered',
    eventCallbackUrl: receiver.url('/filtered', '#rc=3'), // a fragment is no part of what is signed
    eventsFilter: 'activity.deleted, worker.created,workspace.deleted',
  });
  const other = suite.api.with({ workspace: sid });
  suite.onClose(() => other.close());
  const made = await other.post('/activities', { friendlyName: 'Break' });
  await other.must('DELETE', `/activities/${made.sid}`);
  await other.post('/workers', { friendlyName: 'Ann' });
  await until('three tries and another event', () => receiver.at('/filtered').length === 4);
  const types = receiver.at('/filtered').map(({ params }) => params.EventType);
  assert.deepEqual(types.sort(), ['activity.deleted', 'activity.deleted', 'activity.deleted', 'worker.created']);
  const again = receiver.at('/filtered').filter(({ params }) => params.EventType === 'activity.deleted');
  for (const { params, headers } of again) {
    assert.deepEqual(params, again[0].params);
    assert.equal(headers['i-twilio-idempotency-token'], again[0].headers['i-twilio-idempotency-token']);
  }
  // The last that a workspace tells is its end.
  await suite.api.must('DELETE', `/workspaces/${sid}`);
  const end = await until('the end of the workspace', () =>
    receiver.at('/filtered').find(({ params }) => params.EventType === 'workspace.deleted'),
  );
  assert.deepEqual(Object.keys(end.params).sort(), [...COMMON].sort());
  assert.deepEqual([end.params.ResourceSid, end.params.WorkspaceName], [sid, 'Filtered']);
  receiver.assertAllAreSigned();
});
