// A worker's page: Twilio's browser SDK against the gateway's websocket and requests, and what that SDK would not do.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import twilio from 'twilio';
import WebSocket from 'ws';
import { request } from './lib/http.mjs';
import { useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';

// The SDK's timers (its token's end, its heartbeat) outlive its workers and would keep this process.
for (const name of ['setTimeout', 'setInterval']) {
  const make = globalThis[name];
  globalThis[name] = (...args) => make(...args).unref();
}
const TaskRouter = createRequire(import.meta.url)('twilio-taskrouter');
const { AccessToken, taskrouter } = twilio.jwt;

const suite = useSuite({
  seed: true,
  environment: { TASKROUTER_SECRET_KEY: randomBytes(32).toString('hex') },
});

let key;
let ann;
let bob;

function tokenOf(worker, { by = key, ttl = 3600 } = {}) {
  const token = new AccessToken(suite.accountSid, by.sid, by.secret, { ttl, identity: worker.friendlyName });
  const grant = { workspaceSid: suite.workspace, workerSid: worker.sid, role: 'worker' };
  token.addGrant(new AccessToken.TaskRouterGrant(grant));
  return token.toJwt();
}

function capabilityOf(worker, policies) {
  const token = new taskrouter.TaskRouterCapability({
    accountSid: suite.accountSid,
    authToken: suite.authToken,
    workspaceSid: suite.workspace,
    channelId: worker.sid,
  });
  for (const policy of policies) token.addPolicy(new taskrouter.TaskRouterCapability.Policy(policy));
  return token.toJwt();
}

async function newKey() {
  const made = await suite.api.post('/keys', { friendlyName: 'a key' });
  return { sid: made.key.sid, secret: made.secret };
}

const wsUrl = () => `${suite.url.replace('http:', 'ws:')}/v1/wschannels`;

// Pages of the SDK's that nobody looks at any more: one that cannot connect again would throw.
const pages = new Set();

function leave() {
  for (const page of pages) page.disconnect();
  pages.clear();
}

// The SDK's worker once it is ready, with the events it has told of.
async function connect(worker, options = {}) {
  const page = new TaskRouter.Worker(tokenOf(worker), {
    ebServer: `${suite.url}/v1/wschannels`,
    wsServer: wsUrl(),
    logLevel: 'silent',
    ...options,
  });
  pages.add(page);
  suite.onClose(leave);
  await new Promise((resolve, reject) => {
    page.once('ready', resolve);
    page.once('error', reject);
  });
  return page;
}

const once = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve));

// A bare websocket and the frames it gets.
async function open(query) {
  const socket = new WebSocket(`${wsUrl()}?${new URLSearchParams(query)}`);
  const frames = [];
  let closed;
  socket.on('message', (data) => frames.push(data.toString()));
  socket.on('close', (code) => (closed = code));
  suite.onClose(() => socket.terminate());
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return {
    socket,
    frames,
    events: () => frames.filter((f) => f.trim() !== '').map((f) => JSON.parse(f)),
    ended: () => until('the websocket ends', () => closed),
  };
}

// One request as the SDK makes it.
async function ask(token, method, url, params = {}, headers = {}) {
  return request(`${suite.url}/v1/wschannels`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', apiVersion: 'v1', ...headers },
    body: JSON.stringify({ url, method, params, token }),
  });
}

suite.test('connect, ready, an offer, accept, complete, another activity', async () => {
  key = await newKey();
  ann = await suite.worker('Ann', { attributes: { department: 'permits' } });
  bob = await suite.worker('Bob', { attributes: { department: 'utilities' }, activity: 'Offline' });
  const page = await connect(ann);
  assert.equal(page.sid, ann.sid);
  assert.equal(page.name, 'Ann');
  assert.deepEqual(page.attributes, { department: 'permits' });
  assert.equal(page.activity.name, 'Available');
  assert.ok(Math.abs(page.dateCreated - Date.parse(ann.dateCreated)) < 1000);
  assert.equal(page.activities.size, 4);
  assert.equal(page.channels.size, (await suite.api.list(`/workers/${ann.sid}/channels`)).length);
  assert.equal(page.reservations.size, 0);

  const offered = once(page, 'reservationCreated');
  const made = await suite.api.post('/tasks', { attributes: { department: 'permits', n: 1 } });
  const reservation = await offered;
  assert.equal(reservation.status, 'pending');
  assert.equal(reservation.workerSid, ann.sid);
  assert.equal(reservation.task.sid, made.sid);
  assert.deepEqual(reservation.task.attributes, { department: 'permits', n: 1 });
  assert.equal(reservation.task.queueName, 'Permits Queue');
  assert.equal(reservation.task.workflowSid, suite.workflow);

  const told = once(reservation, 'accepted');
  assert.equal((await reservation.accept()).status, 'accepted');
  assert.equal((await told).task.status, 'assigned');
  assert.equal((await suite.api.get(`/reservations/${reservation.sid}`)).reservationStatus, 'accepted');

  const completed = once(reservation, 'completed');
  await reservation.task.complete('done');
  await completed;
  assert.equal(reservation.status, 'completed');

  const moved = once(page, 'activityUpdated');
  const pause = [...page.activities.values()].find((a) => a.name === 'Break');
  await pause.setAsCurrent();
  await moved;
  assert.equal(page.activity.name, 'Break');
  assert.equal((await suite.api.get(`/workers/${ann.sid}`)).activityName, 'Break');
  const back = once(page, 'activityUpdated');
  await suite.api.must('PATCH', `/workers/${ann.sid}`, { activitySid: suite.activities.Available });
  await back;
  assert.equal(page.activity.name, 'Available');
});

