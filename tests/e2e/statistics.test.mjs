// What the gateway says of what is going on, and of what happened.
import assert from 'node:assert/strict';
import { useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';

const suite = useSuite({ seed: true });
let task;

suite.test('statistics of now change with the task', async () => {
  task = await suite.api.post('/tasks', { attributes: { department: 'permits' } });
  const queue = suite.queues['Permits Queue'];
  const now = await suite.api.get(`/statistics/queues/${queue}?part=realtime`);
  assert.equal(now.cumulative, null);
  assert.equal(now.sid, queue);
  assert.equal(now.realtime.longestTaskWaitingSid, task.sid);
  assert.deepEqual(now.realtime.tasksByPriority, [{ priority: 50, tasks: 1 }]);
  assert.deepEqual(now.realtime.tasksByStatus, { pending: 1, reserved: 0, assigned: 0, wrapping: 0 });
  assert.equal(now.realtime.activityStatistics.length, 4);
  await suite.api.post(`/tasks/${task.sid}/cancel`, { reason: 'no longer needed' });
  const { realtime } = await suite.api.get('/statistics/workspace?part=realtime');
  assert.equal(realtime.totalTasks, 0);
  assert.equal(realtime.longestTaskWaitingSid, '');
});

suite.test('statistics of the past have it soon after', async () => {
  const query = 'part=cumulative&minutes=60&splitByWaitTime=5,3600&taskChannel=default';
  const { realtime, cumulative } = await until('the task is counted', async () => {
    const report = await suite.api.get(`/statistics/workspace?${query}`);
    return report.cumulative.tasksCanceled > 0 && report;
  });
  assert.equal(realtime, null);
  assert.equal(cumulative.tasksCreated, 1);
  assert.deepEqual(
    cumulative.splitByWaitTime.map((split) => [split.threshold, split.above.tasksCanceled + split.below.tasksCanceled]),
    [
      [5, 1],
      [3600, 1],
    ],
  );
  const queues = await suite.api.list('/statistics/queues');
  assert.deepEqual(
    queues.filter((report) => report.cumulative.tasksCanceled === 1).map((report) => report.sid),
    [suite.queues['Permits Queue']],
  );
  const flow = await suite.api.get(`/statistics/workflows/${suite.workflow}`);
  assert.equal(flow.cumulative.tasksEntered, 1);
  const workers = await suite.api.get('/statistics/workers?taskQueueName=permits%20queue');
  assert.equal(workers.realtime.totalWorkers, workers.realtime.activityStatistics.reduce((sum, a) => sum + a.workers, 0));
  const series = await suite.api.get('/statistics/series?interval=1h&minutes=120');
  assert.equal(series.points.reduce((sum, point) => sum + point.tasksCreated, 0), 1);
});

suite.test('statistics refuse what they cannot answer', async () => {
  const old = await suite.api.call('GET', '/statistics/workspace?startDate=2001-01-01T00:00:00Z');
  assert.deepEqual([old.status, old.body.reason, old.body.field], [400, 'STATISTICS_TOO_OLD', 'startDate']);
  const unknown = await suite.api.call('GET', `/statistics/queues/WQ${'0'.repeat(32)}`);
  assert.deepEqual([unknown.status, unknown.body.reason], [404, 'QUEUE_NOT_FOUND']);
});
