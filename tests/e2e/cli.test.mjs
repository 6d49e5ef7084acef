// The command `taskrouter` with a suite that routes itself: bootstrap, export, plan, apply, drift, messages.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { command } from './lib/command.mjs';
import { request } from './lib/http.mjs';
import { useSuite } from './lib/suite.mjs';

const suite = useSuite({ prepare });
const NAME = 'KIN Communications Platform';
let lines; // what bootstrap printed: name to SID

const run = (args, options) => command(suite, args, options);
const ok = async (args, options) => {
  const done = await run(args, options);
  assert.equal(done.code, 0, `${args.join(' ')}: ${done.code}\n${done.stdout}${done.stderr}`);
  return done;
};
const file = (name, text) => {
  fs.writeFileSync(path.join(suite.dir, name), text);
  return name;
};
const parseLines = (text) =>
  Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split('=')),
  );
const countOf = (text, word) => text.split('\n').filter((line) => line.startsWith(word)).length;

async function prepare() {
  const made = await run(['bootstrap']);
  assert.equal(made.code, 0, made.stderr);
  lines = parseLines(made.stdout);
  suite.workspace = lines.TWILIO_WORKSPACE_SID;
  suite.api.workspace = suite.workspace;
  const all = await suite.api.list('/activities');
  suite.activities = Object.fromEntries(all.map((activity) => [activity.friendlyName, activity.sid]));
  assert.equal(countOf(made.stderr, 'created'), 10, made.stderr); // workspace, 8 queues, workflow
  assert.equal(countOf(made.stderr, 'unchanged'), 4, made.stderr); // the activities came with the workspace
}

suite.test('bootstrap makes what the guide asks for', async () => {
  const [activities, queues, workflows] = await Promise.all(
    ['/activities', '/queues', '/workflows'].map((list) => suite.api.list(list)),
  );
  assert.deepEqual(Object.fromEntries(activities.map((a) => [a.friendlyName, a.available])), {
    Available: true,
    Unavailable: false,
    Offline: false,
    Break: false,
  });
  assert.equal(queues.length, 8);
  for (const queue of queues) {
    assert.equal(queue.targetWorkers, '1==1');
    assert.equal(queue.maxReservedWorkers, 1);
    assert.equal(queue.taskOrder, 'FIFO');
    const variable = `TWILIO_${queue.friendlyName.split(' ')[0].toUpperCase()}_TASK_QUEUE_SID`;
    assert.equal(lines[variable], queue.sid, variable);
  }
  assert.equal(workflows.length, 1);
  assert.equal(lines.TWILIO_WORKFLOW_SID, workflows[0].sid);
  const { filters, default_filter: otherwise } = workflows[0].configuration.task_routing;
  // The guide's filters, each with the caller's own coordinator first.
  const coordinator = { expression: 'worker.sid == task.preferred_worker_sid', timeout: 30, skip_if: '1 == 1' };
  const rows = [
    ["task.department == 'permits'", 'PERMITS', 50],
    ["task.department == 'utilities'", 'UTILITIES', 50],
    ["task.department == 'emergency'", 'EMERGENCY', 100],
    ["task.type == 'voicemail'", 'VOICEMAIL'],
    ['task.preferred_worker_sid != null', 'DEFAULT'],
  ];
  assert.deepEqual(
    filters.map((f) => [f.expression, f.targets]),
    rows.map(([expression, name, priority]) => {
      const target = { queue: lines[`TWILIO_${name}_TASK_QUEUE_SID`], ...(priority && { priority }) };
      return [expression, [{ ...target, ...coordinator }, target]];
    }),
  );
  assert.equal(otherwise.queue, lines.TWILIO_DEFAULT_TASK_QUEUE_SID);
});

