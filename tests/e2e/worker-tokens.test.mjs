// Tokens that the official SDK makes for workers: what they let a worker do, and what never lets anybody in.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import twilio from 'twilio';
import { request } from './lib/http.mjs';
import { useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';

const { AccessToken, taskrouter } = twilio.jwt;
const { TaskRouterGrant } = AccessToken;

const suite = useSuite({
  seed: true,
  environment: { TASKROUTER_SECRET_KEY: randomBytes(32).toString('hex') },
});

let key; // { sid, secret }
let ann; // the worker whose tokens these are
let bob;

const keyOf = (made) => ({ sid: made.key.sid, secret: made.secret });

function accessToken(worker, { by = key, account = suite.accountSid, ttl = 3600, algorithm } = {}) {
  const token = new AccessToken(account, by.sid, by.secret, { ttl, identity: worker.friendlyName });
  token.addGrant(
    new TaskRouterGrant({ workspaceSid: suite.workspace, workerSid: worker.sid, role: 'worker' }),
  );
  return token.toJwt(algorithm);
}

function capabilityToken(worker, more = [], { authToken = suite.authToken, ttl = 3600 } = {}) {
  const token = new taskrouter.TaskRouterCapability({
    accountSid: suite.accountSid,
    authToken,
    workspaceSid: suite.workspace,
    channelId: worker.sid,
    ttl,
  });
  const policies = taskrouter.util.defaultWorkerPolicies('v1', suite.workspace, worker.sid);
  for (const policy of [...policies, ...more]) token.addPolicy(policy);
  return token.toJwt();
}

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// A token as nobody's SDK would make it.
function forged(header, payload, secret, hash = 'sha256') {
  const text = `${part(header)}.${part(payload)}`;
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
}

function call(token, method, path, form) {
  const headers = { authorization: `Bearer ${token}` };
  if (form) headers['content-type'] = 'application/x-www-form-urlencoded';
  const body = form && new URLSearchParams(form).toString();
  const url = `${suite.url}/v1/Workspaces/${suite.workspace}${path}`;
  return request(url, { method, headers, body });
}

async function assertRefused(token, what) {
  const reply = await call(token, 'GET', `/Workers/${ann.sid}`);
  assert.equal(reply.status, 401, `${what}: ${reply.text}`);
  assert.equal(reply.body.code, 20003, what);
  assert.ok(!reply.text.includes(token.slice(0, 40)), 'the token is not shown');
}

suite.test('a worker works with an access token made by the SDK', async () => {
  key = keyOf(await suite.api.post('/keys', { friendlyName: 'signs access tokens' }));
  ann = await suite.worker('Ann', { attributes: { department: 'permits' } });
  bob = await suite.worker('Bob', { attributes: { department: 'utilities' } });
  for (const algorithm of [undefined, 'HS384', 'HS512']) {
    const reply = await call(accessToken(ann, { algorithm }), 'GET', `/Workers/${ann.sid}`);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.body.friendly_name, 'Ann');
  }
  const token = accessToken(ann);
  const task = await suite.api.post('/tasks', { attributes: { department: 'permits' } });
  const offer = await suite.offerOf(task.sid);
  assert.equal(offer.workerSid, ann.sid);
  const list = await call(token, 'GET', `/Workers/${ann.sid}/Reservations?ReservationStatus=pending`);
  assert.deepEqual(list.body.reservations.map((r) => r.sid), [offer.sid]);
  const accepted = await call(token, 'POST', `/Workers/${ann.sid}/Reservations/${offer.sid}`, {
    ReservationStatus: 'accepted',
  });
  assert.equal(accepted.status, 200, accepted.text);
  assert.equal(accepted.body.reservation_status, 'accepted');
  const completed = await call(token, 'POST', `/Tasks/${task.sid}`, {
    AssignmentStatus: 'completed',
    Reason: 'done',
  });
  assert.equal(completed.status, 200, completed.text);
  const moved = await call(token, 'POST', `/Workers/${ann.sid}`, { ActivitySid: suite.activities.Break });
  assert.equal(moved.body.activity_name, 'Break');
  await call(token, 'POST', `/Workers/${ann.sid}`, { ActivitySid: suite.activities.Available });
});

