// The guide's three example rules, as bootstrap types them in: at the edges of the hours, in three time
// zones and on both daylight-saving days; the dry run's trace; a draft compared over 500 stored tasks.
import assert from 'node:assert/strict';
import { command } from './lib/command.mjs';
import { bearer, call, discover } from './lib/grpc.mjs';
import { useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';

const suite = useSuite({ prepare });
const queueName = {}; // SID to name
const rules = {}; // name to the rule
let client;

const TASKS = 500;
const MOVED = 14; // of these, those that the draft sends elsewhere
const EMERGENCY = 'task.attributes.keywords contains "emergency"';
const VIP = 'task.attributes.customer_type == "vip"';
const AFTER_HOURS = 'time.hour < 8 OR time.hour > 18';

// A phone line in each zone, with a schedule of its own.
const LINES = {
  'America/New_York': '+12125550100',
  'Europe/Berlin': '+493055501000',
  'Asia/Kolkata': '+912255501000',
};

const rpc = (method, body) => call(client, method, { workspace_sid: suite.workspace, ...body }, bearer(suite.token));
const timestamp = (text) => ({ seconds: Date.parse(text) / 1000, nanos: 0 });
const facts = ({ attributes = {}, line = '', at = '', text = '' }) => ({
  workspace_sid: suite.workspace,
  attributes: JSON.stringify(attributes),
  called_phone: line,
  text,
  ...(at && { at: timestamp(at) }),
});
const dryRun = async (task, more = {}) =>
  call(client, 'DryRun', { task: facts(task), ...more }, bearer(suite.token), 60000);
const noon = '2026-06-10T16:00:00Z'; // in New York

async function prepare() {
  const made = await command(suite, ['bootstrap', '--example-rules']);
  assert.equal(made.code, 0, made.stderr);
  suite.workspace = /TWILIO_WORKSPACE_SID=(\S+)/.exec(made.stdout)[1];
  suite.api.workspace = suite.workspace;
  for (const queue of await suite.api.list('/queues')) queueName[queue.sid] = queue.friendlyName;
  for (const rule of await suite.api.list('/rules')) rules[rule.name] = rule;
  const found = await discover(suite.grpc.routing);
  suite.onClose(found.close);
  client = found.clients['taskrouter.routing.v1.Rules'];
  const hours = { isOpen: true, timeSlots: [{ start: '08:00', end: '18:00' }] };
  const weeklySchedule = Object.fromEntries(
    ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'].map((day) => [day, hours]),
  );
  for (const [timeZone, line] of Object.entries(LINES))
    await suite.api.post('/hours', { name: timeZone, timeZone, weeklySchedule, phoneNumbers: [line] });
}

suite.test('the three rules are typed in as the guide writes them', async () => {
  assert.deepEqual(
    Object.values(rules).map((rule) => [rule.name, rule.condition, queueName[rule.actions[0].target]]),
    [
      ['Emergency Keywords', EMERGENCY, 'Emergency Queue'],
      ['VIP Customers', VIP, 'Support Queue'],
      ['After Hours', AFTER_HOURS, 'Voicemail Queue'],
    ],
  );
  const again = await command(suite, ['bootstrap', '--example-rules']);
  assert.doesNotMatch(again.stderr, /^(created|updated)/m);
});

// Where a decision sends a task, "" for nowhere.
const decided = async (task) => {
  const decision = await rpc('Decide', facts(task));
  return [queueName[decision.task_queue_sid] ?? '', decision._priority ? decision.priority : null];
};

suite.test('each decides as it says', async () => {
  const line = LINES['America/New_York'];
  for (const [attributes, want] of [
    [{ keywords: ['gas', 'emergency'] }, ['Emergency Queue', 100]],
    [{ customer_type: 'vip' }, ['Support Queue', 75]],
    [{ customer_type: 'vip', keywords: ['emergency'] }, ['Emergency Queue', 100]],
    [{ customer_type: 'builder', keywords: ['permit'] }, ['', null]],
    [{}, ['', null]],
  ])
    assert.deepEqual(await decided({ attributes, line, at: noon }), want, JSON.stringify(attributes));
  assert.deepEqual(await decided({ line, at: noon, text: 'This is an EMERGENCY!' }), ['Emergency Queue', 100]);
});

// Local times of each zone, and how far it is from UTC then: an ordinary day and both on which clocks change.
const DAYS = [
  ['America/New_York', '2026-06-10', '-04:00'],
  ['America/New_York', '2026-03-08', '-04:00'],
  ['America/New_York', '2026-11-01', '-05:00'],
  ['Europe/Berlin', '2026-06-10', '+02:00'],
  ['Europe/Berlin', '2026-03-29', '+02:00'],
  ['Europe/Berlin', '2026-10-25', '+01:00'],
  ['Asia/Kolkata', '2026-03-29', '+05:30'],
];

suite.test('after hours begin and end at the hour, in every zone and on both days of change', async () => {
  for (const [zone, date, offset] of DAYS)
    for (const [time, isClosed] of [
      ['07:59:59', true],
      ['08:00:00', false],
      ['18:59:59', false],
      ['19:00:00', true],
    ]) {
      const [queue] = await decided({ line: LINES[zone], at: `${date}T${time}${offset}` });
      assert.equal(queue, isClosed ? 'Voicemail Queue' : '', `${zone} ${date} ${time}`);
    }
});

// The clause of a rule's trace that says so.
const clause = (route, name, text) => {
  const rule = route.rules.find((r) => r.name === name);
  return rule.clauses.find((c) => c.text.includes(text) && c.left !== '');
};

suite.test('the night of a change has the hours that its clocks show', async () => {
  for (const [zone, at, hour] of [
    ['America/New_York', '2026-03-08T06:59:59Z', 1],
    ['America/New_York', '2026-03-08T07:00:00Z', 3], // 02:00 is left out
    ['America/New_York', '2026-11-01T05:59:59Z', 1],
    ['America/New_York', '2026-11-01T06:00:00Z', 1], // and comes again
    ['Europe/Berlin', '2026-03-29T01:00:00Z', 3],
    ['Europe/Berlin', '2026-10-25T01:00:00Z', 2],
  ]) {
    const { stored } = await dryRun({ line: LINES[zone], at });
    assert.equal(clause(stored, 'After Hours', 'time.hour <').left, String(hour), `${zone} ${at}`);
  }
});

suite.test('the dry run says what every rule saw, what was done, and who would get it', async () => {
  const activities = await suite.api.list('/activities');
  const worker = await suite.api.post('/workers', {
    friendlyName: 'ada',
    activitySid: activities.find((activity) => activity.friendlyName === 'Available').sid,
  });
  const before = await rpc('GetRule', { sid: rules['VIP Customers'].sid });
  const task = { attributes: { customer_type: 'vip' }, line: LINES['America/New_York'], at: noon };
  const { stored, draft } = await until('the worker is seen', async () => {
    const reply = await dryRun(task);
    return reply.stored.workers.some((candidate) => candidate.worker_sid === worker.sid) && reply;
  });
  assert.deepEqual(
    stored.workers.map((candidate) => [candidate.friendly_name, candidate.obstacle]),
    [['ada', '']],
  );
  assert.equal(draft, null);
  assert.deepEqual(
    stored.rules.map((rule) => [rule.name, rule.outcome]),
    [
      ['Emergency Keywords', 'RULE_OUTCOME_NOT_MATCHED'],
      ['VIP Customers', 'RULE_OUTCOME_MATCHED'],
      ['After Hours', 'RULE_OUTCOME_NOT_REACHED'],
    ],
  );
  const seen = clause(stored, 'VIP Customers', 'customer_type');
  assert.deepEqual([seen.left, seen.right, seen.is_true], ['"vip"', '"vip"', true]);
  assert.equal(stored.rules[1].actions[0].type, 'RULE_ACTION_TYPE_ROUTE_TO_QUEUE');
  assert.equal(stored.task_queue_name, 'Support Queue');
  assert.equal(stored.decision.priority, 75);
  // It changes nothing, not even the counters.
  const after = await rpc('GetRule', { sid: rules['VIP Customers'].sid });
  assert.equal(after.match_count, before.match_count);
});

suite.test('a draft stands beside what is stored', async () => {
  const billing = Object.keys(queueName).find((sid) => queueName[sid] === 'Billing Queue');
  const task = { attributes: { customer_type: 'vip' }, line: LINES['America/New_York'], at: noon };
  const drafts = [
    {
      sid: rules['VIP Customers'].sid,
      name: 'VIP Customers',
      priority: 75,
      enabled: true,
      condition: VIP,
      actions: [{ type: 'RULE_ACTION_TYPE_ROUTE_TO_QUEUE', target: billing }],
    },
  ];
  const { stored, draft } = await dryRun(task, { drafts });
  assert.equal(stored.task_queue_name, 'Support Queue');
  assert.equal(draft.task_queue_name, 'Billing Queue');
});

suite.test('tasks created by API go where rules say, and say why', async () => {
  const task = await suite.api.post('/tasks', { attributes: { keywords: ['emergency'] } });
  assert.equal(task.taskQueueName, 'Emergency Queue');
  assert.equal(task.priority, 100);
  const why = await suite.api.get(`/tasks/${task.sid}/explain`);
  assert.deepEqual(
    why.rules.map((rule) => [rule.name, rule.version, rule.actions[0].type, rule.actions[0].targetName]),
    [['Emergency Keywords', 1, 'route_to_queue', 'Emergency Queue']],
  );
  const own = await suite.api.post('/tasks', { attributes: { customer_type: 'vip' }, priority: 5 });
  assert.deepEqual([own.taskQueueName, own.priority], ['Support Queue', 5]);
  // Who names a destination is not asked.
  const [workflow] = await suite.api.list('/workflows');
  const named = await suite.api.post('/tasks', {
    attributes: { keywords: ['emergency'] },
    workflowSid: workflow.sid,
  });
  assert.equal(named.taskQueueName, 'Default Queue');
  assert.deepEqual((await suite.api.get(`/tasks/${named.sid}/explain`)).rules, []);
});

suite.test('a rule that is switched off has no say in the next task, and while nobody can ask', async () => {
  const path = `/rules/${rules['Emergency Keywords'].sid}`;
  const create = () => suite.api.post('/tasks', { attributes: { keywords: ['emergency'], customer_type: 'vip' } });
  await suite.api.must('PATCH', path, { enabled: false });
  assert.equal((await create()).taskQueueName, 'Support Queue');
  await suite.api.must('PATCH', path, { enabled: true });
  assert.equal((await create()).taskQueueName, 'Emergency Queue');
  await suite.kill('routing');
  assert.equal((await create()).taskQueueName, 'Default Queue');
  const metrics = await suite.probe('tasks', '/metrics');
  assert.match(metrics.text, /taskrouter_rules_asked_total\{outcome="away"\} [1-9]/);
  suite.startService('routing');
  await suite.ready('routing');
  await until('rules are asked again', async () => (await create()).taskQueueName === 'Emergency Queue');
});

suite.test('a draft is compared over the newest tasks', async () => {
  const [workflow] = await suite.api.list('/workflows');
  const one = (i) =>
    suite.api.post('/tasks', {
      attributes: i % Math.floor(TASKS / MOVED) === 0 && i < MOVED * Math.floor(TASKS / MOVED)
        ? { project: 'harbour', n: i }
        : { project: 'hill', n: i },
      workflowSid: workflow.sid,
    });
  for (let i = 0; i < TASKS; i += 25) await Promise.all(Array.from({ length: 25 }, (_, k) => one(i + k)));
  const billing = Object.keys(queueName).find((sid) => queueName[sid] === 'Billing Queue');
  const reply = await call(
    client,
    'CompareRules',
    {
      workspace_sid: suite.workspace,
      task_count: TASKS,
      drafts: [
        {
          name: 'Harbour',
          priority: 200,
          enabled: true,
          condition: 'task.attributes.project == "harbour"',
          actions: [{ type: 'RULE_ACTION_TYPE_ROUTE_TO_QUEUE', target: billing }],
        },
      ],
    },
    bearer(suite.token),
    60000,
  );
  assert.equal(reply.compared, TASKS);
  assert.equal(reply.elsewhere, MOVED);
  assert.match(reply.summary, /14/);
  assert.equal(reply.differences.length, MOVED);
  for (const difference of reply.differences) {
    assert.equal(difference.draft.task_queue_name, 'Billing Queue');
    assert.deepEqual(difference.draft.rule_names, ['Harbour']);
    assert.notEqual(difference.stored.task_queue_name, 'Billing Queue');
  }
});
