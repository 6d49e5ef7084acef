// What is wrong is refused with the right status and one sentence; nothing is stored, nobody dies.
import assert from 'node:assert/strict';
import { request } from './lib/http.mjs';
import { useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';

const suite = useSuite({ seed: true, prepare });
let worker; // an existing one
const zeros = '0'.repeat(32);

async function prepare() {
  worker = await suite.worker('Existing');
}

// A refused request: a problem document that names the field, and says in one sentence what to change.
function assertProblem(reply, status, field, what) {
  assert.equal(reply.status, status, `${what}: ${reply.status} ${reply.text}`);
  assert.match(reply.headers['content-type'], /^application\/problem\+json/, what);
  const problem = reply.body;
  assert.equal(problem.status, status, what);
  assert.equal(typeof problem.title, 'string', what);
  assert.match(problem.detail, /^[^\n]{8,400}$/, `${what}: ${problem.detail}`);
  assert.ok(
    !/\.c:\d+|0x[0-9a-f]{6}|SELECT |select .* from/.test(problem.detail),
    `${what}: ${problem.detail}`,
  );
  // The field, or the place within it.
  if (field !== null) assert.equal(problem.field?.split(/[.[]/)[0], field, `${what}: ${reply.text}`);
  assert.ok(problem.requestId, `${what} has a request id`);
  assert.equal(reply.headers['x-request-id'], problem.requestId, what);
}

// [what, method, path, body (object or raw text), status, field or null]
const documentWith = (task_routing) => ({ friendlyName: 'W', configuration: { task_routing } });
const CASES = () => [
  ['malformed JSON', 'POST', '/workers', '{"friendlyName": "X"', 400, null],
  ['malformed JSON: a trailing comma', 'POST', '/workers', '{"friendlyName": "X",}', 400, null],
  ['malformed JSON: text behind', 'POST', '/workers', '{"friendlyName": "X"} true', 400, null],
  ['no JSON at all', 'POST', '/tasks', 'attributes=1', 400, null],
  ['a list instead of an object', 'POST', '/workers', '[]', 400, null],
  ['a name given twice', 'POST', '/workers', '{"friendlyName": "X", "friendlyName": "Y"}', 400, null],
  [
    'JSON nested too deep',
    'POST',
    '/tasks',
    `{"attributes": ${'['.repeat(2000)}${']'.repeat(2000)}}`,
    400,
    null,
  ],
  ['bad UTF-8', 'POST', '/workers', Buffer.from([0x7b, 0x22, 0x61, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, null],
  ['a wrong type: number for text', 'POST', '/workers', { friendlyName: 7 }, 400, 'friendlyName'],
  [
    'a wrong type: text for number',
    'POST',
    '/queues',
    { friendlyName: 'Q', maxReservedWorkers: 'many' },
    400,
    'maxReservedWorkers',
  ],
  [
    'a wrong type: fraction for whole number',
    'POST',
    '/tasks',
    { attributes: {}, priority: 1.5 },
    400,
    'priority',
  ],
  [
    'a wrong type: text for yes or no',
    'POST',
    '/activities',
    { friendlyName: 'A', available: 'yes' },
    400,
    'available',
  ],
  ['attributes that are no object', 'POST', '/tasks', { attributes: [1] }, 400, 'attributes'],
  ['an unknown field', 'POST', '/workers', { friendlyName: 'X', color: 'red' }, 400, 'color'],
  ['a field of another case', 'POST', '/workers', { friendly_name: 'X' }, 400, null],
  [
    'a field that only the service sets',
    'POST',
    '/workers',
    { friendlyName: 'X', sid: `WK${zeros}` },
    400,
    'sid',
  ],
  ['an unknown query parameter', 'GET', '/workers?colour=red', undefined, 400, 'colour'],
  ['a missing name', 'POST', '/workers', {}, 400, 'friendlyName'],
  ['a name already taken', 'POST', '/workers', { friendlyName: 'Existing' }, 409, null],
  [
    'an expression with a syntax error',
    'POST',
    '/queues',
    { friendlyName: 'Q', targetWorkers: 'skills HAS' },
    400,
    'targetWorkers',
  ],
  [
    'an expression with an open bracket',
    'POST',
    '/queues',
    { friendlyName: 'Q', targetWorkers: '(a == 1' },
    400,
    'targetWorkers',
  ],
  [
    'a syntax error in a filter',
    'POST',
    '/queues',
    { friendlyName: 'Q', targetWorkers: 'a == == 1' },
    400,
    'targetWorkers',
  ],
  [
    'an expression in a list filter',
    'GET',
    `/workers?targetWorkersExpression=${encodeURIComponent('a ==')}`,
    undefined,
    400,
    'targetWorkersExpression',
  ],
  [
    'a syntax error in a workflow',
    'POST',
    '/workflows',
    documentWith({
      filters: [{ expression: 'task.x == ==', targets: [{ queue: suite.queues['Default Queue'] }] }],
    }),
    400,
    'configuration',
  ],
  [
    'a workflow naming a queue that does not exist',
    'POST',
    '/workflows',
    documentWith({
      default_filter: { queue: `WQ${zeros}` },
    }),
    400,
    'configuration',
  ],
  [
    'a workflow naming a queue by the wrong kind of SID',
    'POST',
    '/workflows',
    documentWith({
      default_filter: { queue: suite.workflow },
    }),
    400,
    'configuration',
  ],
  [
    'a workflow without routing',
    'POST',
    '/workflows',
    { friendlyName: 'W', configuration: {} },
    400,
    'configuration',
  ],
  [
    'an update naming a queue that does not exist',
    'PATCH',
    `/workflows/${suite.workflow}`,
    { configuration: { task_routing: { default_filter: { queue: `WQ${zeros}` } } } },
    400,
    'configuration',
  ],
  [
    "a worker's attributes over 4096 characters",
    'POST',
    '/workers',
    { friendlyName: 'X', attributes: { a: 'x'.repeat(4096) } },
    400,
    'attributes',
  ],
  [
    "a task's attributes over 4096 characters",
    'POST',
    '/tasks',
    { attributes: { a: 'x'.repeat(4096) } },
    400,
    'attributes',
  ],
  [
    'a body over the limit',
    'POST',
    '/workers',
    { friendlyName: 'X', attributes: { a: 'x'.repeat(80_000) } },
    413,
    null,
  ],
  ['a SID of the wrong kind in the path', 'GET', `/workers/${suite.workflow}`, undefined, 400, 'sid'],
  [
    'a SID of the wrong kind in the body',
    'POST',
    '/workers',
    { friendlyName: 'X', activitySid: suite.workflow },
    400,
    'activitySid',
  ],
  ['a SID that is none', 'GET', '/tasks/1%27%20or%201=1', undefined, 400, 'sid'],
  [
    'a SID of the wrong kind in a filter',
    'GET',
    `/reservations?taskSid=${worker.sid}`,
    undefined,
    400,
    'taskSid',
  ],
  ['a SID of the wrong kind for an action', 'POST', `/reservations/${worker.sid}/accept`, {}, 400, 'sid'],
  [
    'an activity that does not exist',
    'POST',
    '/workers',
    { friendlyName: 'X', activitySid: `WA${zeros}` },
    400,
    'activitySid',
  ],
  ['a worker that does not exist', 'GET', `/workers/WK${zeros}`, undefined, 404, null],
  ['a task that does not exist', 'POST', `/tasks/WT${zeros}/complete`, { reason: 'x' }, 404, null],
  [
    'a number out of range',
    'POST',
    '/queues',
    { friendlyName: 'Q', maxReservedWorkers: 51 },
    400,
    'maxReservedWorkers',
  ],
  ['a page too large', 'GET', '/workers?pageSize=100000', undefined, 400, 'pageSize'],
  ['a cursor that nobody gave', 'GET', '/workers?cursor=AAAA', undefined, 400, 'cursor'],
  ['no such path', 'GET', '/nothing', undefined, 404, null],
  ['a method that the path has not', 'PUT', '/workers', {}, 405, null],
];

suite.test('each bad request is refused, stores nothing and ends no process', async () => {
  const before = await suite.counts();
  const pids = suite.pids();
  const wrong = [];
  for (const [what, method, path, body, status, field] of CASES()) {
    const reply = await suite.api.call(method, path, body);
    try {
      assertProblem(reply, status, field, what);
    } catch (error) {
      wrong.push(error.message.split('\n')[0]);
    }
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(await suite.counts(), before, 'nothing is stored');
  assert.deepEqual(suite.pids(), pids, 'nobody died');
  suite.assertLogsAreClean();
});

suite.test('a body that is not called JSON is refused with 415', async () => {
  const reply = await suite.api.call('POST', '/workers', '{"friendlyName": "X"}', {
    headers: { 'content-type': 'text/plain' },
  });
  assertProblem(reply, 415, null, 'text/plain');
});

suite.test('a body far over the limit is refused before it is sent, or while it is', async () => {
  const pids = suite.pids();
  const body = `{"attributes": {"a": "${'x'.repeat(3_000_000)}"}}`;
  const asked = await suite.api.call('POST', '/tasks', body, { headers: { expect: '100-continue' } });
  assertProblem(asked, 413, null, 'with Expect: 100-continue');
  // Who goes on sending what nobody reads may miss the answer, but gets no other.
  const reply = await suite.api.call('POST', '/tasks', body).catch((error) => error);
  if (reply instanceof Error) assert.match(reply.code, /^(EPIPE|ECONNRESET)$/);
  else assertProblem(reply, 413, null, 'without');
  assert.deepEqual((await suite.api.get('/tasks')).items, []);
  assert.deepEqual(suite.pids(), pids);
});

suite.test('a stale version is refused with 412, and says so by If-Match', async () => {
  const made = await suite.api.post('/workers', { friendlyName: 'Versioned' });
  const patch = (friendlyName, ifMatch) =>
    suite.api.call(
      'PATCH',
      `/workers/${made.sid}`,
      { friendlyName },
      { headers: ifMatch ? { 'if-match': ifMatch } : {} },
    );
  const ok = await patch('Versioned 2', `"${made.version}"`);
  assert.equal(ok.status, 200, ok.text);
  assert.equal(ok.body.version, made.version + 1);
  assertProblem(await patch('Versioned 3', `"${made.version}"`), 412, null, 'stale If-Match');
  assertProblem(
    await suite.api.call('DELETE', `/workers/${made.sid}`, undefined, {
      headers: { 'if-match': `"${made.version}"` },
    }),
    412,
    null,
    'stale delete',
  );
  assertProblem(await patch('Versioned 4', 'what?'), 400, null, 'If-Match that is none');
  assert.equal((await suite.api.get(`/workers/${made.sid}`)).friendlyName, 'Versioned 2');
  assert.equal((await patch('Versioned 5')).status, 200);
});

suite.test('an unknown, a missing and a revoked token are refused with 401', async () => {
  const before = await suite.counts();
  const asWho = (token) => suite.api.with({ token });
  for (const [what, api] of [
    ['unknown', asWho(`tr_${'0'.repeat(48)}`)],
    ['none', asWho(undefined)],
    ['empty', asWho('')],
    ['long', asWho('x'.repeat(3000))],
    ['the service token', asWho(suite.serviceToken)],
  ]) {
    for (const [method, path, body] of [
      ['GET', '/workers', undefined],
      ['POST', '/tasks', { attributes: {} }],
    ]) {
      const reply = await api.call(method, path, body);
      assertProblem(reply, 401, null, `${what}: ${method} ${path}`);
      assert.match(reply.headers['www-authenticate'] ?? '', /Bearer/, what);
    }
    api.close();
  }
  assert.deepEqual(await suite.counts(), before);

  const made = await suite.api.post('/tokens', { friendlyName: 'Short-lived', role: 'admin' });
  const api = asWho(made.secret);
  await api.get('/workers');
  assert.equal((await suite.api.call('DELETE', `/tokens/${made.token.sid}`)).status, 204);
  const reply = await until('the token is refused', async () => {
    const answer = await api.call('GET', '/workers');
    return answer.status !== 200 && answer;
  });
  assertProblem(reply, 401, null, 'revoked');
  api.close();
});

suite.test('a role that may not is refused with 403, whatever it asks', async () => {
  const made = await suite.api.post('/tokens', { friendlyName: 'Viewer', role: 'viewer' });
  const viewer = suite.api.with({ token: made.secret });
  suite.onClose(() => viewer.close());
  const before = await suite.counts();
  for (const [method, path, body] of [
    ['POST', '/workers', { friendlyName: 'X' }],
    ['POST', '/tasks', { attributes: {} }],
    ['DELETE', `/workers/${worker.sid}`],
    ['PATCH', `/workers/${worker.sid}`, { friendlyName: 'X' }],
    ['GET', '/tokens'],
    ['POST', '/tokens', { friendlyName: 'T', role: 'admin' }],
    ['DELETE', `/workspaces/${suite.workspace}`],
  ]) {
    assertProblem(await viewer.call(method, path, body), 403, null, `${method} ${path}`);
  }
  assert.equal((await viewer.call('GET', '/workers')).status, 200);
  assert.deepEqual(await suite.counts(), before);
});

suite.test('what is no HTTP does not disturb anybody', async () => {
  const net = await import('node:net');
  const { hostname, port } = new URL(suite.url);
  const pids = suite.pids();
  for (const text of [
    '\x16\x03\x01\x00\xa5\x01\x00',
    'GET\r\n\r\n',
    `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(3000)}\r\n`,
    'POST /api/taskrouter/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    `GET /${'x'.repeat(70000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  ]) {
    await new Promise((resolve) => {
      const socket = net.connect(Number(port), hostname, () => socket.end(text, 'latin1'));
      socket.on('error', resolve);
      socket.on('close', resolve);
      socket.resume();
      // Half a request may be waited for; nobody here waits with it.
      socket.setTimeout(1000, () => socket.destroy());
    });
  }
  assert.equal((await request(`${suite.url}/healthz`)).status, 200);
  assert.deepEqual(suite.pids(), pids);
  suite.assertLogsAreClean();
});
