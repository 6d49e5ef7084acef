// The set-up guide's "Testing the Integration", as it is written: a call comes in, its task is found by the
// guide's query, a worker sees it, takes it, is put through to the caller, and completes it.
import assert from 'node:assert/strict';
import { command } from './lib/command.mjs';
import { useSuite } from './lib/suite.mjs';
import { until } from './lib/until.mjs';
import { VoicePeer } from './lib/voice.mjs';

const peer = await new VoicePeer('https://kin.example').start();
const suite = useSuite({ environment: peer.environment(), prepare });
Object.assign(suite.environment, { TWILIO_ACCOUNT_SID: suite.accountSid, TWILIO_AUTH_TOKEN: suite.authToken });
suite.onClose(() => peer.stop());
peer.use(suite);

// As the guide has it.
const QUERY = `SELECT * FROM "Task" WHERE "callId" IS NOT NULL ORDER BY "createdAt" DESC LIMIT 1;`;
const RELATIONS = `SELECT w."friendlyName", a."friendlyName"
   FROM "Worker" w
   LEFT JOIN "Activity" a ON w."activitySid" = a."twilioActivitySid";`;

let worker;
let call; // the parameters of the test call
let answer; // what the caller was answered
let task;
let offer;

async function prepare() {
  const made = await command(suite, ['bootstrap', '--example-rules']);
  assert.equal(made.code, 0, made.stderr);
  suite.workspace = /TWILIO_WORKSPACE_SID=(\S+)/.exec(made.stdout)[1];
  suite.api.workspace = suite.workspace;
  suite.activities = Object.fromEntries(
    (await suite.api.list('/activities')).map((activity) => [activity.friendlyName, activity.sid]),
  );
  // Whatever the time of day, the line's calls go to one queue.
  const after = (await suite.api.list('/rules')).find((rule) => rule.name === 'After Hours');
  await suite.api.must('PATCH', `/rules/${after.sid}`, { enabled: false });
  await suite.api.post('/rules', {
    name: 'Permits Line',
    priority: 60,
    condition: 'line.phone == "+12125550100"',
    actions: [{ type: 'route_to_queue', target: 'Permits Queue', priority: 60 }],
  });
}

suite.test('1. a call to the number is enqueued, with a task where the rules say', async () => {
  call = peer.incoming();
  answer = await peer.hook('/voice', call);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers['content-type'], /xml/);
});

suite.test('2. the guide finds the task by its call', async () => {
  const [row] = await until('the task is there', async () => {
    const rows = await suite.sql(QUERY, [], 'reader');
    return rows.length > 0 && rows;
  });
  assert.match(answer.text, new RegExp(`<Enqueue [^>]*>${row.callId}</Enqueue>`));
  task = await suite.api.get(`/tasks/${row.twilioTaskSid ?? row.sid}`);
  assert.equal(task.callId, row.callId);
  assert.equal(task.attributes.call_sid, call.CallSid);
  assert.equal(task.attributes.from, call.From);
  assert.deepEqual([task.taskQueueName, task.priority], ['Permits Queue', 60]);
  const why = await suite.api.get(`/tasks/${task.sid}/explain`);
  assert.deepEqual(
    why.rules.map((rule) => rule.name),
    ['Permits Line'],
  );
  const found = await suite.api.get(`/calls/${row.callId}`);
  assert.equal(found.taskSid, task.sid);
  assert.equal(found.fromNumber, call.From);
  // The same webhook again: the same answer, and no second task.
  assert.equal((await peer.hook('/voice', call)).text, answer.text);
  assert.equal((await suite.sql(`select count(*)::int as n from tasks.task where call_id <> ''`))[0].n, 1);
  const unsigned = await suite.api.with({ token: undefined }).call('POST', '/api/webhooks/voice', 'CallSid=CA1');
  assert.equal(unsigned.status, 403);
});

suite.test('3. workers and their activities are as the guide looks them up', async () => {
  worker = await suite.worker('Jane Doe', { attributes: { contact_uri: '+12125550123' } });
  const rows = await until('the worker is in the table', async () => {
    const found = await suite.sql(RELATIONS, [], 'reader');
    return found.length === 1 && found;
  });
  assert.equal(Object.values(rows[0]).at(-1), 'Available');
});

suite.test('4. the worker sees the task and accepts it', async () => {
  offer = await suite.offerOf(task.sid);
  assert.equal(offer.workerSid, worker.sid);
  const accepted = await suite.api.post(`/reservations/${offer.sid}/accept`, {});
  assert.equal(accepted.reservationStatus, 'accepted');
  assert.equal((await suite.api.get(`/tasks/${task.sid}`)).assignmentStatus, 'assigned');
});

suite.test('5. the worker is called, and put through to the caller', async () => {
  const leg = await peer.placedTo('+12125550123');
  assert.equal(leg.params.From, call.To);
  assert.match(leg.params.Twiml, new RegExp(`<Dial><Queue>${task.callId}</Queue></Dial>`));
  leg.tell = (status) =>
    peer.hook(leg.params.StatusCallback, { ...peer.incoming(), CallSid: leg.sid, CallStatus: status, Direction: 'outbound-api' });
  assert.equal((await leg.tell('ringing')).status, 204);
  assert.equal((await leg.tell('in-progress')).status, 204);
  const talking = await until('they talk', async () => {
    const found = await suite.api.get(`/calls/${task.callId}`);
    return found.status === 'in_progress' && found;
  });
  assert.equal(talking.workerSid, worker.sid);
  assert.equal(peer.placed.length, 1);
  assert.equal((await leg.tell('completed')).status, 204);
});

suite.test('6. the call ends, and the task is completed', async () => {
  assert.equal((await peer.hook('/voice/status', { ...call, CallStatus: 'completed', CallDuration: '42' })).status, 204);
  await until('the worker wraps up', async () => (await suite.api.get(`/tasks/${task.sid}`)).assignmentStatus === 'wrapping');
  const completed = await suite.api.post(`/tasks/${task.sid}/complete`, { reason: 'answered' });
  assert.equal(completed.assignmentStatus, 'completed');
  const over = await until('the call is over', async () => {
    const found = await suite.api.get(`/calls/${task.callId}`);
    return found.status === 'completed' && found;
  });
  assert.equal(over.durationS, 42);
});
