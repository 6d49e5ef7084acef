// All statistics of a workspace, its queues, workflows and workers after some traffic.
import assert from 'node:assert/strict';
import { useSuite } from './lib/suite.mjs';
import { Place, patiently, refused, useTwilio } from './lib/twilio.mjs';

const suite = useSuite({ prepare });
const judge = useTwilio(suite, import.meta.url);
let place;
let desk; // the queue with the traffic
let nobody; // one without workers
let flow;
let ann;
let waiting; // a task that nobody takes

// What happens: one task accepted and completed, one rejected and canceled, one canceled while it waits, one
// deleted, one moved from step to step to its end, and one that still waits.
async function prepare() {
  place = await Place.make(judge, 'Statistics');
  desk = await place.queue('desk');
  nobody = await place.queue('nobody');
  flow = await place.workflow(
    'Flow',
    { desk: [{ queue: desk.sid }], steps: [{ queue: nobody.sid, timeout: 1 }, { queue: desk.sid, timeout: 1, expression: '1 == 2' }] },
    { fallback: nobody.sid },
  );
  ann = await place.worker('Ann', 'desk');
  const { tasks, workers } = place.ws;
  const steps = await place.task('steps');
  const done = await place.task('desk', { taskChannel: 'chat' });
  const [offer] = await place.offers(done.sid);
  await workers(ann.sid).reservations(offer.sid).update({ reservationStatus: 'accepted' });
  await tasks(done.sid).update({ assignmentStatus: 'completed', reason: 'done' });
  const unwanted = await place.task('desk');
  const [refusal] = await place.offers(unwanted.sid);
  await workers(ann.sid)
    .reservations(refusal.sid)
    .update({ reservationStatus: 'rejected', workerActivitySid: place.activities.Unavailable });
  await tasks(unwanted.sid).update({ assignmentStatus: 'canceled', reason: 'rejected' });
  const idle = await place.task('none');
  await tasks(idle.sid).update({ assignmentStatus: 'canceled', reason: 'unwanted' });
  await tasks((await place.task('none')).sid).remove();
  await place.status(steps.sid, 'canceled');
  waiting = await place.task('none', { priority: 10 });
  await place.workerUntil(ann.sid, 'unavailable', (worker) => !worker.available);
}

const keys = (object) => Object.keys(object).sort();
const sorted = (...lists) => lists.flat().sort();
const words = (text) => text.split(/\s+/).filter(Boolean);

// The reference's section 4.
const ACTIVITIES = words('activity_statistics');
const TASKS = words('longest_task_waiting_age longest_task_waiting_sid tasks_by_priority tasks_by_status total_tasks');
const IN_QUEUE = words(`longest_relative_task_age_in_queue longest_relative_task_sid_in_queue total_available_workers
  total_eligible_workers`);
const REALTIME = {
  workspace: sorted(ACTIVITIES, TASKS, 'total_workers'),
  queue: sorted(ACTIVITIES, TASKS, IN_QUEUE),
  workflow: sorted(TASKS),
  workers: sorted(ACTIVITIES, 'total_workers'),
};
const RESERVATIONS = words(`start_time end_time reservations_created reservations_accepted reservations_rejected
  reservations_timed_out reservations_canceled reservations_rescinded`);
const WAITS = words(`avg_task_acceptance_time wait_duration_until_accepted wait_duration_until_canceled split_by_wait_time
  tasks_canceled tasks_completed tasks_deleted tasks_moved`);
const CUMULATIVE = {
  workspace: sorted(RESERVATIONS, WAITS, words('tasks_created tasks_timed_out_in_workflow')),
  queue: sorted(RESERVATIONS, WAITS, words('tasks_entered wait_duration_in_queue_until_accepted')),
  workflow: sorted(RESERVATIONS, WAITS, words('tasks_entered tasks_timed_out_in_workflow')),
  workers: sorted(RESERVATIONS, 'activity_durations'),
};
const RECENT = { minutes: 60, splitByWaitTime: '5,3600' };

