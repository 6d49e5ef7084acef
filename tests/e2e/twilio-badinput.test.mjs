// Every parameter of every operation of Twilio's OpenAPI document with what is wrong: refused with Twilio's status
// and code and a message that names the parameter, and never a failure of ours.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { useSuite } from './lib/suite.mjs';
import { badCases } from './lib/twilio_bad.mjs';
import { Place, patiently, useTwilio } from './lib/twilio.mjs';
import { inParallel } from './lib/until.mjs';

const WIDTH = 8;
const SHOWN = 40;
const suite = useSuite({
  environment: { TASKROUTER_SECRET_KEY: randomBytes(32).toString('hex') },
  prepare,
});
const judge = useTwilio(suite, import.meta.url);
const world = {}; // mine, theirs, gone: SIDs by prefix
let mine;

// One of each: { WS, WA, TC, WK, WC, WQ, WW, WT, WR, EV }.
async function populate(place, name) {
  const { ws } = place;
  const activity = await ws.activities.create({ friendlyName: `${name} activity` });
  const channel = await ws.taskChannels.create({ friendlyName: `${name} channel`, uniqueName: `${name}_channel` });
  const queue = await place.queue(`${name} queue`);
  const flow = await place.workflow(`${name} flow`, {}, { fallback: queue.sid });
  const worker = await place.worker(`${name} worker`, `${name} queue`, { attributes: { contact_uri: '+15550102' } });
  // As a waiting call, so that every instruction is possible.
  const attributes = JSON.stringify({ call_sid: `CA${'1'.repeat(32)}`, from: '+15550103' });
  const task = await ws.tasks.create({ workflowSid: flow.sid, attributes });
  const [offer] = await place.offers(task.sid);
  const [own] = await ws.workers(worker.sid).workerChannels.list({ limit: 1 });
  const [event] = await ws.events.list({ taskSid: task.sid, limit: 1 });
  return {
    WS: place.sid,
    WA: activity.sid,
    TC: channel.sid,
    WK: worker.sid,
    WC: own.sid,
    WQ: queue.sid,
    WW: flow.sid,
    WT: task.sid,
    WR: offer.sid,
    EV: event.sid,
  };
}

async function destroy(place, sids) {
  const { ws } = place;
  await ws.tasks(sids.WT).remove();
  await ws.workers(sids.WK).remove();
  await ws.workflows(sids.WW).remove();
  await ws.taskQueues(sids.WQ).remove();
  await ws.taskChannels(sids.TC).remove();
  await ws.activities(sids.WA).remove();
  // What copies them hears of it in its own time.
  const { tasks } = place.waiting;
  const isRefused = (options) => tasks.create(options).then(({ sid }) => tasks(sid).remove() && false, () => true);
  for (const options of [
    { routingTarget: sids.WK },
    { routingTarget: sids.WQ },
    { routingTarget: sids.WW },
    { workflowSid: sids.WW },
    { workflowSid: world.mine.WW, taskQueueSid: sids.WQ },
    { workflowSid: world.mine.WW, taskChannel: sids.TC },
  ]) {
    await patiently(`${JSON.stringify(options)} is refused`, () => isRefused(options));
  }
}

async function prepare() {
  mine = await Place.make(judge, 'Mine');
  world.mine = await populate(mine, 'mine');
  const gone = await populate(mine, 'gone');
  await destroy(mine, gone);
  const bygone = await Place.make(judge, 'Bygone');
  await bygone.ws.remove();
  // The worker's channels and the offer went with the worker; the event is history, and stays.
  world.gone = { ...gone, WS: bygone.sid, EV: undefined };

  const { account, authToken } = await suite.api.post('/accounts', { friendlyName: 'Other' });
  const theirs = await Place.make(judge, 'Theirs', {}, [account.sid, authToken]);
  world.theirs = await populate(theirs, 'theirs');
}

function send({ operation, url, values, headers }, options) {
  const { method } = operation;
  if (method === 'GET' || method === 'DELETE') {
    const query = new URLSearchParams(values).toString();
    return judge.call(method, query ? `${url}?${query}` : url, { headers, ...options });
  }
  if (operation.body['application/json']) return judge.call(method, url, { json: { queueSids: [world.mine.WQ] }, headers, ...options });
  return judge.call(method, url, { form: values, headers, ...options });
}

// What is wrong with the answer to a case, or undefined.
function faultOf({ operation, what, status, code, says }, reply) {
  const told = `${operation.id}: ${what}: ${reply.status} ${reply.text.slice(0, 200)}`;
  if (reply.status >= 500) return told;
  if (status === undefined) return undefined;
  if (![].concat(status).includes(reply.status)) return `${told}; expected ${status}`;
  if (code !== undefined && reply.body.code !== code) return `${told}; expected code ${code}`;
  if (says !== undefined && !reply.body.message.includes(says)) return `${told}; names no ${says}`;
  return undefined;
}

async function faultsOf(cases, options) {
  const faults = await inParallel(cases.length, WIDTH, async (i) => faultOf(cases[i], await send(cases[i], options)));
  return faults.filter(Boolean);
}

// But for the router's journal, which has what it was asked, refused or not.
async function stored() {
  const { 'tasks.event_batch': journal, ...counts } = await suite.counts();
  assert.ok(journal > 0);
  return counts;
}

suite.test('what is wrong is refused, by name, and changes nothing', async () => {
  const cases = [...badCases(judge.contract.operations, world)].filter(({ status }) => status !== undefined);
  const pids = suite.pids();
  const before = await stored();
  const faults = await faultsOf(cases);
  assert.deepEqual(faults.slice(0, SHOWN), [], `${faults.length} of ${cases.length}`);
  assert.deepEqual(await stored(), before, 'nothing is stored');
  assert.deepEqual(suite.pids(), pids, 'nobody died');
});

suite.test('a request that is too long is refused as Twilio would', async () => {
  const long = await judge.call('GET', `/v1/Workspaces/${world.mine.WS}/Tasks?TaskQueueName=${'x'.repeat(9000)}`);
  assert.deepEqual([long.status, long.body.code], [414, 20414]);
  const large = await judge.call('POST', `/v1/Workspaces/${world.mine.WS}/Tasks`, {
    form: { Attributes: JSON.stringify({ a: 'x'.repeat(100_000) }) },
  });
  assert.deepEqual([large.status, large.body.code], [413, 20413]);
  const typed = await judge.call('POST', `/v1/Workspaces/${world.mine.WS}/Tasks`, { json: { Attributes: '{}' } });
  assert.deepEqual([typed.status, typed.body.code], [415, 20415]);
});

suite.test('nothing makes the suite fall over', async () => {
  const cases = [...badCases(judge.contract.operations, world)].filter(({ status }) => status === undefined);
  const pids = suite.pids();
  const faults = await faultsOf(cases, { isCounted: false });
  assert.deepEqual(faults.slice(0, SHOWN), [], `${faults.length} of ${cases.length}`);
  assert.deepEqual(suite.pids(), pids, 'nobody died');
  suite.assertLogsAreClean();
});

judge.verdict();
