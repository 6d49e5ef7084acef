// kill -9 of tasks-svc with 200 tasks in flight loses nothing and does nothing twice.
import assert from 'node:assert/strict';
import { natsEvents } from './lib/events.mjs';
import { useSuite } from './lib/suite.mjs';
import { inParallel, until } from './lib/until.mjs';

const TASKS = 200;
const WORKERS = 5;
const CAPACITY = 20; // each: half of the tasks wait at first
const KILL_WHEN_CREATED = TASKS / 2;
const KILL_WHEN_COMPLETED = [TASKS / 5, TASKS / 2];

const suite = useSuite({ seed: true });

// What a supervisor does.
async function killAndStart() {
  await suite.kill('tasks');
  suite.startService('tasks');
}

suite.test(
  '200 tasks in flight, kill -9 of tasks-svc: all end completed, none assigned twice, no event missing',
  async () => {
    const nats = await natsEvents(suite);
    for (let i = 0; i < WORKERS; i++) await suite.worker(`Worker ${i}`, { capacity: CAPACITY });

    // Created through the first kill; whoever was answered has a task.
    const acknowledged = new Set();
    let kills = 0;
    let killing = null;
    await inParallel(TASKS, 16, async (n) => {
      const reply = await suite.api.insist('/tasks', {
        attributes: { n, department: ['permits', 'utilities', 'emergency', 'other'][n % 4] },
      });
      assert.equal(reply.status, 201, reply.text);
      acknowledged.add(reply.body.sid);
      if (acknowledged.size >= KILL_WHEN_CREATED && kills === 0) {
        kills++;
        killing = killAndStart();
      }
    });
    await killing;
    assert.equal(acknowledged.size, TASKS, 'each create made its own task');

    // The workers' program: whatever is offered is accepted and completed, through two more kills.
    const completed = new Set();
    const work = async (reservation) => {
      const accept = await suite.api.insist(`/reservations/${reservation.sid}/accept`, {});
      assert.equal(accept.status, 200, `accept: ${accept.text}`);
      const complete = await suite.api.insist(`/tasks/${reservation.taskSid}/complete`, { reason: 'done' });
      assert.equal(complete.status, 200, `complete: ${complete.text}`);
      completed.add(reservation.taskSid);
      if (completed.size >= KILL_WHEN_COMPLETED[kills - 1]) {
        kills++;
        killing = killAndStart();
      }
    };
    const end = Date.now() + 90000;
    while (completed.size < TASKS) {
      assert.ok(Date.now() < end, `only ${completed.size} of ${TASKS} tasks were completed`);
      const page = await until(
        'the open offers',
        async () => {
          const reply = await suite.api.call('GET', '/reservations?reservationStatus=pending&pageSize=200');
          return reply.status === 200 && reply.body;
        },
        { timeoutMs: 30000 },
      );
      await inParallel(page.items.length, 16, (i) => work(page.items[i]));
    }
    await killing;
    assert.equal(kills, 1 + KILL_WHEN_COMPLETED.length);
    await suite.ready('tasks');

    const tasks = await suite.api.list('/tasks');
    assert.deepEqual(new Set(tasks.map((t) => t.sid)), acknowledged, 'exactly the acknowledged tasks exist');
    assert.deepEqual(
      tasks.filter((t) => t.assignmentStatus !== 'completed').map((t) => t.sid),
      [],
    );

    const events = await suite.api.list('/events');
    const countBy = (type) => {
      const counts = new Map([...acknowledged].map((sid) => [sid, 0]));
      for (const event of events) {
        if (event.eventType !== type) continue;
        const sid = event.eventData.task_sid;
        counts.set(sid, (counts.get(sid) ?? 0) + 1);
      }
      return [...counts].filter(([, n]) => n !== 1);
    };
    for (const type of ['task.created', 'reservation.accepted', 'task.completed']) {
      assert.deepEqual(countBy(type), [], `exactly one ${type} per task`);
    }
    const gaps = events.slice(1).filter((e, i) => e.sequence !== events[i].sequence + 1);
    assert.deepEqual(
      gaps.map((e) => e.sequence),
      [],
      'the sequence has no gap',
    );

    // At no time did a worker hold more than its capacity.
    const held = new Map();
    for (const { eventType, eventData } of events) {
      if (!eventType.startsWith('reservation.')) continue;
      const now =
        (held.get(eventData.worker_sid) ?? 0) +
          {
            'reservation.created': 1,
            'reservation.completed': -1,
            'reservation.timeout': -1,
            'reservation.rejected': -1,
            'reservation.canceled': -1,
            'reservation.rescinded': -1,
          }[eventType] || 0;
      if (eventType === 'reservation.accepted' || eventType === 'reservation.wrapup') continue;
      held.set(eventData.worker_sid, now);
      assert.ok(now <= CAPACITY, `${eventData.worker_sid} held ${now}`);
    }

    // JetStream has each of the router's events once, in the order of the log.
    const logged = events
      .filter(
        (e) => /^(task|reservation|task-queue|workflow)\./.test(e.eventType) && e.source === '/tasks-svc',
      )
      .map((e) => e.sid);
    assert.ok(logged.length >= TASKS * 4);
    const published = () => nats.events.filter((m) => m.event.source === '/tasks-svc').map((m) => m.event.id);
    await until('every event is published', () => published().length >= logged.length, { timeoutMs: 30000 });
    assert.deepEqual(published(), logged);
  },
  { timeout: 170000 },
);