function assertActivities(statistics, counts) {
  for (const entry of statistics) assert.deepEqual(keys(entry), ['friendly_name', 'sid', 'workers']);
  assert.deepEqual(
    Object.fromEntries(statistics.map((entry) => [entry.friendly_name, entry.workers])),
    { Available: 0, Offline: 0, Unavailable: 0, ...counts },
    'every activity, zeros too',
  );
}

function assertSplit(split) {
  assert.deepEqual(keys(split), ['3600', '5']);
  for (const half of Object.values(split)) {
    assert.deepEqual(keys(half), ['above', 'below']);
    for (const side of Object.values(half)) assert.deepEqual(keys(side), ['reservations_accepted', 'tasks_canceled']);
  }
  const all = split['3600'];
  assert.deepEqual(all.above, { tasks_canceled: 0, reservations_accepted: 0 });
  return all.below;
}

function assertDurations(durations) {
  for (const entry of durations) assert.deepEqual(keys(entry), ['avg', 'friendly_name', 'max', 'min', 'sid', 'total']);
}

suite.test('of the workspace', async () => {
  const { ws } = place;
  const now = await ws.realTimeStatistics().fetch();
  assert.deepEqual(
    [now.totalTasks, now.totalWorkers, now.longestTaskWaitingSid],
    [1, 1, waiting.sid],
  );
  assert.ok(now.longestTaskWaitingAge >= 0);
  assert.deepEqual(now.tasksByStatus, { pending: 1, reserved: 0, assigned: 0, wrapping: 0 });
  assert.deepEqual(now.tasksByPriority, { 10: 1 });
  assertActivities(now.activityStatistics, { Unavailable: 1 });
  assert.equal(now.workspaceSid, place.sid);
  assert.equal((await ws.realTimeStatistics().fetch({ taskChannel: 'voice' })).totalTasks, 0);

  await patiently('all is counted', async () => {
    const some = await place.waiting.cumulativeStatistics().fetch(RECENT);
    return some.tasksCreated === 6 && some.tasksTimedOutInWorkflow === 1;
  });
  const past = await ws.cumulativeStatistics().fetch(RECENT);
  assert.deepEqual(
    [past.tasksCreated, past.tasksCompleted, past.tasksCanceled, past.tasksDeleted, past.tasksTimedOutInWorkflow],
    [6, 1, 3, 1, 1],
  );
  assert.deepEqual(
    [past.reservationsCreated, past.reservationsAccepted, past.reservationsRejected, past.reservationsTimedOut],
    [2, 1, 1, 0],
  );
  assert.deepEqual([past.reservationsCanceled, past.reservationsRescinded], [0, 0]);
  assert.ok(past.endTime - past.startTime >= 3_600_000);
  assert.ok(Number.isInteger(past.avgTaskAcceptanceTime));
  for (const wait of [past.waitDurationUntilAccepted, past.waitDurationUntilCanceled]) {
    assert.deepEqual(keys(wait), ['avg', 'max', 'min', 'total']);
  }
  assert.deepEqual(assertSplit(past.splitByWaitTime), { tasks_canceled: 3, reservations_accepted: 1 });

  const both = await ws.statistics().fetch({ ...RECENT, taskChannel: 'chat' });
  assert.deepEqual(keys(both.realtime), REALTIME.workspace);
  assert.deepEqual(keys(both.cumulative), CUMULATIVE.workspace);
  assert.deepEqual([both.cumulative.tasks_created, both.cumulative.tasks_completed], [1, 1], 'of the channel');
});

