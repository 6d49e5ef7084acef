// Every service answers its operators, and the guide's figures move with the work.
import assert from 'node:assert/strict';
import { PROGRAMS, SERVICES, useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';

const suite = useSuite({ seed: true });

// Prometheus text: { "name{labels}": value } and the names with their types.
function parse(text) {
  const samples = {};
  const types = {};
  for (const line of text.split('\n')) {
    if (line.startsWith('# TYPE ')) {
      const [, , name, type] = line.split(' ');
      assert.equal(types[name], undefined, `${name} is declared once`);
      types[name] = type;
    } else if (line !== '' && !line.startsWith('#')) {
      const [, key, value] = /^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      assert.ok(
        key !== undefined && !Number.isNaN(Number(value.replace('+Inf', 'Infinity'))),
        `no sample: ${line}`,
      );
      assert.equal(samples[key], undefined, `${key} comes once`);
      samples[key] = Number(value.replace('+Inf', 'Infinity'));
    }
  }
  return { samples, types };
}

async function metrics(name) {
  const reply = await suite.probe(name, '/metrics');
  assert.equal(reply.status, 200);
  assert.match(reply.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  return parse(reply.text);
}

// The sum of a metric over all its labels.
const sum = ({ samples }, name) =>
  Object.entries(samples).reduce(
    (total, [key, value]) => (key === name || key.startsWith(`${name}{`) ? total + value : total),
    0,
  );

suite.test('/healthz, /readyz and /metrics answer on every service', async () => {
  for (const name of SERVICES) {
    for (const path of ['/healthz', '/readyz']) {
      assert.equal((await suite.probe(name, path)).status, 200, `${PROGRAMS[name]} ${path}`);
    }
    const { types } = await metrics(name);
    for (const wanted of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'taskrouter_build_info',
      'taskrouter_rpc_server_calls_total',
      'taskrouter_rpc_server_duration_seconds',
      'taskrouter_sql_duration_seconds',
      'taskrouter_db_connections_open',
      'taskrouter_bus_connected',
      'taskrouter_http_requests_total',
    ]) {
      assert.ok(types[wanted] !== undefined, `${PROGRAMS[name]} has ${wanted}`);
    }
  }
});

suite.test("the guide's figures move with a journey", async () => {
  const before = await metrics('tasks');
  const worker = await suite.worker('Measured');
  const task = await suite.api.post('/tasks', { attributes: { department: 'permits' } });
  const offer = await suite.offerOf(task.sid);
  const during = await metrics('tasks');
  await suite.api.post(`/reservations/${offer.sid}/accept`, {});
  await suite.api.post(`/tasks/${task.sid}/complete`, { reason: 'done' });
  const after = await metrics('tasks');
  for (const name of [
    'taskrouter_tasks_created_total',
    'taskrouter_tasks_completed_total',
    'taskrouter_queue_wait_seconds_count',
  ]) {
    assert.equal(sum(after, name) - sum(before, name), 1, name);
  }
  assert.equal(
    sum(during, 'taskrouter_tasks_created_total') - sum(before, 'taskrouter_tasks_created_total'),
    1,
  );

  // Gauges are refreshed in their own time.
  const gauge = async (name) => sum(await metrics('tasks'), name);
  await until('one worker is available', async () => (await gauge('taskrouter_workers_available')) === 1, {
    timeoutMs: 30000,
  });
  await suite.api.must('PATCH', `/workers/${worker.sid}`, { activitySid: suite.activities.Break });
  await until('none is available', async () => (await gauge('taskrouter_workers_available')) === 0, {
    timeoutMs: 30000,
  });
});

suite.test('rate, errors and duration are counted per route and per RPC', async () => {
  const before = { gateway: await metrics('gateway'), workers: await metrics('workers') };
  await suite.api.get('/workers');
  await suite.api.call('GET', '/workers/x');
  const after = { gateway: await metrics('gateway'), workers: await metrics('workers') };
  const grown = (name, key) => {
    const a = before[name].samples;
    const b = after[name].samples;
    return Object.keys(b).filter((k) => k.startsWith(key) && b[k] > (a[k] ?? 0));
  };
  const routes = grown('gateway', 'taskrouter_http_requests_total{');
  assert.ok(
    routes.some((k) => k.includes('"/api/taskrouter/workers"')),
    routes.join(' '),
  );
  assert.ok(
    routes.some((k) => k.includes('"/api/taskrouter/workers/{sid}"') && k.includes('4xx')),
    routes.join(' '),
  );
  assert.ok(grown('gateway', 'taskrouter_http_request_duration_seconds_count{').length > 0);
  const calls = grown('workers', 'taskrouter_rpc_server_calls_total{');
  assert.ok(
    calls.some((k) => k.includes('ListWorkers')),
    calls.join(' '),
  );
  assert.ok(grown('workers', 'taskrouter_rpc_server_duration_seconds_count{').length > 0);
  assert.ok(grown('workers', 'taskrouter_sql_duration_seconds_count{').length > 0);
});
