// Why a task waits and why this worker, through the gateway, for whoever may look.
import assert from 'node:assert/strict';
import { useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';

const suite = useSuite({ seed: true });

suite.test('a waiting task and its reservation are explained', async () => {
  const task = await suite.api.post('/tasks', { attributes: { department: 'permits' } });
  const nobody = await suite.api.get(`/tasks/${task.sid}/explain`);
  assert.match(nobody.summary, /^No (worker qualifies|one is free)/);
  assert.equal(nobody.task.sid, task.sid);
  assert.ok(nobody.targets.length > 0 && nobody.targets.some((t) => t.current));
  assert.equal(nobody.queuePosition.position, 1);

  const ann = await suite.worker('Ann', {
    attributes: { department: 'permits', skills: ['permits'] },
  });
  const offer = await suite.offerOf(task.sid);
  assert.equal(offer.workerSid, ann.sid);
  const why = await suite.api.get(`/reservations/${offer.sid}/explain`);
  assert.match(why.summary, /^Ann was number 1 of 1 free worker/);
  assert.equal(why.decidedBy, 'alone');
  assert.equal(why.reservation.sid, offer.sid);
  const offered = await suite.api.get(`/tasks/${task.sid}/explain?workerSid=${ann.sid}`);
  assert.match(offered.summary, /^It is offered to Ann/);
  assert.deepEqual(
    offered.candidates.map((c) => [c.workerSid, c.obstacle]),
    [[ann.sid, 'offered']],
  );

  await suite.api.post(`/reservations/${offer.sid}/accept`, {});
  await suite.api.post(`/tasks/${task.sid}/wrapup`, { timeout: 1 });
  const ended = await until('the wrap-up ends', async () => {
    const told = await suite.api.get(`/tasks/${task.sid}/explain`);
    return told.task.assignmentStatus === 'completed' ? told : undefined;
  });
  assert.match(ended.summary, /^It was completed .*: Wrap-up timed out\.$/);

  const unknown = await suite.api.call('GET', `/tasks/WT${'0'.repeat(32)}/explain`);
  assert.equal(unknown.status, 404);
  assert.equal((await suite.api.call('GET', `/reservations/WR${'0'.repeat(32)}/explain`)).status, 404);
});