suite.test('of a queue, of several, and of some by their SIDs', async () => {
  const { taskQueues } = place.ws;
  const now = await taskQueues(nobody.sid).realTimeStatistics().fetch();
  assert.deepEqual(
    [now.totalTasks, now.totalEligibleWorkers, now.totalAvailableWorkers, now.longestTaskWaitingSid],
    [1, 0, 0, waiting.sid],
  );
  assert.deepEqual([now.longestRelativeTaskSidInQueue, now.taskQueueSid], [waiting.sid, nobody.sid]);
  assert.ok(now.longestRelativeTaskAgeInQueue >= 0);
  const idle = await taskQueues(desk.sid).realTimeStatistics().fetch({ taskChannel: 'default' });
  assert.deepEqual([idle.totalTasks, idle.totalEligibleWorkers, idle.totalAvailableWorkers], [0, 1, 0]);
  assertActivities(idle.activityStatistics, { Unavailable: 1 });

  const past = await taskQueues(desk.sid).cumulativeStatistics().fetch(RECENT);
  assert.deepEqual(
    [past.tasksEntered, past.tasksCompleted, past.tasksCanceled, past.reservationsCreated, past.reservationsAccepted],
    [3, 1, 2, 2, 1],
  );
  assert.deepEqual(assertSplit(past.splitByWaitTime), { tasks_canceled: 2, reservations_accepted: 1 });
  assert.deepEqual(keys(past.waitDurationInQueueUntilAccepted), ['avg', 'max', 'min', 'total']);
  const left = await taskQueues(nobody.sid).cumulativeStatistics().fetch({ minutes: 60 });
  assert.deepEqual([left.tasksEntered, left.tasksMoved, left.tasksDeleted, left.tasksCanceled], [4, 1, 1, 1]);

  const both = await taskQueues(desk.sid).statistics().fetch(RECENT);
  assert.deepEqual(keys(both.realtime), REALTIME.queue);
  assert.deepEqual(keys(both.cumulative), CUMULATIVE.queue);
  assert.equal(both.cumulative.tasks_entered, 3);

  const list = await taskQueues.statistics.list({ minutes: 60, pageSize: 1 });
  assert.deepEqual(list.map((entry) => entry.taskQueueSid).sort(), [desk.sid, nobody.sid].sort());
  for (const entry of list) {
    assert.deepEqual(keys(entry.realtime), REALTIME.queue);
    assert.deepEqual(keys(entry.cumulative), CUMULATIVE.queue);
  }
  const [named, ...others] = await taskQueues.statistics.list({ friendlyName: 'desk', ...RECENT });
  assert.deepEqual([named.taskQueueSid, named.cumulative.tasks_entered, others.length], [desk.sid, 3, 0]);

  const strange = `WQ${'0'.repeat(32)}`;
  for (const name of ['queueSids', 'QueueSids']) {
    const bulk = await taskQueues.bulkRealTimeStatistics.create({ [name]: [nobody.sid, desk.sid, strange] });
    assert.deepEqual([bulk.workspaceSid, bulk.taskQueueResponseCount], [place.sid, 3]);
    const bySid = new Map(bulk.taskQueueData.map((entry) => [entry.task_queue_sid, entry]));
    assert.equal(bySid.get(nobody.sid).total_tasks, 1);
    assert.equal(bySid.get(nobody.sid).longest_task_waiting_sid, waiting.sid);
    assert.equal(bySid.get(desk.sid).total_eligible_workers, 1);
    assert.deepEqual(
      [bySid.get(strange).total_tasks, bySid.get(strange).total_eligible_workers, bySid.get(strange).total_available_workers],
      [0, 0, 0],
      'zeros for what is not there',
    );
    for (const entry of bulk.taskQueueData) {
      assert.deepEqual(
        keys(entry),
        sorted(ACTIVITIES, TASKS, words('task_queue_sid total_available_workers total_eligible_workers')),
      );
    }
  }
  await refused(taskQueues.bulkRealTimeStatistics.create({ queueSids: [] }), 400, 20001, /QueueSids/i);
  await refused(taskQueues.bulkRealTimeStatistics.create({ queueSids: Array(51).fill(desk.sid) }), 400, 20001, /QueueSids/i);
  await refused(taskQueues.bulkRealTimeStatistics.create({ queueSids: ['WQ1'] }), 400, 20001, /QueueSids/i);
});