suite.test("an access token reaches nobody else's and nothing of the workspace", async () => {
  const token = accessToken(ann);
  const task = await suite.api.post('/tasks', { attributes: { department: 'utilities' } });
  const offer = await suite.offerOf(task.sid);
  assert.equal(offer.workerSid, bob.sid);
  for (const [method, path, form] of [
    ['GET', '/Workers'],
    ['GET', `/Workers/${bob.sid}`],
    ['POST', `/Workers/${bob.sid}`, { ActivitySid: suite.activities.Break }],
    ['POST', `/Workers/${bob.sid}/Reservations/${offer.sid}`, { ReservationStatus: 'accepted' }],
    ['POST', `/Workers/${ann.sid}/Reservations/${offer.sid}`, { ReservationStatus: 'accepted' }],
    ['POST', `/Tasks/${task.sid}`, { AssignmentStatus: 'canceled', Reason: 'x' }],
    ['POST', `/Tasks/${task.sid}`, { Attributes: '{}' }],
    ['GET', '/Tasks'],
    ['POST', '/Tasks', { Attributes: '{}' }],
    ['GET', '/Events'],
    ['GET', '/Statistics'],
    ['POST', '', { FriendlyName: 'x' }],
    ['DELETE', `/Workers/${ann.sid}`],
  ]) {
    const reply = await call(token, method, path, form);
    assert.ok([403, 404].includes(reply.status), `${method} ${path}: ${reply.status} ${reply.text}`);
  }
  assert.equal((await suite.api.get(`/reservations/${offer.sid}`)).reservationStatus, 'pending');
  assert.equal((await suite.api.with({ token }).call('GET', '/workers')).status, 401);
  await suite.api.post(`/tasks/${task.sid}/cancel`, { reason: 'test' });
});

suite.test('a capability token made by the SDK allows what its policies say', async () => {
  const url = `https://taskrouter.twilio.com/v1/Workspaces/${suite.workspace}/Workers/${ann.sid}`;
  const activities = new taskrouter.TaskRouterCapability.Policy({
    url,
    method: 'POST',
    allow: true,
    postFilter: { ActivitySid: { required: true } },
  });
  const plain = capabilityToken(ann);
  const more = capabilityToken(ann, [activities]);
  for (const token of [plain, more]) {
    assert.equal((await call(token, 'GET', `/Workers/${ann.sid}`)).body.friendly_name, 'Ann');
    assert.equal((await call(token, 'GET', '/Activities')).status, 200);
    assert.equal((await call(token, 'GET', `/Workers/${ann.sid}/Reservations`)).status, 200);
    assert.equal((await call(token, 'GET', `/Workers/${bob.sid}`)).status, 403);
    assert.equal((await call(token, 'GET', '/Workers')).status, 403);
  }
  const form = { ActivitySid: suite.activities.Available };
  assert.equal((await call(plain, 'POST', `/Workers/${ann.sid}`, form)).status, 403);
  assert.equal((await call(more, 'POST', `/Workers/${ann.sid}`, form)).status, 200);
  assert.equal((await call(more, 'POST', `/Workers/${ann.sid}`, { ...form, Attributes: '{}' })).status, 403);
});

