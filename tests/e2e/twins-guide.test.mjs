// The troubleshooting section of the set-up guide, case by case: what an operator sees says what to mend.
import assert from 'node:assert/strict';
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { useTwins } from './lib/twins.mjs';
import { until } from './lib/until.mjs';

const twins = useTwins({ seed: 3 });
const hex = (bytes) => randomBytes(bytes).toString('hex');
const QUEUES = ['DEFAULT', 'PERMITS', 'UTILITIES', 'SCHEDULING', 'EMERGENCY', 'BILLING', 'SUPPORT'];
let lines; // what bootstrap printed for .env

// The guide's connectivity test with other settings of sync-svc: fails, in one sentence that matches.
async function wrong(environment, words) {
  await twins.ours.restartWith('sync', environment);
  for (const args of [['sync', '--activities'], ['check']]) {
    const { code, stdout, stderr } = await twins.command(args);
    assert.equal(code, args[0] === 'sync' ? 2 : 1, `taskrouter ${args}: ${stdout}${stderr}`);
    const said = stdout + stderr;
    for (const word of words) assert.match(said, word, `taskrouter ${args.join(' ')}`);
    assert.doesNotMatch(said, new RegExp(twins.twilio.authToken), 'no secret');
  }
}

twins.test('no credentials: the variables are named', async () => {
  await wrong({ TWILIO_ACCOUNT_SID: undefined, TWILIO_AUTH_TOKEN: undefined }, [/TWILIO_ACCOUNT_SID/]);
});

twins.test('a wrong token', async () => {
  await wrong({ TWILIO_AUTH_TOKEN: hex(16) }, [/TWILIO_AUTH_TOKEN/]);
});

twins.test('a wrong account', async () => {
  await wrong({ TWILIO_ACCOUNT_SID: `AC${hex(16)}` }, [/TWILIO_ACCOUNT_SID/]);
});

twins.test('a wrong workspace', async () => {
  await wrong({ TWILIO_WORKSPACE_SID: `WS${hex(16)}` }, [/TWILIO_WORKSPACE_SID/]);
});

twins.test('a wrong URL: nobody there, no such host, not Twilio', async () => {
  await wrong({ TASKROUTER_TWILIO_URL: 'http://127.0.0.1:9' }, [/TASKROUTER_TWILIO_URL/]);
  await wrong({ TASKROUTER_TWILIO_URL: 'http://no-such-host.invalid' }, [/TASKROUTER_TWILIO_URL/]);
  const page = http.createServer((req, res) => {
    res.writeHead(200, { 'content-type': 'text/html' });
    res.end('<html>Welcome</html>');
  });
  await new Promise((resolve) => page.listen(0, '127.0.0.1', resolve));
  await wrong({ TASKROUTER_TWILIO_URL: `http://127.0.0.1:${page.address().port}` }, [/TASKROUTER_TWILIO_URL/]);
  page.closeAllConnections();
  await new Promise((resolve) => page.close(resolve));
});

twins.test('right settings: the sync of activities is the connectivity test', async () => {
  await twins.ours.restartWith('sync', {});
  const { code, stdout, stderr } = await twins.command(['sync', '--activities']);
  assert.equal(code, 0, stdout + stderr);
});

twins.test('"Worker not found", "Queue not found": the answer says which sync finds them', async () => {
  const { activities, ...made } = {
    activities: Object.fromEntries((await twins.theirs.list('/activities')).map((a) => [a.friendlyName, a.sid])),
    queue: await twins.theirs.post('/queues', { friendlyName: 'Unheard of', targetWorkers: '1==1' }),
  };
  twins.hooks.away(true);
  const worker = await twins.theirs.post('/workers', { friendlyName: 'Jane', activitySid: activities.Available });
  // A workspace that was never synced further than its activities knows neither.
  for (const [path, option] of [
    [`/workers/${worker.sid}`, '--workers'],
    [`/queues/${made.queue.sid}`, '--queues'],
  ]) {
    const missed = await twins.mine.call('GET', path);
    if (missed.status === 200) continue; // its webhook was faster
    assert.equal(missed.status, 404);
    assert.match(missed.body.detail, new RegExp(`taskrouter sync ${option}`));
    assert.equal((await twins.command(['sync', option])).code, 0);
    assert.equal((await twins.mine.get(path)).sid, path.split('/')[2]);
  }
  twins.hooks.away(false);
});