suite.test('of a workflow', async () => {
  const { workflows } = place.ws;
  const now = await workflows(flow.sid).realTimeStatistics().fetch();
  assert.deepEqual([now.totalTasks, now.longestTaskWaitingSid, now.workflowSid], [1, waiting.sid, flow.sid]);
  const past = await workflows(flow.sid).cumulativeStatistics().fetch(RECENT);
  assert.deepEqual(
    [past.tasksEntered, past.tasksCompleted, past.tasksCanceled, past.tasksTimedOutInWorkflow, past.tasksDeleted],
    [6, 1, 3, 1, 1],
  );
  assertSplit(past.splitByWaitTime);
  const both = await workflows(flow.sid).statistics().fetch(RECENT);
  assert.deepEqual(keys(both.realtime), REALTIME.workflow);
  assert.deepEqual(keys(both.cumulative), CUMULATIVE.workflow);
  assert.equal(both.cumulative.tasks_entered, 6);
});

suite.test('of workers, and of one', async () => {
  const { workers } = place.ws;
  const now = await workers.realTimeStatistics().fetch();
  assert.equal(now.totalWorkers, 1);
  assertActivities(now.activityStatistics, { Unavailable: 1 });
  const past = await workers.cumulativeStatistics().fetch({ minutes: 60 });
  assert.deepEqual([past.reservationsCreated, past.reservationsAccepted, past.reservationsRejected], [2, 1, 1]);
  assertDurations(past.activityDurations);
  const both = await workers.statistics().fetch({ minutes: 60, taskQueueSid: desk.sid });
  assert.deepEqual(keys(both.realtime), REALTIME.workers);
  assert.deepEqual(keys(both.cumulative), CUMULATIVE.workers);
  assert.equal(both.cumulative.reservations_created, 2);
  assert.equal((await workers.statistics().fetch({ taskQueueName: 'nobody' })).realtime.total_workers, 0);
  assert.equal((await workers.statistics().fetch({ friendlyName: 'Ann' })).realtime.total_workers, 1);
  const one = await workers(ann.sid).statistics().fetch({ minutes: 60 });
  assert.deepEqual(keys(one.cumulative), CUMULATIVE.workers);
  assert.equal(one.workerSid, ann.sid);
  assert.deepEqual([one.cumulative.reservations_accepted, one.cumulative.reservations_rejected], [1, 1]);
  assertDurations(one.cumulative.activity_durations);
  assert.ok(one.cumulative.activity_durations.some((entry) => entry.friendly_name === 'Available'));
});

suite.test('of times: what is in the range counts, what is too long ago is refused', async () => {
  const { ws } = place;
  const long = new Date(Date.now() - 86_400_000);
  const old = await ws.cumulativeStatistics().fetch({ startDate: long, endDate: new Date(Date.now() - 82_800_000) });
  assert.deepEqual([old.tasksCreated, old.reservationsCreated], [0, 0]);
  const day = await ws.cumulativeStatistics().fetch({ startDate: long });
  assert.equal(day.tasksCreated, 6);
  const ages = { startDate: new Date('2001-01-01T00:00:00Z') };
  for (const statistics of [
    ws.cumulativeStatistics(),
    ws.taskQueues(desk.sid).statistics(),
    ws.workflows(flow.sid).cumulativeStatistics(),
    ws.workers(ann.sid).statistics(),
  ]) {
    await refused(statistics.fetch(ages), 400, 14241);
  }
  await refused(ws.statistics().fetch({ splitByWaitTime: 'soon' }), 400, 20001, /SplitByWaitTime/);
  await refused(ws.statistics().fetch({ taskChannel: 'nothing' }), 400, 20001, /TaskChannel/);
  await refused(ws.taskQueues(`WQ${'0'.repeat(32)}`).statistics().fetch(), 404, 20404);
});

judge.verdict();