suite.test('reject, and what a page finds that connects in the middle', async () => {
  const first = await connect(ann);
  const offered = once(first, 'reservationCreated');
  const task = await suite.api.post('/tasks', { attributes: { department: 'permits' } });
  const reservation = await offered;
  const second = await connect(ann);
  assert.deepEqual([...second.reservations.keys()], [reservation.sid]);
  const seen = [...second.reservations.values()][0];
  assert.equal(seen.task.sid, task.sid);
  assert.ok(seen.timeout > 0);
  const rejected = once(seen, 'rejected');
  await reservation.reject({ activitySid: suite.activities.Break });
  await rejected;
  await suite.api.post(`/tasks/${task.sid}/cancel`, { reason: 'test' });
  await until('the router has moved her', async () => {
    return (await suite.api.get(`/workers/${ann.sid}`)).activityName === 'Break';
  });
  await suite.api.must('PATCH', `/workers/${ann.sid}`, { activitySid: suite.activities.Available });
});

suite.test('closeExistingSessions ends the other pages of that worker only', async () => {
  const [other, own] = [await open({ token: tokenOf(bob) }), await open({ token: tokenOf(ann) })];
  const last = await open({ token: tokenOf(ann), closeExistingSessions: 'true' });
  assert.equal(await own.ended(), 1000);
  assert.equal(other.socket.readyState, WebSocket.OPEN);
  assert.equal(last.socket.readyState, WebSocket.OPEN);
});

suite.test("the first frame is init, and a page hears of nobody else's", async () => {
  const page = await open({ token: tokenOf(ann), clientVersion: '2.1.1' });
  const others = await open({ token: tokenOf(bob) });
  await until('init', () => page.events().length > 0 && others.events().length > 0);
  const [init] = page.events();
  assert.equal(init.event_type, 'init');
  const { token_lifetime: lifetime, ...rest } = init.payload;
  assert.deepEqual(rest, {
    channel_id: ann.sid,
    account_sid: suite.accountSid,
    workspace_sid: suite.workspace,
  });
  assert.ok(lifetime > 3500000 && lifetime <= 3600000, `token_lifetime is ${lifetime}`);
  await suite.api.must('PATCH', `/workers/${ann.sid}`, { attributes: { department: 'permits', x: 1 } });
  const told = await until('the event', () =>
    page.events().find((e) => e.event_type === 'worker.attributes.update'),
  );
  assert.equal(told.payload.sid, ann.sid);
  assert.deepEqual(JSON.parse(told.payload.attributes), { department: 'permits', x: 1 });
  await suite.api.must('PATCH', `/workers/${bob.sid}`, { attributes: { x: 2 } });
  await until('his own event', () => others.events().length > 1);
  assert.deepEqual(others.events().map((e) => e.payload.sid ?? e.payload.channel_id), [bob.sid, bob.sid]);
});

suite.test('what is no good token opens nothing, and is in no log', async () => {
  const refused = async (query, headers = {}) => {
    const reply = await request(`${suite.url}/v1/wschannels?${new URLSearchParams(query)}`, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        ...headers,
      },
    });
    return [reply.status, reply.body.code];
  };
  const good = tokenOf(ann);
  assert.deepEqual(await refused({}), [401, 20003]);
  assert.deepEqual(await refused({ token: 'x' }), [401, 20003]);
  assert.deepEqual(await refused({ token: suite.token }), [401, 20003]);
  assert.deepEqual(await refused({ token: tokenOf(ann, { ttl: -5 }) }), [401, 20003]);
  assert.deepEqual(await refused({ token: `${good}x` }), [401, 20003]);
  assert.deepEqual(await refused({ token: tokenOf(ann, { by: { sid: key.sid, secret: 'x' } }) }), [401, 20003]);
  const listen = { url: `https://event-bridge.twilio.com/v1/wschannels/${suite.accountSid}/${ann.sid}`, method: 'GET' };
  for (const [policies, status] of [
    [[], 403],
    [[{ ...listen, url: listen.url.replace(ann.sid, bob.sid), allow: true }], 403],
    [[{ ...listen, allow: true }], 400], // it may; the version below is what is refused then
  ])
    assert.equal((await refused({ token: capabilityOf(ann, policies) }, { 'sec-websocket-version': '8' }))[0], status);
  for (const headers of [{ 'sec-websocket-version': '8' }, { 'sec-websocket-key': 'x' }])
    assert.equal((await refused({ token: good }, headers))[0], 400);
  assert.equal((await refused({ token: good, closeExistingSessions: 'maybe' }))[0], 400);
  assert.equal((await request(`${suite.url}/v1/wschannels?token=${good}`)).status, 400, 'a plain GET');
  for (const [name, text] of Object.entries(suite.logs()))
    assert.ok(!text.includes(good), `a token is in the log of ${name}`);
});

