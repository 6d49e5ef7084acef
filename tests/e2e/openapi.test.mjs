// The OpenAPI document is a valid one, and what it says is so.
import assert from 'node:assert/strict';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Validator } from '@seriousme/openapi-schema-validator';
import { request } from './lib/http.mjs';
import { useSuite } from './lib/suite.mjs';

const suite = useSuite({ seed: true, prepare });
const METHODS = ['get', 'post', 'patch', 'put', 'delete'];
let document;
let worker;
let unknownPath; // the problem document of a path that is not there

async function prepare() {
  document = (await request(`${suite.url}/api/openapi.json`)).body;
  worker = await suite.worker('Described');
  unknownPath = (await suite.api.call('GET', '/no-such-collection')).body;
}

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, operation: item[method] })),
  );

// Checks a value against a schema of the document.
let ajv;
function validate(pointer, value, what) {
  if (!ajv) {
    ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(ajv);
    ajv.addSchema(document, 'document');
  }
  const check = ajv.getSchema(`document#${pointer}`);
  assert.ok(check, `${what}: no schema at ${pointer}`);
  assert.ok(check(value), `${what}: ${ajv.errorsText(check.errors)}\n${JSON.stringify(value).slice(0, 600)}`);
}

const escape = (part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));

// The reply to a call, checked against what the document says about its status.
async function checked(method, path, url, body) {
  const reply = await suite.api.call(method.toUpperCase(), url, body);
  const { responses } = document.paths[path][method];
  const key = responses[reply.status] ? String(reply.status) : 'default';
  assert.ok(responses[key], `${method} ${path} answers ${reply.status}, which is not described`);
  if (reply.text === '') return reply;
  let pointer = `/paths/${escape(path)}/${method}/responses/${key}`;
  let response = responses[key];
  if (response.$ref) {
    pointer = response.$ref.slice(1);
    response = pointer
      .slice(1)
      .split('/')
      .reduce((at, name) => at[name], document);
  }
  const type = reply.headers['content-type'].split(';')[0];
  assert.ok(response.content?.[type], `${method} ${path} ${reply.status}: ${type} is not described`);
  validate(`${pointer}/content/${escape(type)}/schema`, reply.body, `${method} ${path} ${reply.status}`);
  return reply;
}

suite.test('the document is a valid OpenAPI 3.1 description, open to all', async () => {
  const reply = await request(`${suite.url}/api/openapi.json`);
  assert.equal(reply.status, 200);
  assert.match(reply.headers['content-type'], /^application\/(openapi\+|vnd\.oai\.openapi\+)?json/);
  assert.match(reply.body.openapi, /^3\.1\.\d+$/);
  const result = await new Validator().validate(structuredClone(reply.body));
  assert.ok(result.valid, JSON.stringify(result.errors)?.slice(0, 3000));
});

suite.test('each operation has an id of its own, a summary, and its path parameters', () => {
  const ids = operations().map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length, 'ids are unique');
  assert.ok(operations().length >= 45, `${operations().length} operations`);
  for (const { path, method, operation } of operations()) {
    assert.ok(operation.operationId && operation.summary, `${method} ${path}`);
    const wanted = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
    const parameters = [...(document.paths[path].parameters ?? []), ...(operation.parameters ?? [])].map(
      (p) => (p.$ref ? document.components.parameters[p.$ref.split('/').pop()] : p),
    );
    assert.deepEqual(
      parameters
        .filter((p) => p.in === 'path')
        .map((p) => p.name)
        .sort(),
      wanted,
      `${method} ${path}`,
    );
  }
});

