// What is refused, as RestException tells it; who may come in; and what each account sees.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { randomBytes } from 'node:crypto';
import twilio from 'twilio';
import { readTable } from './lib/coverage.mjs';
import { useSuite } from './lib/suite.mjs';
import { Place, refused, useTwilio } from './lib/twilio.mjs';

const suite = useSuite({
  environment: { TASKROUTER_SECRET_KEY: randomBytes(32).toString('hex') },
  prepare,
});
const judge = useTwilio(suite, import.meta.url);
const ZEROS = '0'.repeat(32);
let place;

async function prepare() {
  place = await Place.make(judge, 'Errors');
}

suite.test('a refusal is a RestException with status, code, message and where to read more', async () => {
  const error = await refused(place.ws.tasks(`WT${ZEROS}`).fetch(), 404, 20404);
  assert.equal(error.message, `The requested resource /Workspaces/${place.sid}/Tasks/WT${ZEROS} was not found`);
  assert.equal(error.constructor.name, 'RestException');
  assert.equal(error.details, undefined);
  await refused(place.ws.workers.create({ friendlyName: 'x'.repeat(65) }), 400, 20001, /FriendlyName/);
  await refused(place.ws.workers.create({ friendlyName: 'Ann', attributes: '{' }), 400, 20001, /Attributes/);
  await refused(place.ws.workers(`WK${ZEROS}`).reservations.list(), 404, 20404);
  await refused(judge.client().taskrouter.v1.workspaces(`WS${ZEROS}`).workers.list(), 404, 20404);
});

suite.test('what is no operation is not found, and a method that a path has not is 405', async () => {
  for (const path of ['/v1', '/v1/Nothing', '/v1/workspaces', `/v1/Workspaces/${place.sid}/Nothing`]) {
    const reply = await judge.call('GET', path);
    assert.deepEqual([reply.status, reply.body.code], [404, 20404], path);
  }
  for (const [method, path] of [
    ['PUT', `/v1/Workspaces/${place.sid}`],
    ['DELETE', '/v1/Workspaces'],
    ['POST', `/v1/Workspaces/${place.sid}/Events`],
  ]) {
    const reply = await judge.call(method, path);
    assert.deepEqual([reply.status, reply.body.code, reply.body.status], [405, 20004, 405], `${method} ${path}`);
  }
});

suite.test('who is not known does not come in', async () => {
  const { accountSid, authToken } = suite;
  const workspaces = (...who) => judge.client(...who).taskrouter.v1.workspaces;
  await refused(workspaces(accountSid, '0'.repeat(32)).list(), 401, 20003);
  await refused(workspaces(`AC${ZEROS}`, authToken).list(), 401, 20003);
  await refused(workspaces(`SK${ZEROS}`, 'secret', { accountSid }).list(), 401, 20003);
  const none = await judge.call('GET', '/v1/Workspaces', { auth: null });
  assert.deepEqual([none.status, none.body.code], [401, 20003]);
  assert.match(none.headers['www-authenticate'], /^Basic /);
  for (const auth of ['', ':', 'x', `${accountSid}:`, `:${authToken}`, `${accountSid}:${authToken}x`]) {
    const reply = await judge.call('POST', '/v1/Workspaces', { auth, form: { FriendlyName: 'X' } });
    assert.deepEqual([reply.status, reply.body.code], [401, 20003], auth);
  }
});

suite.test('an API key stands for its account', async () => {
  const made = await suite.api.post('/keys', { friendlyName: 'Program' });
  assert.match(made.key.sid, /^SK[0-9a-f]{32}$/);
  const client = judge.client(made.key.sid, made.secret, { accountSid: suite.accountSid });
  const [found] = await client.taskrouter.v1.workspaces.list({ friendlyName: 'Errors' });
  assert.deepEqual([found.sid, found.accountSid], [place.sid, suite.accountSid]);
  const worker = await client.taskrouter.v1.workspaces(place.sid).workers.create({ friendlyName: 'By key' });
  assert.equal(worker.accountSid, suite.accountSid);
  await suite.api.must('DELETE', `/keys/${made.key.sid}`);
  await refused(client.taskrouter.v1.workspaces.list(), 401, 20003);
});

suite.test('an account sees its own workspaces only', async () => {
  const other = await suite.api.post('/accounts', { friendlyName: 'Other' });
  const client = judge.client(other.account.sid, other.authToken);
  assert.deepEqual(await client.taskrouter.v1.workspaces.list(), []);
  const theirs = await client.taskrouter.v1.workspaces.create({ friendlyName: 'Errors' });
  const theirQueue = await client.taskrouter.v1.workspaces(theirs.sid).taskQueues.create({ friendlyName: 'Theirs' });
  assert.equal(theirs.accountSid, other.account.sid);
  const mine = judge.client().taskrouter.v1.workspaces;
  for (const [reader, sid] of [
    [client.taskrouter.v1.workspaces, place.sid],
    [mine, theirs.sid],
  ]) {
    for (const call of [
      (ws) => ws.fetch(),
      (ws) => ws.update({ friendlyName: 'Taken over' }),
      (ws) => ws.remove(),
      (ws) => ws.workers.list(),
      (ws) => ws.tasks.create(),
      (ws) => ws.statistics().fetch(),
      (ws) => ws.events.list(),
    ]) {
      await refused(call(reader(sid)), 404, 20404, /Workspaces\/WS/);
    }
  }
  assert.deepEqual((await client.taskrouter.v1.workspaces.list()).map((w) => w.friendlyName), ['Errors']);
  assert.ok((await mine.list()).every((w) => w.accountSid === suite.accountSid));
  // Nor does anything within one reach into another.
  await refused(place.ws.taskQueues(theirQueue.sid).fetch(), 404, 20404);
  const bulk = await place.ws.taskQueues.bulkRealTimeStatistics.create({ queueSids: [theirQueue.sid] });
  assert.deepEqual([bulk.taskQueueData[0].total_tasks, bulk.taskQueueData[0].total_eligible_workers], [0, 0]);
});

suite.test('every answer can be read by a program in a browser', async () => {
  const asked = await judge.call('GET', '/v1/Workspaces', { headers: { origin: 'https://app.example' } });
  assert.ok(asked.headers['access-control-allow-origin'], 'CORS');
  const flight = await judge.call('OPTIONS', '/v1/Workspaces', {
    auth: null,
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  });
  assert.ok([200, 204].includes(flight.status), flight.text);
  assert.match(flight.headers['access-control-allow-methods'], /POST/);
  assert.match(flight.headers['access-control-allow-headers'], /authorization/i);
});

suite.test('the SDK is the one that is pinned, and the table has every operation', () => {
  const pinned = JSON.parse(fs.readFileSync(new URL('./package.json', import.meta.url))).dependencies.twilio;
  const file = new URL('./node_modules/twilio/package.json', import.meta.url);
  assert.equal(JSON.parse(fs.readFileSync(file)).version, pinned);
  assert.equal(typeof twilio.validateRequest, 'function');
  if (process.env.TR_COVERAGE_DIR) return; // the table is being made
  const readme = new URL('../../services/gateway/README.md', import.meta.url);
  const table = readTable(fs.readFileSync(readme, 'utf8'));
  const { operations } = judge.contract;
  assert.deepEqual([operations.length, new Set(operations.map((o) => o.path)).size], [61, 37]);
  for (const { id } of operations) {
    const statuses = [...(table.get(id) ?? new Map()).values()].flat();
    assert.ok(statuses.some((status) => status < 300), `${id} succeeds somewhere`);
  }
});

judge.verdict();
