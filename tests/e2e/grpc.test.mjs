// An independent gRPC client explores and calls every service, knowing nothing but reflection.
import assert from 'node:assert/strict';
import {
  bearer,
  call,
  callUnknown,
  discover,
  errorDetail,
  explore,
  failure,
  metadata,
  richStatus,
  status,
} from './lib/grpc.mjs';
import { PROGRAMS, SERVICES, useSuite } from './lib/suite.mjs';

const MAIN = {
  workers: 'taskrouter.workers.v1.Workers',
  queues: 'taskrouter.queues.v1.Queues',
  routing: 'taskrouter.routing.v1.Routing',
  tasks: 'taskrouter.tasks.v1.Tasks',
  sync: 'taskrouter.sync.v1.Sync',
  gateway: 'taskrouter.directory.v1.Directory',
};

const suite = useSuite({ prepare });
const found = {}; // short name -> what discover() gives
const client = (name) => found[name].clients[MAIN[name]];
const admin = () => bearer(suite.token);
let workspace = ''; // of the tests below

async function prepare() {
  for (const name of SERVICES) found[name] = await discover(suite.grpc[name]);
  suite.onClose(() => Object.values(found).forEach((f) => f.close()));
  workspace = (await call(client('workers'), 'CreateWorkspace', { friendly_name: 'Explored' }, admin())).sid;
}

suite.test('every service lists its services by reflection, in both versions', async () => {
  for (const name of SERVICES) {
    for (const version of ['v1', 'v1alpha']) {
      const { services, files, unknown } = await explore(suite.grpc[name], version);
      for (const wanted of [
        MAIN[name],
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
      ]) {
        assert.ok(services.includes(wanted), `${PROGRAMS[name]} does not list ${wanted} (${version})`);
      }
      assert.ok(files.size >= 2, `${PROGRAMS[name]} has descriptors`);
      assert.equal(unknown.errorResponse.errorCode, status.NOT_FOUND);
    }
  }
});

suite.test('every service says SERVING to Check and to Watch', async () => {
  for (const name of SERVICES) {
    const health = found[name].clients['grpc.health.v1.Health'];
    for (const service of ['', MAIN[name]]) {
      assert.equal(
        (await call(health, 'Check', { service })).status,
        'SERVING',
        `${PROGRAMS[name]} "${service}"`,
      );
    }
    assert.equal(
      (await failure(call(health, 'Check', { service: 'no.such.Service' }))).code,
      status.NOT_FOUND,
    );
    const first = await new Promise((resolve, reject) => {
      const watch = health.Watch({ service: MAIN[name] }, metadata({}), { deadline: Date.now() + 10000 });
      watch.on('error', reject); // after the cancel nobody listens to the promise any more
      watch.once('data', (reply) => {
        resolve(reply.status);
        watch.cancel();
      });
    });
    assert.equal(first, 'SERVING');
  }
});

suite.test('a worker that was created is read back as it was', async () => {
  const activities = await call(client('workers'), 'ListActivities', { workspace_sid: workspace }, admin());
  const activity = activities.items[0];
  const attributes = '{"skills":["permits","utilities"],"department":"permits"}';
  const made = await call(
    client('workers'),
    'CreateWorker',
    { workspace_sid: workspace, friendly_name: 'John Doe', attributes, activity_sid: activity.sid },
    admin(),
  );
  assert.match(made.sid, /^WK[0-9a-f]{32}$/);
  assert.equal(made.version, 1);
  const read = await call(
    client('workers'),
    'GetWorker',
    { workspace_sid: workspace, sid: made.sid },
    admin(),
  );
  assert.deepEqual(read, made);
  assert.equal(read.friendly_name, 'John Doe');
  assert.equal(read.account_sid, suite.accountSid);
  assert.equal(read.activity_sid, activity.sid);
  assert.deepEqual(JSON.parse(read.attributes), JSON.parse(attributes));
});