suite.test('every route of the issue is described', () => {
  for (const collection of [
    'workspaces',
    'activities',
    'workers',
    'queues',
    'workflows',
    'tasks',
    'reservations',
    'events',
  ]) {
    const path = `/api/taskrouter/${collection}`;
    assert.ok(document.paths[path]?.get, `GET ${path}`);
    if (!['reservations', 'events'].includes(collection))
      assert.ok(document.paths[path]?.post, `POST ${path}`);
  }
  for (const [path, method] of [
    ['/api/taskrouter/stream', 'get'],
    ['/api/taskrouter/tasks/{sid}/complete', 'post'],
    ['/api/taskrouter/reservations/{sid}/accept', 'post'],
    ['/api/taskrouter/reservations/{sid}/reject', 'post'],
  ]) {
    assert.ok(document.paths[path]?.[method], `${method} ${path}`);
  }
});

suite.test('every described operation is there, and answers a bad request as described', async () => {
  const before = await suite.counts();
  for (const { path, method, operation } of operations()) {
    if (path.endsWith('/stream')) {
      const stream = await suite.stream();
      assert.equal(stream.status, 200);
      stream.close();
      continue;
    }
    // No such thing exists and no such body is taken, so that nothing changes.
    const url = path.replace(/\{\w+\}/g, 'x');
    const reply = await checked(
      method,
      path,
      url,
      ['post', 'patch', 'put'].includes(method) ? { noSuchField: 1 } : undefined,
    );
    assert.notEqual(reply.status, 405, `${method} ${path}`);
    assert.ok(reply.status < 500, `${method} ${path}: ${reply.status} ${reply.text}`);
    // The router's own answer to an unknown path names no resource.
    if (reply.status === 404)
      assert.notEqual(reply.body.reason, unknownPath.reason, `${method} ${path}: ${reply.text}`);
  }
  assert.deepEqual(await suite.counts(), before);
});

suite.test('what is not described is not there', async () => {
  const reply = await suite.api.call('GET', '/no-such-collection');
  assert.equal(reply.status, 404);
  const put = await suite.api.call('PUT', '/workers', {});
  assert.equal(put.status, 405);
  assert.match(put.headers.allow ?? '', /GET/);
});

suite.test('replies are as their schemas say', async () => {
  const api = '/api/taskrouter';
  const one = async (collection, sid) =>
    checked('get', `${api}/${collection}/{sid}`, `/${collection}/${sid}`);
  for (const collection of [
    'workspaces',
    'activities',
    'workers',
    'queues',
    'channels',
    'workflows',
    'tokens',
    'users',
    'tasks',
    'reservations',
    'events',
  ]) {
    const reply = await checked('get', `${api}/${collection}`, `/${collection}`);
    assert.equal(reply.status, 200, reply.text);
    assert.ok(Array.isArray(reply.body.items));
  }
  await one('workspaces', suite.workspace);
  await one('activities', suite.activities.Available);
  await one('workers', worker.sid);
  await one('queues', suite.queues['Default Queue']);
  await one('workflows', suite.workflow);

  const created = await checked('post', `${api}/tasks`, '/tasks', { attributes: { department: 'permits' } });
  assert.equal(created.status, 201);
  const offer = await suite.offerOf(created.body.sid);
  await one('reservations', offer.sid);
  assert.equal(
    (await checked('post', `${api}/reservations/{sid}/accept`, `/reservations/${offer.sid}/accept`, {}))
      .status,
    200,
  );
  assert.equal(
    (
      await checked('post', `${api}/tasks/{sid}/complete`, `/tasks/${created.body.sid}/complete`, {
        reason: 'x',
      })
    ).status,
    200,
  );
  await one('tasks', created.body.sid);
  const events = await checked('get', `${api}/events`, `/events?taskSid=${created.body.sid}`);
  await one('events', events.body.items[0].sid);
  assert.equal(
    (await checked('patch', `${api}/workers/{sid}`, `/workers/${worker.sid}`, { friendlyName: 'Renamed' }))
      .status,
    200,
  );
  assert.equal(
    (await checked('post', `${api}/activities`, '/activities', { friendlyName: 'Lunch', available: false }))
      .status,
    201,
  );
  assert.equal((await checked('get', `${api}/workers/{sid}`, `/workers/WK${'0'.repeat(32)}`)).status, 404);
});
