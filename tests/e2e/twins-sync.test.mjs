// A Twilio workspace is set up through us, synchronised with 2,000 workers, changed behind our back, and brought
// into step again, while one call in twenty goes wrong on the way.
import assert from 'node:assert/strict';
import { useTwins } from './lib/twins.mjs';
import { inParallel } from './lib/until.mjs';

const WORKERS = 2000;
const FAULTS = 0.05;
const QUEUES = ['Default', 'Permits', 'Utilities', 'Scheduling', 'Emergency', 'Billing', 'Support'];
const GUIDE = ['--activities', '--queues', '--workflows', '--workers']; // the set-up guide's options
const DEPARTMENTS = ['permits', 'utilities', 'scheduling', 'emergency', 'billing', 'support'];
// What a mirror has of each kind; versions and the dates of our own writing are ours.
const FIELDS = {
  '/activities': ['friendlyName', 'available', 'dateCreated'],
  '/channels': ['friendlyName', 'uniqueName', 'channelOptimizedRouting'],
  '/queues': ['friendlyName', 'targetWorkers', 'maxReservedWorkers', 'taskOrder'],
  '/workflows': [
    'friendlyName',
    'configuration',
    'assignmentCallbackUrl',
    'fallbackAssignmentCallbackUrl',
    'taskReservationTimeout',
  ],
  '/workers': ['friendlyName', 'attributes', 'activitySid', 'activityName', 'available', 'dateCreated'],
};

const twins = useTwins({ seed: 20261127, prepare });
let activities; // name -> SID
let workers; // of Twilio, by name

async function prepare() {
  twins.api.rate = FAULTS;
  twins.hooks.rate = FAULTS;
}

async function assertAllInStep() {
  for (const [list, fields] of Object.entries(FIELDS)) await twins.assertInStep(list, fields);
}

// Real workers of the other suite. All but the first are copied in SQL, with the letters of SIDs that Twilio
// gives, which say nothing of when they were made.
async function makeWorkers() {
  const first = await twins.theirs.post('/workers', {
    friendlyName: 'Worker 0',
    attributes: { department: 'permits', email: 'Agent0@KIN.example', skills: ['permits'] },
    activitySid: activities.Available,
  });
  await twins.twilio.sql(
    `insert into workers.worker (sid, account_sid, workspace_sid, friendly_name, attributes, attributes_text,
                                 activity_sid, created_at, status_changed_at, updated_at)
     select 'WK' || md5('worker ' || n), account_sid, workspace_sid, 'Worker ' || n, a.text::jsonb, a.text,
            case when n % 3 = 0 then $3 else activity_sid end, created_at, status_changed_at, updated_at
     from workers.worker w, generate_series(1, $2::int - 1) n,
          lateral (select json_build_object('department', ($4::text[])[1 + n % 6], 'email', 'agent' || n || '@kin.example',
                                            'quickbaseUserId', 'QB' || n)::text as text) a
     where w.sid = $1`,
    [first.sid, WORKERS, activities.Break, DEPARTMENTS],
  );
}

function byKind(run) {
  return Object.fromEntries(run.progress.map((kind) => [kind.kind, kind]));
}

// Runs the command and gives the run that it made.
async function sync(args, expectedCode = 0) {
  const result = await twins.command(['sync', ...args, '--json']);
  assert.equal(result.code, expectedCode, `taskrouter sync ${args}: ${result.stderr}\n${result.stdout}`);
  const printed = JSON.parse(result.stdout);
  return twins.mine.get(`/sync/runs/${printed.sid ?? printed.run.sid}`);
}

const itemsOf = (run) => twins.mine.list(`/sync/runs/${run.sid}/items`);