suite.test('one call of each service succeeds with an API token', async () => {
  const ws = { workspace_sid: workspace };
  const queue = await call(
    client('queues'),
    'CreateTaskQueue',
    { ...ws, friendly_name: 'Default Queue' },
    admin(),
  );
  assert.equal(queue.target_workers, '1==1');
  const configuration = JSON.stringify({
    task_routing: { filters: [], default_filter: { queue: queue.sid } },
  });
  const workflow = await call(
    client('routing'),
    'CreateWorkflow',
    { ...ws, friendly_name: 'Default', configuration },
    admin(),
  );
  assert.match(workflow.sid, /^WW[0-9a-f]{32}$/);
  const route = await call(client('routing'), 'Route', { ...ws, attributes: '{}' }, admin());
  assert.equal(route.filter_index, -1);
  assert.equal(route.targets[0].queue_sid, queue.sid);
  const task = await call(
    client('tasks'),
    'CreateTask',
    { ...ws, attributes: '{"department":"permits"}' },
    admin(),
  );
  assert.match(task.sid, /^WT[0-9a-f]{32}$/);
  assert.deepEqual(
    (await call(client('tasks'), 'GetTask', { ...ws, sid: task.sid }, admin())).attributes,
    task.attributes,
  );
  assert.deepEqual((await call(client('sync'), 'ListRuns', ws, admin())).items, []);
  const tokens = await call(client('gateway'), 'ListTokens', {}, admin());
  assert.ok(Array.isArray(tokens.items));
});

suite.test('a deadline that cannot be met ends with DEADLINE_EXCEEDED', async () => {
  for (const name of SERVICES) {
    const [method] = Object.keys(found[name].definition[MAIN[name]]).filter((m) => m.startsWith('List'));
    for (const timeoutMs of [-1, 0]) {
      const error = await failure(
        call(client(name), method, { workspace_sid: workspace }, admin(), timeoutMs),
      );
      assert.equal(error.code, status.DEADLINE_EXCEEDED, `${PROGRAMS[name]} ${method}`);
    }
  }
  // Sent, and judged by the server: the database answers too late.
  const locker = await suite.lock('workers.worker');
  try {
    const begin = Date.now();
    const error = await failure(
      call(
        client('workers'),
        'CreateWorker',
        { workspace_sid: workspace, friendly_name: 'Late' },
        admin(),
        300,
      ),
    );
    assert.equal(error.code, status.DEADLINE_EXCEEDED);
    assert.ok(Date.now() - begin < 3000);
  } finally {
    await locker.release();
  }
  const late = await call(
    client('workers'),
    'ListWorkers',
    { workspace_sid: workspace, friendly_name: 'Late' },
    admin(),
  );
  assert.deepEqual(late.items, [], 'what was given up is not stored');
});

suite.test('a bad field ends with INVALID_ARGUMENT and names the field', async () => {
  const ws = { workspace_sid: workspace };
  const cases = [
    ['workers', 'CreateWorker', { ...ws, friendly_name: '' }, 'friendly_name'],
    ['workers', 'CreateWorker', { ...ws, friendly_name: 'X', attributes: '{"a":' }, 'attributes'],
    [
      'workers',
      'CreateWorker',
      { ...ws, friendly_name: 'X', attributes: JSON.stringify({ a: 'x'.repeat(4096) }) },
      'attributes',
    ],
    [
      'workers',
      'CreateWorker',
      { ...ws, friendly_name: 'X', activity_sid: `WQ${'0'.repeat(32)}` },
      'activity_sid',
    ],
    ['workers', 'GetWorker', { ...ws, sid: 'WK12' }, 'sid'],
    [
      'queues',
      'CreateTaskQueue',
      { ...ws, friendly_name: 'Q', target_workers: 'skills HAS' },
      'target_workers',
    ],
    [
      'queues',
      'CreateTaskQueue',
      { ...ws, friendly_name: 'Q', max_reserved_workers: 51 },
      'max_reserved_workers',
    ],
    [
      'routing',
      'CreateWorkflow',
      { ...ws, friendly_name: 'W', configuration: '{"task_routing":{"filters":7}}' },
      'configuration',
    ],
    ['tasks', 'CreateTask', { ...ws, attributes: '[]' }, 'attributes'],
    ['tasks', 'GetTask', { ...ws, sid: `WK${'0'.repeat(32)}` }, 'sid'],
    ['sync', 'GetRun', { ...ws, sid: 'x' }, 'sid'],
    ['gateway', 'CreateToken', { friendly_name: 'T', role: 'emperor' }, 'role'],
  ];
  const before = await suite.counts();
  for (const [name, method, request, field] of cases) {
    const error = await failure(call(client(name), method, request, admin()));
    const what = `${PROGRAMS[name]} ${method} ${field}`;
    assert.equal(error.code, status.INVALID_ARGUMENT, `${what}: ${error.message}`);
    assert.equal(richStatus(error).code, status.INVALID_ARGUMENT, what);
    assert.equal(richStatus(error).message, error.details, what);
    const detail = errorDetail(found[name], error);
    assert.equal(detail.field.split('.')[0], field, what);
    assert.match(detail.reason, /^[A-Z][A-Z0-9_]+$/, what);
    assert.ok(detail.request_id, what);
  }
  assert.deepEqual(await suite.counts(), before, 'nothing is stored');
});