suite.test('hostile tokens let nobody in', async () => {
  const other = await suite.api.post('/accounts', { friendlyName: 'Other' });
  const others = keyOf(await suite.api.post('/keys', { friendlyName: 'x', accountSid: other.account.sid }));
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: 'HS256', typ: 'JWT', cty: 'twilio-fpa;v=1' };
  const grant = { workspace_sid: suite.workspace, worker_sid: ann.sid, role: 'worker' };
  const payload = {
    jti: 'x',
    iss: key.sid,
    sub: suite.accountSid,
    iat: now,
    exp: now + 600,
    grants: { identity: 'x', task_router: grant },
  };
  const good = forged(header, payload, key.secret);
  assert.equal((await call(good, 'GET', `/Workers/${ann.sid}`)).status, 200, 'a good one of that kind');
  const [head, body, signature] = good.split('.');
  const tokens = {
    'alg none, unsigned': `${part({ ...header, alg: 'none' })}.${body}.`,
    'alg none, with the signature': `${part({ ...header, alg: 'none' })}.${body}.${signature}`,
    'alg none, signed': forged({ ...header, alg: 'none' }, payload, key.secret),
    'alg RS256': forged({ ...header, alg: 'RS256' }, payload, key.secret),
    'another alg than its signature': forged({ ...header, alg: 'HS512' }, payload, key.secret),
    'no alg': forged({ typ: 'JWT', cty: header.cty }, payload, key.secret),
    'no signature': `${head}.${body}.`,
    'a wrong secret': forged(header, payload, `${key.secret}0`),
    'an empty secret': forged(header, payload, '\0'),
    'the auth token as secret': forged(header, payload, suite.authToken),
    "another account's key": accessToken(ann, { by: others }),
    "another account's key, as that account": accessToken(ann, { by: others, account: other.account.sid }),
    'another account in sub': forged(header, { ...payload, sub: other.account.sid }, key.secret),
    'a key that nobody has': forged(header, { ...payload, iss: `SK${'0'.repeat(32)}` }, key.secret),
    expired: forged(header, { ...payload, exp: now - 1 }, key.secret),
    'not yet valid': forged(header, { ...payload, nbf: now + 3000 }, key.secret),
    'without exp': forged(header, { ...payload, exp: undefined }, key.secret),
    'another role': forged(
      header,
      { ...payload, grants: { task_router: { ...grant, role: 'supervisor' } } },
      key.secret,
    ),
    'no grant': forged(header, { ...payload, grants: {} }, key.secret),
    oversized: forged(header, { ...payload, x: 'x'.repeat(7000) }, key.secret),
    deep: forged(header, { ...payload, x: JSON.parse('['.repeat(200) + ']'.repeat(200)) }, key.secret),
    'a capability token with a wrong secret': capabilityToken(ann, [], { authToken: key.secret }),
    'an expired capability token': capabilityToken(ann, [], { ttl: -5 }),
    'no JSON': `${Buffer.from('{').toString('base64url')}.${body}.${signature}`,
    dots: 'a.b.c',
  };
  for (const [what, token] of Object.entries(tokens)) {
    if (what.endsWith('as that account')) {
      // It is a good token of the other account, which has no such workspace.
      const reply = await call(token, 'GET', `/Workers/${ann.sid}`);
      assert.equal(reply.status, 404, `${what}: ${reply.text}`);
    } else {
      await assertRefused(token, what);
    }
  }
  for (const token of Object.values(tokens)) {
    for (const [name, text] of Object.entries(suite.logs()))
      assert.ok(token.length < 20 || !text.includes(token), `a token is in the log of ${name}`);
  }
});

suite.test('a token ends with its key, and with its time', async () => {
  const made = keyOf(await suite.api.post('/keys', { friendlyName: 'ends soon' }));
  const token = accessToken(ann, { by: made });
  assert.equal((await call(token, 'GET', `/Workers/${ann.sid}`)).status, 200);
  assert.equal((await suite.api.call('DELETE', `/keys/${made.sid}`)).status, 204);
  await assertRefused(token, 'its key was revoked');
  const short = accessToken(ann, { ttl: 8 });
  assert.equal((await call(short, 'GET', `/Workers/${ann.sid}`)).status, 200);
  await until('the token expires', async () => {
    const reply = await call(short, 'GET', `/Workers/${ann.sid}`);
    return reply.status === 401 && reply.body.code === 20003;
  });
});