suite.test('a worker has at most ten pages', async () => {
  const token = tokenOf(bob);
  const pages = [await open({ token, closeExistingSessions: 'true' })];
  await until('the others have ended', async () => {
    if (pages.length < 10) pages.push(await open({ token }));
    return pages.length === 10;
  });
  await assert.rejects(open({ token }), /429/);
  pages[0].socket.close();
  await pages[0].ended();
  await until('there is room again', () => open({ token }));
});

suite.test('a page ends with its token, and with its key', async () => {
  const made = await newKey();
  const revoked = await open({ token: tokenOf(ann, { by: made }) });
  const short = await open({ token: tokenOf(ann, { ttl: 8 }) });
  assert.equal((await suite.api.call('DELETE', `/keys/${made.sid}`)).status, 204);
  assert.equal(await revoked.ended(), 1008);
  assert.equal(await short.ended(), 1008);
});

suite.test('requests are checked like any others', async () => {
  const token = tokenOf(ann);
  const own = `Workspaces/${suite.workspace}/Workers/${ann.sid}`;
  const worker = await ask(token, 'GET', own);
  assert.equal(worker.status, 200, worker.text);
  const { version } = worker.body.payload;
  const active = { ActivitySid: suite.activities.Available };
  for (const [what, reply, status] of [
    ["somebody else's", await ask(token, 'GET', `Workspaces/${suite.workspace}/Workers/${bob.sid}`), 403],
    ['all workers', await ask(token, 'GET', `Workspaces/${suite.workspace}/Workers`), 403],
    ['a capacity', await ask(token, 'POST', `${own}/WorkerChannels/WC${'0'.repeat(32)}`, { Capacity: 5 }), 403],
    ['no such path', await ask(token, 'GET', `${own}/Transfers`), 404],
    ['no such task', await ask(token, 'GET', `Workspaces/${suite.workspace}/Tasks/WT${'0'.repeat(32)}`), 404],
    ['a stale version', await ask(token, 'POST', own, active, { 'If-Match': '0' }), 412],
    ['its attributes', await ask(token, 'POST', own, { Attributes: '{}' }), 403],
    ['no such activity', await ask(token, 'POST', own, { ActivitySid: `WA${'0'.repeat(32)}` }), 400],
    ['DELETE', await ask(token, 'DELETE', own), 400],
    ['a URL', await ask(token, 'GET', `https://x/v1/${own}`), 400],
    ['an encoded path', await ask(token, 'GET', own.replace('W', '%57')), 400],
    ['a list for an object', await ask(token, 'GET', own, [1]), 400],
    ['no token', await ask(undefined, 'GET', own), 401],
    ['an API token', await ask(suite.token, 'GET', own), 401],
  ]) {
    assert.equal(reply.status, status, `${what}: ${reply.text}`);
    assert.ok(reply.body.message.length > 5, what);
  }
  const preflight = await request(`${suite.url}/v1/wschannels`, {
    method: 'OPTIONS',
    headers: { origin: 'https://x', 'access-control-request-method': 'POST' },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers['access-control-allow-headers'], /apiVersion.*If-Match/);
  assert.equal(preflight.headers['access-control-allow-origin'], '*');
  assert.equal(worker.headers['access-control-allow-origin'], '*');
  const raw = (body, headers = {}) =>
    request(`${suite.url}/v1/wschannels`, { method: 'POST', headers, body });
  assert.equal((await raw('{')).status, 400);
  assert.equal((await raw('[]')).status, 400);
  assert.equal((await raw(`{"url":"${'['.repeat(100)}"}`)).status, 400);
  // Asked for first: a refusal would meet the body on its way and could be lost.
  assert.equal((await raw('x'.repeat(70000), { expect: '100-continue' })).status, 413);
  const same = await ask(token, 'POST', own, active, { 'If-Match': version });
  assert.equal(same.status, 200, same.text);
  assert.equal(same.body.payload.activity_name, 'Available');
});

suite.test('pages hear again after the gateway was restarted', async () => {
  leave();
  const page = await open({ token: tokenOf(ann) });
  await until('init', () => page.events().length > 0);
  await suite.restart('gateway');
  assert.equal(await page.ended(), 1001);
  const again = await open({ token: tokenOf(ann) });
  await until('init', () => again.events().length > 0);
});