twins.test('bootstrap makes the guide\'s workspace at Twilio, through us, and again changes nothing', async () => {
  await sync(['--all']); // adopts the workspace
  const args = ['bootstrap', '--workspace', twins.sid, '--public-url', twins.hooks.url];
  const made = await twins.command(args);
  assert.equal(made.code, 0, made.stderr + made.stdout);
  const lines = Object.fromEntries(
    [...made.stdout.matchAll(/^(TWILIO_[A-Z_]+)=(\S*)$/gm)].map(([, name, value]) => [name, value]),
  );
  assert.equal(lines.TWILIO_WORKSPACE_SID, twins.sid);
  const queues = Object.fromEntries((await twins.theirs.list('/queues')).map((q) => [q.sid, q]));
  for (const name of QUEUES) {
    const key = name === 'Default' ? 'TWILIO_DEFAULT_TASK_QUEUE_SID' : `TWILIO_${name.toUpperCase()}_TASK_QUEUE_SID`;
    assert.equal(queues[lines[key]]?.friendlyName, `${name} Queue`, key);
    assert.equal(queues[lines[key]].targetWorkers, '1==1');
  }
  const workflow = await twins.theirs.get(`/workflows/${lines.TWILIO_WORKFLOW_SID}`);
  assert.ok(JSON.stringify(workflow).includes(lines.TWILIO_PERMITS_TASK_QUEUE_SID));
  activities = Object.fromEntries((await twins.theirs.list('/activities')).map((a) => [a.friendlyName, a.sid]));
  for (const name of ['Available', 'Unavailable', 'Offline', 'Break']) assert.ok(activities[name], name);
  await assertAllInStep();

  const writes = () => twins.api.calls.filter((call) => call.method !== 'GET').length;
  const before = writes();
  const again = await twins.command(args);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(writes(), before, 'nothing was written the second time');
});

twins.test('2,000 workers are synchronised, and a second sync finds nothing', async () => {
  await makeWorkers();
  const run = await sync(['--all']);
  assert.equal(run.state, 'clean');
  // The first one was made by a client of Twilio's, and its webhook may have been faster.
  const created = Number(byKind(run).workers.created);
  assert.ok(created === WORKERS || created === WORKERS - 1, `${created} workers were created`);
  assert.equal(await twins.assertInStep('/workers', FIELDS['/workers']), WORKERS);
  await assertAllInStep();
  const again = byKind(await sync(GUIDE));
  assert.deepEqual(Object.keys(again).sort(), [
    'activities',
    'links', // comes with the workers
    'queues',
    'workers',
    'workflows',
    'workspace', // always
  ]);
  for (const kind of Object.values(again)) {
    assert.deepEqual(
      [kind.created, kind.updated, kind.vanished, kind.conflicting].map((n) => Number(n ?? 0)),
      [0, 0, 0, 0],
      kind.kind,
    );
  }
  assert.equal(Number(again.workers.unchanged), WORKERS);
});