suite.test('bootstrap again changes nothing, and mends what differs only', async () => {
  const before = await suite.api.list('/queues');
  const again = await ok(['bootstrap']);
  assert.deepEqual(parseLines(again.stdout), lines);
  assert.equal(countOf(again.stderr, 'unchanged'), 13, again.stderr);
  assert.equal(countOf(again.stderr, 'created') + countOf(again.stderr, 'updated'), 0);
  assert.deepEqual(await suite.api.list('/queues'), before);

  await suite.api.must('PATCH', `/queues/${lines.TWILIO_BILLING_TASK_QUEUE_SID}`, { maxReservedWorkers: 5 });
  const mended = await ok(['bootstrap', '--public-url', 'https://example.com/']);
  assert.match(mended.stderr, /^updated +queue "Billing Queue"$/m);
  assert.match(mended.stderr, /^updated +workflow "Default Workflow"$/m);
  assert.match(mended.stderr, /^updated +workspace$/m);
  assert.equal(countOf(mended.stderr, 'unchanged'), 11, mended.stderr);
  const workspace = await suite.api.get(`/workspaces/${suite.workspace}`);
  assert.equal(workspace.eventCallbackUrl, 'https://example.com/api/webhooks/taskrouter');
  const workflow = await suite.api.get(`/workflows/${lines.TWILIO_WORKFLOW_SID}`);
  assert.equal(workflow.assignmentCallbackUrl, 'https://example.com/api/webhooks/assignment');
  await suite.api.must('PATCH', `/workspaces/${suite.workspace}`, { eventCallbackUrl: '' });
  // Nobody answers there, and a reservation whose callback failed is canceled.
  await suite.api.must('PATCH', `/workflows/${lines.TWILIO_WORKFLOW_SID}`, { assignmentCallbackUrl: '' });
});

suite.test('bootstrap --env changes its own lines of the file and no other', async () => {
  const name = file(
    'kin.env',
    '# mine\nA=1\nTWILIO_WORKFLOW_SID=old\nexport TWILIO_WORKSPACE_SID="x" # why\nB=2',
  );
  fs.chmodSync(path.join(suite.dir, name), 0o640);
  await ok(['bootstrap', '--env', name]);
  const text = fs.readFileSync(path.join(suite.dir, name), 'utf8');
  assert.ok(text.startsWith(`# mine\nA=1\nTWILIO_WORKFLOW_SID=${lines.TWILIO_WORKFLOW_SID}\n`), text);
  assert.ok(text.includes(`\nexport TWILIO_WORKSPACE_SID=${suite.workspace}\nB=2\n`), text);
  assert.ok(text.includes(`\nTWILIO_SUPPORT_TASK_QUEUE_SID=${lines.TWILIO_SUPPORT_TASK_QUEUE_SID}\n`), text);
  assert.equal(fs.statSync(path.join(suite.dir, name)).mode & 0o777, 0o640);
  await ok(['bootstrap', '--env', name]);
  assert.equal(fs.readFileSync(path.join(suite.dir, name), 'utf8'), text);
});

