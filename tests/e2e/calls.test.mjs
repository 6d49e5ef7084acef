// Callers, lines, rules and menus with names that want to be more than names: every answer is TwiML for a
// strict parser and for the official SDK, with the verbs that were meant and no other.
import assert from 'node:assert/strict';
import { useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';
import { Carrier, find, parseXml, readTwiml, verbsOf } from './lib/carrier.mjs';

const suite = useSuite({ seed: true, environment: { TASKROUTER_CALL_PATIENCE: '5s' } });

const HOSTILE = [
  'Ann & Bob <ann@example.com>',
  '</Say></Response><Response><Dial>+19005550100</Dial></Response>',
  '"><Redirect>https://evil.example/</Redirect><Say x="',
  "' onload='x",
  ']]>',
  '<![CDATA[x]]>',
  '<!-- a -- b -->',
  '<?xml version="1.0"?>',
  '&amp;&#0;&#x1F;&lt;&unknown;',
  'one\u0001two\u0008\u001F\uFFFE\uFFFFthree',
  'tab\tfeed\nreturn\r\nend',
  'Jürgen 日本 😀 שלום \u202Eevil',
  '${jndi:ldap://x} %s %n {{7*7}}',
];
// What XML has no place for is left out.
const heard = (text) => text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '');

let carrier;
let numbers = 0;
const number = () => `+1512555${String(2000 + ++numbers)}`;

async function line(more = {}) {
  const made = await suite.api.post('/lines', { phoneNumber: number(), ...more });
  return made.phoneNumber;
}

const settled = (call, sid) =>
  until(`what ${sid} brings about is done`, async () => {
    const rows = await suite.sql(`select 1 from gateway.webhook where state = 'waiting' and lane = $1`, [sid]);
    if (rows.length > 0) throw new Error('not yet');
    return true;
  });

suite.test('hostile greetings are said and nothing else', async () => {
  carrier = new Carrier(suite);
  for (const name of HOSTILE) {
    const call = carrier.call({ to: await line({ greeting: name, language: 'de-DE' }) });
    const tree = await call.ring();
    assert.deepEqual(verbsOf(tree), ['Say', 'Enqueue']);
    assert.equal(tree.children[0].text, heard(name));
    assert.equal(tree.children[0].attributes.language, 'de-DE');
    const row = await suite.api.get(`/calls/${call.sid}`);
    assert.equal(tree.children[1].text, row.sid);
    const wait = await call.tell(new URL(tree.children[1].attributes.waitUrl, suite.url).href, { QueueTime: '1' });
    assert.ok(verbsOf(wait).every((verb) => ['Say', 'Pause', 'Play'].includes(verb)));
  }
});

suite.test('hostile menus ask for a key, and the choice reaches the task as it was written', async () => {
  for (const name of HOSTILE) {
    const to = await line({
      menu: {
        greeting: name,
        options: [
          { digit: '1', label: name, department: name, attributes: { said: name } },
          { digit: '2', action: 'voicemail' },
        ],
      },
      voicemailGreeting: name,
    });
    const call = carrier.call({ to });
    const asked = await call.ring();
    assert.deepEqual(verbsOf(asked), ['Gather', 'Say', 'Say']);
    assert.equal(find(asked, 'Say').text, heard(name));
    const action = new URL(find(asked, 'Gather').attributes.action, suite.url).href;
    const queued = await call.tell(action, { Digits: '1' });
    assert.deepEqual(verbsOf(queued), ['Enqueue']);
    const { taskSid } = await suite.api.get(`/calls/${call.sid}`);
    const task = await suite.api.get(`/tasks/${taskSid}`);
    assert.equal(task.attributes.department, name);
    assert.equal(task.attributes.said, name);

    const other = carrier.call({ to });
    await other.ring();
    const record = await other.tell(action, { Digits: '2' });
    assert.deepEqual(verbsOf(record), ['Say', 'Record', 'Say', 'Hangup']);
    assert.equal(record.children[0].text, heard(name));
  }
});

suite.test('hostile callers are rows, tasks and answers like others', async () => {
  const to = await line();
  for (const name of HOSTILE.filter((text) => !text.includes('\uFFFE'))) {
    const call = carrier.call({ from: `client:${name}`, to });
    const tree = await call.ring();
    assert.deepEqual(verbsOf(tree), ['Enqueue']);
    const row = await suite.api.get(`/calls/${call.sid}`);
    const task = await suite.api.get(`/tasks/${row.taskSid}`);
    assert.equal(row.fromNumber, `client:${name}`.trim());
    assert.equal(task.attributes.from, row.fromNumber);
  }
});

