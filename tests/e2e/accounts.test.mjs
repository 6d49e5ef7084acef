// Several accounts on one installation: each sees its own, and its callbacks are signed with its own auth token.
import assert from 'node:assert/strict';
import http from 'node:http';
import { createHmac, randomBytes } from 'node:crypto';
import { bearer, call, discover } from './lib/grpc.mjs';
import { request } from './lib/http.mjs';
import { useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';

const suite = useSuite({
  environment: {
    TASKROUTER_SECRET_KEY: randomBytes(32).toString('hex'),
    TASKROUTER_CALLBACK_ALLOW_PRIVATE: 'true',
    TASKROUTER_CALLBACK_BACKOFF: '100ms',
  },
});

const PREFIX = '/api/taskrouter';

// X-Twilio-Signature as an application checks it.
function signatureOf(token, url, params) {
  const text = [...params].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => name + value);
  return createHmac('sha1', token)
    .update(url + text.join(''))
    .digest('base64');
}

async function startReceiver() {
  const heard = [];
  const server = http.createServer(async (req, res) => {
    let text = '';
    for await (const chunk of req) text += chunk;
    const url = `http://${req.headers.host}${req.url}`;
    const params = new URLSearchParams(text);
    heard.push({ url, params, signature: req.headers['x-twilio-signature'] });
    res.writeHead(204).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  suite.onClose(() => server.close());
  return { heard, url: (path) => `http://127.0.0.1:${server.address().port}${path}` };
}

// Requests with Basic credentials of one account or key.
function client(user, password) {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return async (method, path, body, headers = {}) =>
    request(suite.url + PREFIX + path, { method, body, headers: { authorization, ...headers } });
}

async function newAccount(friendlyName) {
  const made = await suite.api.post('/accounts', { friendlyName });
  return { sid: made.account.sid, token: made.authToken, call: client(made.account.sid, made.authToken) };
}

// A workspace in which a task waits in its only queue.
async function newWorkspace(account, name, callbackUrl) {
  const make = async (path, body, headers) => {
    const made = await account.call('POST', path, body, headers);
    assert.equal(made.status, 201, made.text);
    return made.body.sid;
  };
  const sid = await make('/workspaces', { friendlyName: name, eventCallbackUrl: callbackUrl });
  const headers = { 'x-workspace-sid': sid };
  const queue = await make('/queues', { friendlyName: 'Queue', targetWorkers: '1==1' }, headers);
  const configuration = { task_routing: { filters: [], default_filter: { queue } } };
  await make('/workflows', { friendlyName: 'Workflow', configuration }, headers);
  return sid;
}

async function newTask(account, workspace) {
  const made = await account.call('POST', '/tasks', { attributes: {} }, { 'x-workspace-sid': workspace });
  assert.equal(made.status, 201, made.text);
  return made.body.sid;
}

suite.test("each account's callbacks are signed with its own auth token, before and after it moves", async () => {
  const receiver = await startReceiver();
  const accounts = [await newAccount('One'), await newAccount('Two')];
  for (const [i, account] of accounts.entries()) {
    account.path = `/callbacks/${i}`;
    account.workspace = await newWorkspace(account, `Workspace ${i}`, receiver.url(account.path));
  }
  const heardOf = (account, task) =>
    receiver.heard.find((r) => r.url.endsWith(account.path) && r.params.get('TaskSid') === task);
  for (const account of accounts) {
    const task = await newTask(account, account.workspace);
    const heard = await until('the callback comes', () => heardOf(account, task));
    assert.equal(heard.params.get('AccountSid'), account.sid);
    assert.equal(heard.signature, signatureOf(account.token, heard.url, heard.params));
  }

  const [one] = accounts;
  const path = `/accounts/${one.sid}/secondary-auth-token`;
  const second = (await one.call('POST', path, {})).body.authToken;
  await client(one.sid, second)('POST', `${path}/promote`, {});
  one.call = client(one.sid, second);
  await until('the new auth token signs', async () => {
    const task = await newTask(one, one.workspace);
    const heard = await until('the callback comes', () => heardOf(one, task));
    const signed = [one.token, second].map((token) => signatureOf(token, heard.url, heard.params));
    assert.ok(signed.includes(heard.signature), 'one of the two signs at any time');
    return heard.signature === signed[1];
  }, { timeoutMs: 60000, everyMs: 500 });
});

suite.test('callbacks wait for the gateway rather than go unsigned', async () => {
  const receiver = await startReceiver();
  const account = await newAccount('Three');
  const workspace = await newWorkspace(account, 'Workspace', receiver.url('/'));
  const key = (await account.call('POST', '/keys', { friendlyName: 'its key' })).body;
  const byKey = client(key.key.sid, key.secret);
  const seen = await byKey('GET', '/workspaces');
  assert.deepEqual(seen.body.items.map((w) => w.sid), [workspace]);
  await suite.restart('tasks'); // which then has never asked about this account
  await suite.kill('gateway');
  const router = await discover(suite.grpc.tasks);
  suite.onClose(() => router.close());
  const made = await call(
    router.clients['taskrouter.tasks.v1.Tasks'],
    'CreateTask',
    { workspace_sid: workspace, attributes: '{}' },
    bearer(suite.serviceToken, { 'x-tr-role': 'admin', 'x-tr-account': account.sid }),
  );
  await until('it was tried', async () => {
    const [row] = await suite.sql(
      'select count(*)::int as n from tasks.callback where task_sid = $1 and next_attempt_at > created_at',
      [made.sid],
    );
    return row.n > 0;
  });
  assert.equal(receiver.heard.filter((r) => r.params.get('TaskSid') === made.sid).length, 0);
  suite.startService('gateway');
  const heard = await until(
    'the callback comes',
    () => receiver.heard.find((r) => r.params.get('TaskSid') === made.sid),
    { timeoutMs: 60000 },
  );
  assert.equal(heard.signature, signatureOf(account.token, heard.url, heard.params));
  await suite.allReady();
});