twins.test('bootstrap prints the variables; check finds one that is wrong', async () => {
  assert.equal((await twins.command(['sync', '--all'])).code, 0);
  const made = await twins.command(['bootstrap', '--workspace', twins.sid, '--public-url', twins.hooks.url]);
  assert.equal(made.code, 0, made.stderr);
  lines = Object.fromEntries(
    [...made.stdout.matchAll(/^(TWILIO_[A-Z_]+)=(\S*)$/gm)].map(([, name, value]) => [name, value]),
  );
  lines.TASKROUTER_PUBLIC_URL = twins.hooks.url;
  const good = await twins.command(['check'], { environment: lines });
  assert.equal(good.code, 0, good.stdout + good.stderr);
  for (const queue of QUEUES) {
    const name = `TWILIO_${queue}_TASK_QUEUE_SID`;
    assert.match(lines[name] ?? '', /^WQ[0-9a-f]{32}$/, name);
  }
  for (const [name, value] of [
    ['TWILIO_EMERGENCY_TASK_QUEUE_SID', `WQ${hex(16)}`],
    ['TWILIO_WORKFLOW_SID', `WW${hex(16)}`],
    ['TWILIO_WORKFLOW_SID', lines.TWILIO_DEFAULT_TASK_QUEUE_SID],
  ]) {
    const { code, stdout, stderr } = await twins.command(['check'], { environment: { ...lines, [name]: value } });
    assert.equal(code, 1, stdout + stderr);
    assert.match(stdout + stderr, new RegExp(name));
  }
});

twins.test('"Task creation failed": Twilio\'s own words, and what they are about', async () => {
  const refused = await twins.mine.call('POST', '/tasks', { attributes: {}, workflowSid: `WW${hex(16)}` });
  assert.ok(refused.status >= 400 && refused.status < 500, refused.text);
  assert.match(refused.body.detail, /workflow/i);
  twins.api.away(true);
  const away = await twins.mine.call('POST', '/tasks', { attributes: {} });
  assert.equal(away.status, 503, away.text);
  assert.match(away.body.detail, /Twilio/);
  assert.match(away.headers['retry-after'] ?? '', /^\d+$/);
  twins.api.away(false);
  await until('a task can be created', async () => {
    const reply = await twins.mine.call('POST', '/tasks', { attributes: {} });
    return reply.status === 201;
  });
});

twins.test('webhooks do not come: the URL at Twilio is another one, or the signature is wrong', async () => {
  await twins.theirs.must('PATCH', `/workspaces/${twins.sid}`, { eventCallbackUrl: 'https://elsewhere.example/x' });
  assert.equal((await twins.command(['sync', '--all'])).code, 0);
  const other = await twins.command(['check'], { environment: lines });
  assert.equal(other.code, 1, other.stdout);
  assert.match(other.stdout + other.stderr, /\/api\/webhooks\/taskrouter/);

  const forged = await fetch(`${twins.ours.url}/api/webhooks/taskrouter`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' },
    body: 'EventType=task.created',
  });
  assert.equal(forged.status, 403);
  assert.match(twins.ours.logs().gateway, /"webhook refused","reason":"invalid"|"msg":"webhook refused".*"reason":"invalid"/, 'the log says why');
  const told = await twins.command(['check'], { environment: lines });
  assert.match(told.stdout + told.stderr, /signature|refused/i);
  assert.doesNotMatch(twins.ours.logs().gateway, new RegExp(twins.twilio.authToken));
});

twins.test('the guide\'s query of relations', async () => {
  const rows = await twins.ours.sql(
    `SELECT w."friendlyName", a."friendlyName" AS activity
     FROM workers."Worker" w LEFT JOIN workers."Activity" a ON w."activitySid" = a."twilioActivitySid"`,
    [],
    'reader',
  );
  assert.ok(rows.some((row) => row.friendlyName === 'Jane' && row.activity === 'Available'), JSON.stringify(rows));
});