suite.test("rules' words are said, their attributes and priority go with the task", async () => {
  const to = await line({ greeting: 'Welcome.' });
  // what a rule refuses to say does not get so far
  const sayable = HOSTILE.filter((text) => !/[\u0000-\u001F]/.test(text));
  for (const [index, name] of sayable.entries()) {
    const rule = await suite.api.post('/rules', {
      name: `hostile ${index}`,
      priority: 900,
      condition: `caller.phone == "+1512555${4000 + index}"`,
      actions: [
        { type: 'play_message', message: name },
        { type: 'set_priority', priority: 77 },
        { type: 'add_attributes', attributes: { note: name } },
      ],
    });
    const call = carrier.call({ from: `+1512555${4000 + index}`, to });
    const tree = await call.ring();
    assert.deepEqual(verbsOf(tree), ['Say', 'Say', 'Enqueue']);
    assert.equal(tree.children[1].text, heard(name));
    const { taskSid } = await suite.api.get(`/calls/${call.sid}`);
    const task = await suite.api.get(`/tasks/${taskSid}`);
    assert.equal(task.priority, 77);
    assert.equal(task.attributes.note, name);
    assert.ok(rule.sid);
  }
});

suite.test('rules end calls: a message, another number, or goodbye', async () => {
  const to = await line({ voicemailGreeting: 'of the line' });
  const rows = [
    [{ type: 'voicemail', message: HOSTILE[1] }, ['Say', 'Record', 'Say', 'Hangup']],
    [{ type: 'transfer', target: '+15125550177' }, ['Dial', 'Number']],
    [{ type: 'transfer', target: 'sip:desk@example.com' }, ['Dial', 'Sip']],
    [{ type: 'hang_up', message: HOSTILE[2] }, ['Say', 'Hangup']],
  ];
  for (const [index, [action, verbs]] of rows.entries()) {
    const from = `+1512555${5000 + index}`;
    await suite.api.post('/rules', {
      name: `end ${index}`,
      priority: 900,
      condition: `caller.phone == "${from}"`,
      actions: [action],
    });
    const call = carrier.call({ from, to });
    const tree = await call.ring();
    assert.deepEqual(verbsOf(tree), verbs);
    if (action.message) assert.equal(tree.children[0].text, action.message);
    const { taskSid } = await suite.api.get(`/calls/${call.sid}`);
    assert.equal(taskSid, '', 'no task is offered to anybody');
  }
});

suite.test('one webhook many times at once is one call, one task and one answer', async () => {
  const to = await line({ greeting: HOSTILE[0] });
  const call = carrier.call({ to });
  const replies = await Promise.all(
    Array.from({ length: 24 }, (_, i) =>
      call.send('/api/webhooks/voice', {}, { token: i % 3 === 0 ? undefined : `token-${i % 3}` }),
    ),
  );
  assert.deepEqual([...new Set(replies.map((r) => r.status))], [200]);
  assert.equal(new Set(replies.map((r) => r.text)).size, 1);
  readTwiml(replies[0].text);
  await settled(call, call.sid);
  const row = await suite.api.get(`/calls/${call.sid}`);
  const tasks = await suite.sql('select sid from tasks.task where call_id = $1', [row.sid]);
  assert.deepEqual(
    tasks.map((t) => t.sid),
    [row.taskSid],
  );
  await Promise.all(Array.from({ length: 6 }, () => call.status('completed', { CallDuration: '9' })));
  await until('the caller is to be called back', async () => {
    const now = await suite.api.get(`/calls/${call.sid}`);
    assert.equal(now.status, 'missed');
    assert.ok(now.followUpTaskSid);
    return true;
  });
  await settled(call, call.sid);
  assert.equal((await suite.sql('select 1 from tasks.task where call_id = $1', [row.sid])).length, 2);
});

suite.test('unsigned calls and messages are refused', async () => {
  const call = carrier.call({ to: await line() });
  const reply = await suite.api.call('POST', '/api/webhooks/voice', 'CallSid=CA1', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assert.equal(reply.status, 403);
  const { status } = await suite.api.call('GET', `/calls/${call.sid}`);
  assert.equal(status, 404);
});

suite.test('text messages are answered with TwiML too', async () => {
  const to = await line();
  for (const [index, name] of HOSTILE.entries()) {
    const from = `+1512555${6000 + index}`;
    const sid = `SM${String(index).padStart(32, '0')}`;
    const reply = await carrier.send('/api/webhooks/sms', { MessageSid: sid, From: from, To: to, Body: name });
    assert.equal(reply.status, 200);
    assert.deepEqual(verbsOf(readTwiml(reply.text, { isMessage: true })), []);
    await settled(undefined, `sms:${from}>${to}`);
    const [row] = await suite.sql('select task_sid from gateway.text_conversation where from_number = $1', [from]);
    const task = await suite.api.get(`/tasks/${row.task_sid}`);
    assert.equal(task.attributes.message, name);
  }
  assert.throws(() => parseXml('<Response><Say>a</Response>'));
});