suite.test('without a token, or with one that nobody has made, the code is UNAUTHENTICATED', async () => {
  for (const name of SERVICES) {
    const [method] = Object.keys(found[name].definition[MAIN[name]]).filter((m) => m.startsWith('List'));
    for (const md of [
      metadata({}),
      bearer(`tr_${'0'.repeat(48)}`),
      bearer('x'),
      metadata({ authorization: 'Basic eDp5' }),
      metadata({
        'x-tr-role': 'admin',
        'x-tr-account': suite.accountSid,
        'x-tr-actor': `US${'0'.repeat(32)}`,
      }),
    ]) {
      const error = await failure(call(client(name), method, { workspace_sid: workspace }, md));
      assert.equal(error.code, status.UNAUTHENTICATED, `${PROGRAMS[name]} ${method}: ${error.message}`);
    }
  }
});

suite.test('an API token cannot pass for a service or for somebody else', async () => {
  const made = await call(
    client('gateway'),
    'CreateToken',
    { friendly_name: 'Viewer', role: 'viewer' },
    admin(),
  );
  const viewer = { 'x-tr-role': 'admin', 'x-tr-account': suite.accountSid };
  const write = { workspace_sid: workspace, friendly_name: 'Not by a viewer' };
  for (const [name, method] of [
    ['workers', 'CreateWorker'],
    ['queues', 'CreateTaskQueue'],
  ]) {
    const error = await failure(call(client(name), method, write, bearer(made.secret, viewer)));
    assert.equal(error.code, status.PERMISSION_DENIED, `${PROGRAMS[name]} ${method}`);
  }
  assert.ok(
    (await call(client('workers'), 'ListWorkers', { workspace_sid: workspace }, bearer(made.secret))).items
      .length > 0,
  );
  // Needs the service token.
  const authenticate = await failure(
    call(client('gateway'), 'Authenticate', { token: made.secret }, admin()),
  );
  assert.ok([status.PERMISSION_DENIED, status.UNAUTHENTICATED].includes(authenticate.code));
});

suite.test('what is not there ends with NOT_FOUND, a method that is not with UNIMPLEMENTED', async () => {
  const ws = { workspace_sid: workspace };
  const no = (prefix) => prefix + 'f'.repeat(32);
  const cases = [
    ['workers', 'GetWorker', { ...ws, sid: no('WK') }],
    ['workers', 'GetWorker', { workspace_sid: no('WS'), sid: no('WK') }],
    ['queues', 'GetTaskQueue', { ...ws, sid: no('WQ') }],
    ['routing', 'GetWorkflow', { ...ws, sid: no('WW') }],
    ['tasks', 'GetTask', { ...ws, sid: no('WT') }],
    ['tasks', 'AcceptReservation', { ...ws, sid: no('WR') }],
    ['sync', 'GetRun', { ...ws, sid: no('SY') }],
    ['gateway', 'RevokeToken', { sid: no('TK') }],
  ];
  for (const [name, method, request] of cases) {
    const error = await failure(call(client(name), method, request, admin()));
    assert.equal(error.code, status.NOT_FOUND, `${PROGRAMS[name]} ${method}: ${error.message}`);
  }
  for (const name of SERVICES) {
    for (const path of [`/${MAIN[name]}/NoSuchMethod`, '/no.such.Service/Get']) {
      assert.equal(
        (await failure(callUnknown(suite.grpc[name], path, admin()))).code,
        status.UNIMPLEMENTED,
        path,
      );
    }
  }
});

suite.test(
  'a stale version ends with ABORTED, and the idempotency key gives the first reply again',
  async () => {
    const ws = { workspace_sid: workspace };
    const key = { idempotency_key: 'e2e-once' };
    const once = await call(
      client('workers'),
      'CreateWorker',
      { ...ws, friendly_name: 'Once', ...key },
      admin(),
    );
    const again = await call(
      client('workers'),
      'CreateWorker',
      { ...ws, friendly_name: 'Once', ...key },
      admin(),
    );
    assert.equal(again.sid, once.sid);
    const update = (friendly_name, expected_version) =>
      call(
        client('workers'),
        'UpdateWorker',
        {
          worker: { ...ws, sid: once.sid, friendly_name },
          update_mask: { paths: ['friendly_name'] },
          expected_version,
        },
        admin(),
      );
    assert.equal((await update('Twice', 1)).version, 2);
    assert.equal((await failure(update('Thrice', 1))).code, status.ABORTED);
  },
);