suite.test('what is exported plans to nothing', async () => {
  const { stdout } = await ok(['export']);
  assert.match(stdout, /^# The configuration/);
  assert.match(stdout, /queue: Permits Queue/);
  assert.ok(!/\b(WQ|WA|WW|TC|WS)[0-9a-f]{32}\b/.test(stdout), 'no SIDs');
  const plan = await ok(['plan', file('same.yaml', stdout)]);
  assert.match(plan.stdout, /No changes/);
  assert.match((await ok(['plan', '-'], { input: stdout })).stdout, /No changes/);
  assert.match((await ok(['drift', 'same.yaml'])).stdout, /No drift/);
  assert.match((await ok(['apply', 'same.yaml'])).stdout, /No changes/);
  assert.equal((await ok(['export'])).stdout, stdout);
});

suite.test('a file makes another workspace the same, and its names travel', async () => {
  const { stdout } = await ok(['export']);
  const twin = await suite.api.post('/workspaces', { friendlyName: 'Twin' });
  const text = stdout.replace(`name: ${NAME}`, 'name: Twin').replaceAll('Permits', 'Genehmigungen "ü"\\: 1');
  const name = file(
    'twin.yaml',
    text
      .replace(/^- name: Genehmigungen.*$/gm, `- name: 'Genehmigungen "ü"\\: 1 Queue'`)
      .replace(/queue: Genehmigungen.*$/gm, `queue: 'Genehmigungen "ü"\\: 1 Queue'`),
  );
  const planned = await run(['plan', name, '--workspace', 'Twin', '--delete', '--json']);
  assert.equal(planned.code, 2, planned.stderr);
  const { changes } = JSON.parse(planned.stdout);
  assert.deepEqual(
    changes
      .filter((c) => c.action === 'create')
      .map((c) => c.kind)
      .sort(),
    ['activity', ...Array(8).fill('queue'), 'workflow'],
  );
  const refused = await run(['apply', name, '--workspace', 'Twin', '--delete']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /nothing was changed: say --yes/);
  const applied = await ok(['apply', name, '--workspace', twin.sid, '--delete', '--yes']);
  assert.match(applied.stdout, /created queue "Genehmigungen "ü"\\: 1 Queue"/);
  assert.match((await ok(['plan', name, '--workspace', 'Twin'])).stdout, /No changes/);
  const again = await ok(['export', '--workspace', 'Twin']);
  assert.match(
    (await ok(['plan', file('twin2.yaml', again.stdout), '--workspace', 'Twin'])).stdout,
    /No changes/,
  );
  await suite.api.with({ workspace: undefined }).must('DELETE', `/workspaces/${twin.sid}`);
});

suite.test('a plan says what would change, and which waiting tasks would move', async () => {
  for (const department of ['permits', 'permits', 'billing', 'utilities'])
    await suite.api.post('/tasks', { workflowSid: lines.TWILIO_WORKFLOW_SID, attributes: { department } });
  const { stdout } = await ok(['export']);
  const changed = stdout
    .replace("task.department == 'permits'", "task.department IN ['permits', 'billing']")
    .replaceAll('queue: Permits Queue', 'queue: Billing Queue')
    .replace(/(- name: Support Queue\n {2}target_workers: )1==1/, '$1skills HAS "support"');
  const plan = await run(['plan', file('changed.yaml', changed)]);
  assert.equal(plan.code, 2, plan.stderr);
  assert.match(plan.stdout, /~ workflow "Default Workflow"/);
  assert.match(
    plan.stdout,
    /configuration\.task_routing\.filters\[0\]\.targets\[0\]\.queue: "Permits Queue" -> "Billing Queue"/,
  );
  assert.match(plan.stdout, /waiting tasks: 3 of 4 would be routed elsewhere/);
  assert.match(
    plan.stdout,
    /WT[0-9a-f]{32}: Permits Queue \(filter permits\) -> Billing Queue \(filter permits\)/,
  );
  assert.match(plan.stdout, /~ queue "Support Queue"\n.*target_workers: "1==1" -> "skills HAS/);
  assert.match(plan.stdout, /workers that match: 0 -> 0/);
  assert.match(plan.stdout, /Plan: 0 to create, 2 to change, 0 to delete/);
  const drift = await run(['drift', 'changed.yaml']);
  assert.equal(drift.code, 2);
  assert.match(drift.stdout, /Drift: 0 missing, 2 different, 0 not in the file/);
  await ok(['apply', 'changed.yaml', '--yes', '--re-evaluate']);
  assert.match((await ok(['plan', 'changed.yaml'])).stdout, /No changes/);
  await ok(['apply', file('back.yaml', stdout), '--yes']);
});

suite.test('renaming by sid renames, and what a file lacks is kept unless it prunes', async () => {
  const { stdout } = await ok(['export', '--sids']);
  const renamed = file('renamed.yaml', stdout.replaceAll('Billing Queue', 'Money Queue'));
  const plan = await run(['plan', renamed, '--json']);
  assert.equal(plan.code, 2, plan.stderr);
  assert.deepEqual(
    JSON.parse(plan.stdout).changes.map((c) => [c.action, c.kind, c.differences]),
    [['change', 'queue', [{ field: 'name', old: 'Billing Queue', new: 'Money Queue' }]]],
  );
  await ok(['apply', renamed, '--yes']);
  const few =
    'queues:\n- name: Default Queue\n- name: Permits Queue\n- name: Utilities Queue\n- name: Emergency Queue\n- name: Voicemail Queue\n';
  const kept = await ok(['plan', file('few.yaml', few)]);
  assert.match(kept.stdout, /not in the file, and kept .*queue "Money Queue"/);
  const pruned = await run(['plan', file('prune.yaml', `prune: true\n${few}`)]);
  assert.equal(pruned.code, 2);
  assert.match(pruned.stdout, /Plan: 0 to create, 0 to change, 3 to delete/);
  assert.match(pruned.stdout, /waiting tasks: 3 in this queue; complete or cancel them first/);
  const blocked = await run(['apply', 'prune.yaml', '--yes']);
  assert.equal(blocked.code, 1);
  assert.match(blocked.stderr, /queue "Money Queue": .*complete or cancel them first/);
  for (const task of await suite.api.list('/tasks')) await suite.api.post(`/tasks/${task.sid}/cancel`, {});
  await ok(['apply', 'prune.yaml', '--yes']);
  assert.equal((await suite.api.list('/queues')).length, 5);
  await ok(['bootstrap']);
});

suite.test(
  'a failure in the middle says what is done and what is not, and applying again does the rest',
  async () => {
    const text = (limit) =>
      `queues:\n- name: First\n- name: Second\n  max_reserved_workers: ${limit}\n- name: Third\n`;
    const failed = await run(['apply', file('middle.yaml', text(99)), '--yes']);
    assert.equal(failed.code, 1);
    assert.match(failed.stdout, /created queue "First" \(1 of 3\)/);
    assert.match(failed.stderr, /queue "Second": .*maxReservedWorkers/);
    assert.match(failed.stderr, /1 of 3 steps are done and stay done/);
    assert.match(failed.stderr, /not done: queue "Third"/);
    const rest = await ok(['apply', file('middle.yaml', text(9)), '--yes']);
    assert.match(rest.stdout, /Applied: 2 changes/);
  },
);

suite.test(
  'what somebody else changes meanwhile is planned again, and is not overwritten unseen',
  async () => {
    // A road to the gateway on which the first PATCH meets a queue that has just been changed.
    let changes = 0;
    const road = http.createServer(async (req, res) => {
      if (req.method === 'PATCH' && changes++ === 0)
        await suite.api.must('PATCH', req.url, { maxReservedWorkers: 7, taskOrder: 'LIFO' });
      const chunks = [];
      for await (const chunk of req) chunks.push(chunk);
      const { host, ...headers } = req.headers;
      const reply = await request(suite.url + req.url, {
        method: req.method,
        headers,
        body: chunks.length > 0 ? Buffer.concat(chunks) : undefined,
      });
      res.writeHead(reply.status, { 'content-type': reply.headers['content-type'] ?? 'text/plain' });
      res.end(reply.text);
    });
    await new Promise((resolve) => road.listen(0, '127.0.0.1', resolve));
    const environment = { TASKROUTER_URL: `http://127.0.0.1:${road.address().port}` };
    file('a.yaml', 'queues:\n- name: First\n  task_order: LIFO\n- name: Third\n  task_order: LIFO\n');
    const done = await ok(['apply', 'a.yaml', '--yes'], { environment });
    road.close();
    assert.match(done.stderr, /somebody changed the workspace meanwhile; planning again/);
    const queues = Object.fromEntries((await suite.api.list('/queues')).map((q) => [q.friendlyName, q]));
    assert.equal(queues.First.maxReservedWorkers, 7);
    assert.equal(queues.Third.taskOrder, 'LIFO');
    assert.match((await ok(['plan', 'a.yaml'])).stdout, /No changes/);
  },
);

suite.test('a caller goes to his own coordinator first, if that one is free', async () => {
  const work = (friendlyName) => suite.worker(friendlyName);
  const [other, own] = [await work('colleague'), await work('coordinator')];
  const create = (attributes) => suite.api.post('/tasks', { workflowSid: lines.TWILIO_WORKFLOW_SID, attributes });
  // The router knows whom it was told to ask.
  for (const { sid } of [other, own]) {
    const asked = await suite.api.post('/tasks', { routingTarget: sid });
    await suite.offerOf(asked.sid);
    await suite.api.post(`/tasks/${asked.sid}/cancel`, {});
  }
  const attributes = { department: 'permits', preferred_worker_sid: own.sid };
  const made = [await create(attributes), await create(attributes)];
  for (const [task, worker] of [
    [made[0], own],
    [made[1], other], // he is busy: the department, at once
  ]) {
    assert.equal((await suite.offerOf(task.sid)).workerSid, worker.sid);
    assert.equal((await suite.api.get(`/tasks/${task.sid}`)).priority, 50);
  }
  for (const task of made) await suite.api.post(`/tasks/${task.sid}/cancel`, {});
  const second = await create({ preferred_worker_sid: own.sid });
  const offer = await suite.offerOf(second.sid);
  assert.equal(offer.workerSid, own.sid);
  await suite.api.post(`/reservations/${offer.sid}/reject`, {});
  await suite.api.post(`/tasks/${second.sid}/cancel`, {});
  for (const worker of [other, own]) await suite.api.must('DELETE', `/workers/${worker.sid}`);
});

const RULES = `
keywords:
- phrases: [leak, gas leak]
  department: utilities
  priority: urgent
  confidence: 0.9
rules:
- name: Leaks
  priority: 90
  condition: task.attributes.keywords contains "leak"
  valid_from: 2026-12-01T00:00:00+01:00
  labels: [safety]
  actions:
  - route_to_queue: Utilities Queue
    priority: 80
  - add_attributes: {urgent: true, floors: [1, 2.5]}
  - continue: true
- name: Late
  priority: 10
  condition: time.hour > 18
  actions:
  - route_to_workflow: Default Workflow
  - voicemail: Please speak.
`;

suite.test('rules and keywords travel by name, and plan to nothing', async () => {
  await ok(['apply', file('rules.yaml', RULES), '--yes']);
  assert.match((await ok(['plan', 'rules.yaml'])).stdout, /No changes/);
  const { stdout } = await ok(['export']);
  assert.ok(!/\b(WQ|WA|WW|TC|WS|RR|BH|KY)[0-9a-f]{32}\b/.test(stdout), 'no SIDs');
  assert.match(stdout, /- route_to_queue: Utilities Queue\n +priority: 80\n/);
  assert.match(stdout, /valid_from: '?"?2026-11-30T23:00:00Z/);
  assert.match((await ok(['plan', file('rules2.yaml', stdout)])).stdout, /No changes/);
  const changed = stdout.replace('priority: 80', 'priority: 85');
  const drift = await run(['drift', file('rules3.yaml', changed)]);
  assert.equal(drift.code, 2, drift.stderr);
  assert.match(drift.stdout, /~ rule "Leaks"\n.*actions\[0\]\.priority: 80 -> 85/);
  await ok(['apply', 'rules3.yaml', '--yes']);
  const pruned = await ok(['apply', file('rules4.yaml', 'prune: true\nkeywords: []\nrules: []\n'), '--yes']);
  assert.match(pruned.stdout, /deleted rule "Leaks"/);
  assert.deepEqual(await suite.api.list('/rules'), []);
});

const HOURS = `
hours:
- name: Office
  time_zone: America/New_York
  default: true
  weekly: {monday: ["08:00-12:00", "13:00-18:00"], friday: 08:00-15:00, sunday: []}
  holidays: [{date: 2026-12-25, name: Christmas}, {date: 2026-12-24, name: Christmas Eve, hours: 08:00-12:00}]
  special: [{name: Summer, from: 2026-07-01, until: 2026-08-31, weekly: {monday: 09:00-15:00}}]
- name: Permits
  weekly: {monday: 09:00-17:00}
  queues: [Permits Queue]
  phone_numbers: ["+12125550100"]
`;

suite.test('business hours travel by name, and plan to nothing', async () => {
  await ok(['apply', file('hours.yaml', HOURS), '--yes']);
  assert.match((await ok(['plan', 'hours.yaml'])).stdout, /No changes/);
  const { stdout } = await ok(['export']);
  assert.match((await ok(['plan', file('hours2.yaml', stdout)])).stdout, /No changes/);
  const drift = await run(['drift', file('hours3.yaml', stdout.replace('08:00-15:00', '08:00-16:00'))]);
  assert.equal(drift.code, 2, drift.stderr);
  assert.match(drift.stdout, /~ schedule "Office"\n.*weekly\.friday\[0\]: "08:00-15:00" -> "08:00-16:00"/);
  // The default goes over to another one, and what is not listed goes.
  const other = 'prune: true\nhours: [{name: Other, default: true, weekly: {monday: 09:00-17:00}}]\n';
  const pruned = await ok(['apply', file('hours4.yaml', other), '--yes']);
  assert.match(pruned.stdout, /deleted schedule "Office"/);
  assert.deepEqual(
    (await suite.api.list('/hours')).map((h) => [h.name, h.isDefault]),
    [['Other', true]],
  );
  await ok(['apply', file('hours5.yaml', 'prune: true\nhours: []\n'), '--yes']);
});

suite.test('a wrong file gets one line that names its line', async () => {
  const rows = [
    [
      'queues:\n- name: A\n  colour: red\n',
      /line 3: "colour" is not known in a queue; known: name, target_workers/,
    ],
    ['queues:\n- name: A\n- name: A\n', /line 3: the queue "A" is there twice, first in line 2/],
    ['queues:\n- target_workers: 1==1\n', /line 2: a queue needs a name/],
    [
      'queues:\n- name: A\n  max_reserved_workers: many\n',
      /line 3: max_reserved_workers must be a whole number, not a text/,
    ],
    ['queues:\n- name: A\n  task_order: RANDOM\n', /line 3: task_order must be FIFO or LIFO/],
    ['queues:\n- name: A\n  reservation_activity: Nap\n', /line 3: there is no activity "Nap"/],
    [
      'activities:\n- name: Available\n  available: false\n',
      /line 2: available of the activity "Available" cannot be changed/,
    ],
    ['version: 2\n', /line 1: version must be 1/],
    ['rules:\n- name: A\n  actions:\n  - route_to_queue: Nowhere\n', /line 4: there is no queue "Nowhere"/],
    ['rules:\n- name: A\n  actions:\n  - fly: true\n', /line 4: there is no such action; an action is a map/],
    ['hours:\n- name: A\n  weekly: {monday: [late]}\n', /line 3: hours are a list of times such as/],
    ['- a\n', /line 1: the file must be a map of sections, not a list/],
    ['a: &x 1\nb: *x\n', /line 1: anchors and aliases/],
    ['a: 1\na: 2\n', /line 2: the key "a" is there twice/],
    ['queues: [\n', /line \d: this is not YAML/],
    [
      'workflows:\n- name: W\n  configuration:\n    task_routing:\n      default_filter:\n        queue: Nowhere\n',
      /line 6: there is no queue "Nowhere"/,
    ],
    [
      'workflows:\n- name: W\n  configuration:\n    task_routing:\n      filters:\n      - expression: "task.x =="\n        targets:\n        - queue: Default Queue\n',
      /line 2: the configuration of the workflow "W" is not valid: task_routing\.filters\[0\]\.expression/,
    ],
  ];
  for (const [text, message] of rows) {
    const plan = await run(['plan', file('wrong.yaml', text)]);
    assert.equal(plan.code, 1, text);
    assert.match(plan.stderr, message);
    assert.match(plan.stderr, /^taskrouter: wrong\.yaml: line/);
    assert.equal(plan.stderr.trim().split('\n').length, 1, plan.stderr);
    assert.equal(plan.stdout, '');
  }
});

suite.test('messages say what to do next', async () => {
  const rows = [
    [['plan'], {}, 3, /FILE is missing; taskrouter plan --help/],
    [['fly'], {}, 3, /there is no command "fly"/],
    [['sync', '--queue'], {}, 3, /--queue is not an option here/],
    [['sync', '--all', '--queues'], {}, 3, /--all is every kind/],
    [['plan', 'none.yaml'], {}, 1, /none\.yaml cannot be read: there is no such file/],
    [['export', '--workspace', 'Nothing'], {}, 1, /there is no workspace "Nothing"; there are: "KIN/],
    [
      ['export', '--workspace', `WS${'0'.repeat(32)}`],
      {},
      1,
      /set TWILIO_WORKSPACE_SID to it and run taskrouter sync --all/,
    ],
    [['export'], { TASKROUTER_TOKEN: undefined }, 1, /TASKROUTER_TOKEN is missing/],
    [
      ['export'],
      { TASKROUTER_TOKEN: 'tr_nobody-knows-this-token-0123456789' },
      1,
      /TASKROUTER_TOKEN is not accepted/,
    ],
    [['export'], { TASKROUTER_TOKEN: 'a b' }, 1, /TASKROUTER_TOKEN has blanks/],
    [
      ['export'],
      { TASKROUTER_URL: 'http://127.0.0.1:9' },
      1,
      /the gateway does not answer at http:\/\/127\.0\.0\.1:9 .*TASKROUTER_URL/,
    ],
    [
      ['export'],
      { TASKROUTER_URL: `http://${suite.ops.workers.slice(7)}` },
      1,
      /does not know this request: set TASKROUTER_URL to the gateway/,
    ],
    [['drift'], {}, 3, /name a FILE/],
    [['link', 'Nobody', 'x@y.z'], {}, 1, /there is no worker "Nobody"/],
  ];
  for (const [args, environment, code, message] of rows) {
    const done = await run(args, { environment });
    assert.equal(done.code, code, `${args.join(' ')}: ${done.stderr}`);
    assert.match(done.stderr, message);
  }
  for (const name of [
    'check',
    'bootstrap',
    'sync',
    'export',
    'plan',
    'apply',
    'drift',
    'link',
    'unlink',
    'links',
  ]) {
    const help = await ok([name, '--help'], { environment: { TASKROUTER_TOKEN: undefined } });
    assert.match(help.stdout, new RegExp(`^taskrouter ${name}`));
    assert.ok(
      help.stdout.split('\n').every((line) => line.length <= 110),
      help.stdout,
    );
  }
});

suite.test('settings are read from .env and .run/env', async () => {
  const none = { TASKROUTER_TOKEN: undefined, TASKROUTER_URL: undefined };
  fs.mkdirSync(path.join(suite.dir, '.run'));
  file(
    '.run/env',
    `export TASKROUTER_URL=${suite.url}\nexport TASKROUTER_TOKEN=tr_wrong-token-of-run-env-0123456789\n`,
  );
  file('.env', `TASKROUTER_TOKEN=${suite.token}\n`);
  await ok(['export'], { environment: none });
  fs.rmSync(path.join(suite.dir, '.env'));
  const wrong = await run(['export'], { environment: none });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /not accepted/);
  fs.rmSync(path.join(suite.dir, '.run'), { recursive: true });
});

suite.test('a viewer may export and plan, not apply', async () => {
  const { secret } = await suite.api.post('/tokens', { friendlyName: 'reader', role: 'viewer' });
  const environment = { TASKROUTER_TOKEN: secret };
  await ok(['export'], { environment });
  const refused = await run(['apply', file('new.yaml', 'queues:\n- name: Not for viewers\n'), '--yes'], {
    environment,
  });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /TASKROUTER_TOKEN may not do this .*higher role/);
});

suite.test('a worker is linked to a user by names, and unlinked', async () => {
  const worker = await suite.worker('Jane "J" Doe');
  const other = await suite.worker('Other');
  const user = await suite.api.post('/users', { email: 'Jane@Example.com', name: 'Jane', role: 'agent' });
  const linked = await ok(['link', 'Jane "J" Doe', 'jane@example.COM']);
  assert.equal(linked.stdout, `${worker.sid} is ${user.sid} now\n`);
  assert.equal((await suite.api.get(`/workers/${worker.sid}`)).userSid, user.sid);
  const refused = await run(['link', other.sid, user.sid]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /--replace ends the links that stand in the way/);
  await ok(['link', other.sid, user.sid, '--replace']);
  assert.equal((await suite.api.get(`/workers/${worker.sid}`)).userSid, '');
  await ok(['unlink', 'Other']);
  assert.equal((await suite.api.get(`/workers/${other.sid}`)).userSid, '');
  const nobody = await run(['link', 'Other', 'nobody@example.com']);
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /there is no user "nobody@example.com"; name an e-mail address/);
});

suite.test('check names what is to mend', async () => {
  const fresh = parseLines((await ok(['bootstrap'])).stdout);
  const environment = {
    ...fresh,
    TWILIO_PERMITS_TASK_QUEUE_SID: 'WQ1',
    TWILIO_BILLING_TASK_QUEUE_SID: undefined,
  };
  environment.TWILIO_UTILITIES_TASK_QUEUE_SID = `WQ${'0'.repeat(32)}`;
  const done = await run(['check', '--workspace', NAME], { environment });
  assert.equal(done.code, 1, done.stderr);
  assert.match(done.stdout, /^note +Twilio: .*set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN/m);
  assert.match(done.stdout, /^note +workspace: .* is routed by this suite/m);
  assert.match(done.stdout, /^ok +TWILIO_WORKFLOW_SID: "Default Workflow"$/m);
  assert.match(done.stdout, /^failed +TWILIO_PERMITS_TASK_QUEUE_SID: .*write WQ and 32 hexadecimal digits/m);
  assert.match(
    done.stdout,
    /^failed +TWILIO_BILLING_TASK_QUEUE_SID: .*is not set; taskrouter bootstrap --env \.env/m,
  );
  assert.match(
    done.stdout,
    /^failed +TWILIO_UTILITIES_TASK_QUEUE_SID: .*names no queue of the workspace: run taskrouter sync --queues/m,
  );
  assert.match(done.stdout, /^3 to mend\.$/m);
  const rows = JSON.parse((await run(['check', '--json'], { environment })).stdout);
  assert.deepEqual(
    rows.find((row) => row.check === 'TWILIO_WORKFLOW_SID'),
    {
      check: 'TWILIO_WORKFLOW_SID',
      outcome: 'ok',
      detail: '"Default Workflow"',
    },
  );
});
