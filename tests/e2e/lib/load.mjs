// A busy day between two suites: clients of ours create tasks through us, clients of Twilio's create theirs there,
// and workers take what is offered, some by us and some at Twilio. What each client was promised is remembered.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Hopeless, until } from './until.mjs';

const AGAIN = new Set([429, 502, 503, 504]);

const PAUSE_MS = { first: 200, most: 8000 };

// As a careful client does: the same key until there is an answer that means something, more seldom each time, and not
// before Retry-After.
async function insist(api, path, body, deadline) {
  const key = randomUUID();
  for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most)) {
    let last;
    try {
      last = await api.call('POST', path, body, { headers: { 'idempotency-key': key }, timeoutMs: 20000 });
      if (!AGAIN.has(last.status)) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline()) throw new Error(`POST ${path}: ${last.message ?? `${last.status} ${last.text}`}`);
    const leastMs = Number(last.headers?.['retry-after'] ?? 0) * 1000;
    await delay(Math.max(leastMs, pauseMs / 2) + (Math.random() * pauseMs) / 2);
  }
}

export class Load {
  // seconds of creating; perSecond: { ours, theirs } creations
  constructor(twins, { seconds, perSecond, patienceMs = 180000 }) {
    Object.assign(this, { twins, seconds, perSecond, patienceMs });
    this.created = new Map(); // name ("ours 17") -> SID that the client was told
    this.refusals = 0;
    this.isOver = false;
  }

  // Runs it all, until every task is completed.
  async run() {
    const begin = Date.now();
    const deadline = () => begin + this.seconds * 1000 + this.patienceMs;
    const workers = this.#work(deadline);
    await Promise.all(
      ['ours', 'theirs'].map((side) => this.#create(side, this.perSecond[side] * this.seconds, deadline)),
    );
    await until('every task is completed', () => this.#allCompleted(), {
      timeoutMs: this.patienceMs,
      everyMs: 300,
    });
    this.isOver = true;
    await workers;
    this.tookS = (Date.now() - begin) / 1000; // until the last was completed
  }

  async #create(side, count, deadline) {
    const api = side === 'ours' ? this.twins.mine : this.twins.theirs;
    const begin = Date.now();
    const jobs = [];
    for (let i = 0; i < count; i++) {
      const due = begin + (i * 1000) / this.perSecond[side];
      if (due > Date.now()) await delay(due - Date.now());
      const name = `${side} ${i}`;
      jobs.push(
        insist(api, '/tasks', { attributes: { name, department: i % 2 ? 'permits' : 'other' } }, deadline).then(
          (reply) => {
            assert.equal(reply.status, 201, `creating ${name}: ${reply.text}`);
            this.created.set(name, reply.body.sid);
          },
        ),
      );
    }
    await Promise.all(jobs);
  }

  // Every offer is accepted and completed by the worker of one side, who finds it in that side's list: what we have not
  // heard of yet nobody asks us for.
  async #work(deadline) {
    const taken = new Set();
    const jobs = new Set();
    while (!this.isOver && Date.now() < deadline()) {
      for (const api of [this.twins.mine, this.twins.theirs]) {
        const offers = await api
          .get('/reservations?reservationStatus=pending&pageSize=1000')
          .catch(() => ({ items: [] }));
        for (const offer of offers.items) {
          if (this.#takerOf(offer) !== api || taken.has(offer.sid)) continue;
          taken.add(offer.sid);
          const job = this.#take(api, offer, deadline).catch((error) => {
            this.failure ??= error;
          });
          jobs.add(job);
          job.finally(() => jobs.delete(job));
        }
      }
      await delay(100);
    }
    await Promise.all(jobs);
    if (this.failure) throw this.failure;
  }

  // By its task's number.
  #takerOf(offer) {
    return Number.parseInt(offer.taskSid.slice(-1), 16) % 2 === 0 ? this.twins.mine : this.twins.theirs;
  }

  async #take(api, offer, deadline) {
    for (const path of [`/reservations/${offer.sid}/accept`, `/tasks/${offer.taskSid}/complete`]) {
      // A task may come to us after its reservation.
      const reply = await until(
        path,
        async () => {
          const got = await insist(api, path, {}, deadline);
          return got.status !== 404 && got;
        },
        { timeoutMs: this.patienceMs, everyMs: 200 },
      );
      const side = api === this.twins.mine ? 'ours' : 'theirs';
      assert.equal(reply.status, 200, `${side} ${path}: ${reply.status} ${reply.text}`);
    }
  }

  async #allCompleted() {
    if (this.failure) throw new Hopeless(this.failure.message);
    const { items } = await this.twins.theirs.get(
      '/tasks?assignmentStatus=pending&assignmentStatus=reserved&assignmentStatus=assigned&pageSize=1',
    );
    return items.length === 0 && this.created.size === this.seconds * (this.perSecond.ours + this.perSecond.theirs);
  }
}

const STATUSES = '?assignmentStatus=pending&assignmentStatus=reserved&assignmentStatus=assigned' +
  '&assignmentStatus=wrapping&assignmentStatus=completed&assignmentStatus=canceled';
const nameOf = (task) => task.attributes.name;

// { name -> { status, reason, accepted } } of one side. A name that two tasks have is a duplicate.
async function endState(api) {
  const state = {};
  const accepted = {};
  for (const r of await api.list('/reservations')) {
    if (['accepted', 'completed', 'wrapping'].includes(r.reservationStatus)) {
      accepted[r.taskSid] = (accepted[r.taskSid] ?? 0) + 1;
    }
  }
  for (const task of await api.list(`/tasks${STATUSES}`)) {
    assert.ok(!(nameOf(task) in state), `${nameOf(task)} was made twice`);
    state[nameOf(task)] = {
      status: task.assignmentStatus,
      queue: task.taskQueueName,
      priority: task.priority,
      accepted: accepted[task.sid] ?? 0,
    };
  }
  return state;
}

// Both sides say the same of every task and reservation, nothing is there that nobody was promised, and all that was
// promised is. Gives the state by name, which has no SIDs, for comparing runs.
export async function assertSettled(twins, load) {
  const [theirs, ours] = await Promise.all([endState(twins.theirs), endState(twins.mine)]);
  assert.deepEqual(ours, theirs, 'our rows are theirs');
  assert.deepEqual(Object.keys(theirs).sort(), [...load.created.keys()].sort(), 'no orphan, no loss');
  const tasks = Object.fromEntries((await twins.theirs.list(`/tasks${STATUSES}`)).map((t) => [t.sid, nameOf(t)]));
  for (const [name, sid] of load.created) assert.equal(tasks[sid], name, 'the SID that the client was told');
  await twins.assertInStep('/reservations', ['taskSid', 'workerSid', 'reservationStatus']);
  return theirs;
}
