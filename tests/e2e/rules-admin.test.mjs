// Routing rules over REST: written, versioned, tried in a dry run, compared over stored tasks.
import assert from 'node:assert/strict';
import { useSuite } from './lib/suite.mjs';

const suite = useSuite({ seed: true });
const VIP = { type: 'customer', operator: 'equals', value: 'vip' };

const toQueue = (name, more = {}) => ({ type: 'route_to_queue', target: name, ...more });

async function makeTask(attributes) {
  return suite.api.post('/tasks', { attributes, taskQueueSid: suite.queues['Default Queue'] });
}

let rule;

suite.test('a rule is written with the flat conditions of the earlier platform and read back', async () => {
  rule = await suite.api.post('/rules', {
    name: 'VIP first',
    priority: 50,
    conditions: [VIP],
    actions: [toQueue('Emergency Queue', { priority: 90, attributes: { vip: true } })],
    comment: 'as the guide has it',
  });
  assert.deepEqual(rule.conditions, [VIP]);
  assert.equal(rule.condition, 'caller.customer_type == "vip"');
  assert.equal(rule.actions[0].target, suite.queues['Emergency Queue']);
  assert.deepEqual(rule.actions[0].attributes, { vip: true });
  assert.equal(rule.enabled, true);
  const former = await suite.api.get(`/routing-rules/${rule.sid}`);
  assert.equal(former.name, 'VIP first');
});

suite.test('versions tell what changed, and an earlier one comes back', async () => {
  const changed = await suite.api.must('PATCH', `/rules/${rule.sid}`, {
    priority: 60,
    actions: [toQueue('Billing Queue'), { type: 'hangup' }],
    comment: 'trying',
  });
  assert.equal(changed.actions[1].type, 'hang_up');
  const diff = await suite.api.get(`/rules/${rule.sid}/diff`);
  assert.deepEqual(
    diff.changes.map((c) => c.field),
    ['priority', 'actions[0].target', 'actions[0].targetName', 'actions[0].priority', 'actions[0].attributes', 'actions[1]'],
  );
  const back = await suite.api.post(`/rules/${rule.sid}/roll-back`, { toVersion: 1 });
  assert.equal(back.version, 3);
  assert.equal(back.priority, 50);
  const versions = await suite.api.list(`/rules/${rule.sid}/versions`);
  assert.deepEqual(
    versions.map((v) => [v.version, v.comment]),
    [
      [3, 'as version 1'],
      [2, 'trying'],
      [1, 'as the guide has it'],
    ],
  );
});

suite.test('a dry run shows the clauses, the step and the queue, for stored rules and a draft', async () => {
  const { stored, draft } = await suite.api.post('/rules/dry-run', {
    task: { attributes: { topic: 'pool' }, caller: { customer_type: 'gold' } },
    drafts: [
      {
        sid: rule.sid,
        name: 'VIP first',
        enabled: true,
        condition: 'caller.customer_type IN ["vip", "gold"]',
        actions: [toQueue('Emergency Queue')],
      },
    ],
  });
  assert.equal(stored.rules[0].outcome, 'not_matched');
  assert.deepEqual([stored.rules[0].clauses[0].left, stored.rules[0].clauses[0].isTrue], ['"gold"', false]);
  assert.equal(stored.taskQueueName, 'Default Queue');
  assert.equal(draft.rules[0].outcome, 'matched');
  assert.equal(draft.taskQueueName, 'Emergency Queue');
  assert.deepEqual([stored.notes, draft.notes], [[], []]); // the router was asked who has room
});

suite.test('a draft is compared over stored tasks: which would have gone elsewhere', async () => {
  for (let i = 0; i < 20; i += 1) await makeTask({ topic: i % 4 === 0 ? 'pool' : 'garden' });
  const body = await suite.api.post('/rules/compare', {
    drafts: [
      {
        name: 'Pools',
        enabled: true,
        priority: 1,
        condition: 'task.attributes.topic == "pool"',
        actions: [toQueue('Permits Queue')],
      },
    ],
    taskCount: 20,
  });
  assert.deepEqual([body.compared, body.elsewhere, body.otherwise], [20, 5, 0]);
  assert.equal(body.differences.length, 5);
  assert.equal(body.differences[0].stored.taskQueueName, 'Default Queue');
  assert.equal(body.differences[0].draft.taskQueueName, 'Permits Queue');
  assert.deepEqual(body.differences[0].draft.ruleNames, ['Pools']);
});

suite.test('a queue that a rule names is not deleted', async () => {
  const queue = await suite.api.post('/queues', { friendlyName: 'Named by a rule', targetWorkers: '1==1' });
  const made = await suite.api.post('/rules', { name: 'Names it', actions: [toQueue('Named by a rule')] });
  const refused = await suite.api.call('DELETE', `/queues/${queue.sid}`);
  assert.equal(refused.status, 400, refused.text);
  assert.match(refused.text, /QUEUE_IN_RULE/);
  await suite.api.must('DELETE', `/rules/${made.sid}`);
  await suite.api.must('DELETE', `/queues/${queue.sid}`);
});