twins.test('what changed behind our back: dry run, drift, sync, and nothing is left', async () => {
  await twins.hooks.quiet();
  await twins.inboxIsEmpty();
  twins.hooks.away(true); // nobody tells us
  workers = Object.fromEntries((await twins.theirs.list('/workers')).map((w) => [w.friendlyName, w]));
  const patch = (sid, body) => twins.theirs.must('PATCH', `/workers/${sid}`, body);
  const renamed = ['Worker 10', 'Worker 11', 'Worker 12'];
  await patch(workers['Worker 10'].sid, { friendlyName: 'Somebody else' });
  // Two swap their names.
  await patch(workers['Worker 11'].sid, { friendlyName: 'Worker 12 ' });
  await patch(workers['Worker 12'].sid, { friendlyName: 'Worker 11' });
  await patch(workers['Worker 11'].sid, { friendlyName: 'Worker 12' });
  await inParallel(20, 4, (i) =>
    patch(workers[`Worker ${20 + i}`].sid, { attributes: { department: 'billing', level: i } }),
  );
  await patch(workers['Worker 50'].sid, { activitySid: activities.Unavailable });
  await inParallel(5, 4, (i) => twins.theirs.must('DELETE', `/workers/${workers[`Worker ${100 + i}`].sid}`));
  const lunch = await twins.theirs.post('/activities', { friendlyName: 'Lunch', available: false });
  const queue = (await twins.theirs.list('/queues')).find((q) => q.friendlyName === 'Billing Queue');
  await twins.theirs.must('PATCH', `/queues/${queue.sid}`, { targetWorkers: 'department == "billing"' });
  const support = (await twins.theirs.list('/queues')).find((q) => q.friendlyName === 'Support Queue');
  await twins.theirs.must('DELETE', `/queues/${support.sid}`);

  const before = await twins.ours.counts();
  const dry = await sync([...GUIDE, '--dry-run']);
  const kinds = byKind(dry);
  const numbers = (kind) => [kind.created, kind.updated, kind.vanished, kind.conflicting].map((n) => Number(n ?? 0));
  assert.deepEqual(numbers(kinds.workers), [0, renamed.length + 20 + 1, 5, 0]);
  assert.deepEqual(numbers(kinds.activities), [1, 0, 0, 0]);
  assert.deepEqual(numbers(kinds.queues), [0, 1, 1, 0]);
  const items = await itemsOf(dry);
  const of = (sid) => items.find((item) => item.result.sid === sid)?.result;
  assert.equal(of(lunch.sid).outcome, 'created');
  assert.equal(of(support.sid).outcome, 'vanished');
  assert.deepEqual(of(queue.sid).fields, [
    { name: 'target_workers', ours: '1==1', theirs: 'department == "billing"' },
  ]);
  assert.deepEqual(
    of(workers['Worker 10'].sid).fields.map((f) => [f.name, f.ours, f.theirs]),
    [['friendly_name', 'Worker 10', 'Somebody else']],
  );
  // Nothing but the report was written.
  const { 'sync.run': runs, ...after } = await twins.ours.counts();
  for (const [table, count] of Object.entries(after)) {
    if (!table.startsWith('sync.')) assert.equal(count, before[table], `${table} after a dry run`);
  }
  assert.ok(runs > before['sync.run']);
  assert.equal((await twins.mine.get(`/workers/${workers['Worker 10'].sid}`)).friendlyName, 'Worker 10');

  const drift = await twins.command(['drift']);
  assert.equal(drift.code, 2, drift.stderr);
  assert.match(drift.stdout, /Somebody else/);
  assert.match(drift.stdout, /Support Queue/);

  const real = byKind(await sync(GUIDE));
  assert.deepEqual(numbers(real.workers), numbers(kinds.workers), 'as the dry run said');
  assert.deepEqual(numbers(real.queues), numbers(kinds.queues));
  await assertAllInStep();
  const quiet = await twins.command(['drift']);
  assert.equal(quiet.code, 0, quiet.stdout + quiet.stderr);
  // A tombstone, not a silent deletion.
  const gone = await twins.mine.call('GET', `/workers/${workers['Worker 100'].sid}`);
  assert.equal(gone.status, 404);
  const kept = await twins.ours.sql('select * from workers.worker where sid = $1', [workers['Worker 100'].sid]);
  assert.equal(kept.length, 1, 'the row of who vanished is kept');
  twins.hooks.away(false);
});

twins.test('workers are linked to users by e-mail and QuickBase id; conflicts are listed, never guessed', async () => {
  const user = (email, quickbaseUserId) =>
    twins.ours.api.post('/users', { email, name: email, role: 'agent', quickbaseUserId });
  const zero = await user('agent0@kin.example', '');
  const five = await user('AGENT5@kin.example', 'qb5');
  await user('agent6@kin.example', 'QB7'); // e-mail says 6, QuickBase says 7
  const run = await sync(['--links']);
  assert.equal(Number(byKind(run).links.linked), 2);
  const linkOf = async (name) => (await twins.mine.get(`/workers/${workers[name].sid}`)).userSid;
  assert.equal(await linkOf('Worker 0'), zero.sid);
  assert.equal(await linkOf('Worker 5'), five.sid);
  assert.ok(!(await linkOf('Worker 6')));
  assert.ok(!(await linkOf('Worker 7')));
  const conflicts = (await itemsOf(run)).filter((item) => item.result.outcome === 'conflicting');
  assert.ok(conflicts.length >= 1, 'the user that fits two workers');
  assert.match(JSON.stringify(conflicts), /agent6@kin\.example/);

  const unlinked = await twins.command(['unlink', workers['Worker 5'].sid]);
  assert.equal(unlinked.code, 0, unlinked.stderr);
  assert.ok(!(await linkOf('Worker 5')));
  const linked = await twins.command(['link', workers['Worker 6'].sid, 'agent6@kin.example']);
  assert.equal(linked.code, 0, linked.stderr);
  assert.ok(await linkOf('Worker 6'));
});

twins.test('something did go wrong on the way', async () => {
  const count = Object.values(twins.api.faults).reduce((sum, n) => sum + n, 0);
  assert.ok(count >= 10, JSON.stringify(twins.api.faults));
});
