// The official Node SDK pointed at the suite, and a judge of all that it gets back: each answer is checked
// against Twilio's OpenAPI document (contract.mjs) and noted for the coverage table (coverage.mjs).
import assert from 'node:assert/strict';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import twilio from 'twilio';
import { Contract } from './contract.mjs';
import { Coverage } from './coverage.mjs';
import { request } from './http.mjs';
import { until } from './until.mjs';

const SHOWN = 20; // violations in a message

// What the SDK would take from the environment of whoever runs the tests.
for (const name of ['TWILIO_REGION', 'TWILIO_EDGE', 'HTTP_PROXY']) delete process.env[name];

// The SDK's own client; it looks at the answers and passes them on as they are.
class Listener extends twilio.RequestClient {
  constructor(heard) {
    super();
    this.heard = heard;
  }

  async request(options) {
    const reply = await super.request(options);
    const body = reply.body === '' ? undefined : reply.body;
    this.heard(options.method, options.uri, { status: reply.statusCode, headers: reply.headers, body });
    return reply;
  }
}

class Judge {
  constructor(suite, name) {
    this.suite = suite;
    this.name = name;
    this.contract = new Contract();
    this.coverage = new Coverage(name, this.contract.operations);
    this.violations = new Map(); // text -> how often
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    suite.onClose(() => this.agent.destroy());
  }

  // A client as any program makes it; default: the suite's account with its auth token.
  client(user = this.suite.accountSid, password = this.suite.authToken, options = {}) {
    const client = twilio(user, password, {
      httpClient: new Listener((...heard) => this.note(...heard)),
      ...options,
    });
    client.taskrouter.baseUrl = this.suite.url;
    return client;
  }

  // One whose requests are not noted: for waiting, which takes now more, now fewer of them.
  waiter(user, password) {
    return this.client(user, password, { httpClient: new twilio.RequestClient() });
  }

  // One answer to a request of whatever client.
  note(method, url, reply, { isCounted = true } = {}) {
    const operation = this.contract.find(method, url);
    if (!operation) return;
    if (isCounted) this.coverage.add(operation.id, reply.status);
    for (const problem of this.contract.problems(operation, reply)) {
      const text = `${operation.id} ${reply.status}: ${problem}`;
      this.violations.set(text, (this.violations.get(text) ?? 0) + 1);
    }
  }

  // A request that the SDK would not send. form: [name, value] pairs or an object; json: sent as JSON; text:
  // sent as it is, with its type in headers. auth: "user:password", or null for none. isNoted: see waiter; isCounted: in the
  // coverage table.
  async call(method, url, { form, json, text, auth, headers = {}, isNoted = true, isCounted = true } = {}) {
    const send = { accept: 'application/json', ...headers };
    const who = auth === undefined ? `${this.suite.accountSid}:${this.suite.authToken}` : auth;
    if (who !== null) send.authorization = `Basic ${Buffer.from(who).toString('base64')}`;
    let body = text;
    if (form !== undefined) {
      body = new URLSearchParams(form).toString();
      send['content-type'] ??= 'application/x-www-form-urlencoded';
    } else if (json !== undefined) {
      body = JSON.stringify(json);
    }
    const whole = url.startsWith('http') ? url : this.suite.url + url;
    const options = { method, headers: send, body, agent: this.agent };
    let reply;
    try {
      reply = await request(whole, options);
    } catch (error) {
      // A kept connection that the server had just closed says nothing about the request.
      if (!error.isReused || error.code !== 'ECONNRESET') throw error;
      reply = await request(whole, { ...options, agent: undefined });
    }
    if (isNoted) this.note(method, whole, reply, { isCounted });
    return reply;
  }

  // Declares the tests that close a file: put this last.
  verdict() {
    this.suite.test('every answer is as the OpenAPI document says', () => {
      const texts = [...this.violations].map(([text, count]) => `${count} x ${text}`);
      assert.deepEqual(texts.slice(0, SHOWN), [], `${texts.length} kinds of violations`);
    });
    this.suite.test('the coverage table tells what was called here', () => this.coverage.publish());
  }
}

export function useTwilio(suite, fileUrl) {
  const name = path.basename(fileURLToPath(fileUrl)).replace(/^twilio-|\.test\.mjs$/g, '');
  let judge;
  // Made when it is first asked for: the suite has its account then.
  const proxied = new Proxy(
    {},
    {
      get(_, key) {
        judge ??= new Judge(suite, name);
        const value = judge[key];
        return typeof value === 'function' ? value.bind(judge) : value;
      },
    },
  );
  return proxied;
}

// A workspace made with the SDK, and what its stories need at hand.
export class Place {
  constructor(judge, client, workspace, who) {
    this.sid = workspace.sid;
    this.workspace = workspace;
    this.ws = client.taskrouter.v1.workspaces(workspace.sid);
    this.waiting = judge.waiter(...who).taskrouter.v1.workspaces(workspace.sid);
    this.activities = {}; // name -> SID
  }

  // who: [user, password], or nothing for the suite's account.
  static async make(judge, friendlyName, options = {}, who = []) {
    const client = judge.client(...who);
    const workspace = await client.taskrouter.v1.workspaces.create({ friendlyName, ...options });
    const place = new Place(judge, client, workspace, who);
    for (const activity of await place.ws.activities.list()) {
      place.activities[activity.friendlyName] = activity.sid;
    }
    return place;
  }

  // Workers of a queue have its name as their role.
  queue(friendlyName, options = {}) {
    const targetWorkers = `role == '${friendlyName}'`;
    return this.ws.taskQueues.create({ friendlyName, targetWorkers, ...options });
  }

  worker(friendlyName, role, { attributes = {}, ...options } = {}) {
    return this.ws.workers.create({
      friendlyName,
      activitySid: this.activities.Available,
      attributes: JSON.stringify({ role, ...attributes }),
      ...options,
    });
  }

  // filters: { kind: [targets] }, matched by the attribute "kind" of a task.
  workflow(friendlyName, filters, { fallback, ...options } = {}) {
    const routing = {
      filters: Object.entries(filters).map(([kind, targets]) => ({
        filter_friendly_name: kind,
        expression: `kind == '${kind}'`,
        targets,
      })),
    };
    if (fallback) routing.default_filter = { queue: fallback };
    const configuration = JSON.stringify({ task_routing: routing });
    return this.ws.workflows.create({ friendlyName, configuration, ...options });
  }

  task(kind, { attributes = {}, ...options } = {}) {
    return this.ws.tasks.create({ attributes: JSON.stringify({ kind, ...attributes }), ...options });
  }

  // The open reservations of a task, once there are so many.
  offers(taskSid, count = 1) {
    return patiently(`${count} offers of ${taskSid}`, async () => {
      const open = await this.waiting.tasks(taskSid).reservations.list({ reservationStatus: 'pending' });
      return open.length === count && open;
    });
  }

  // The router hears of workers in its own time.
  known(queueSid, count) {
    return patiently(`${count} workers in ${queueSid}`, async () => {
      const now = await this.waiting.taskQueues(queueSid).realTimeStatistics().fetch();
      return now.totalAvailableWorkers === count;
    });
  }

  status(taskSid, status) {
    return patiently(`${taskSid} is ${status}`, async () => {
      const task = await this.waiting.tasks(taskSid).fetch();
      return task.assignmentStatus === status && task;
    });
  }

  // A worker once it is as the check says.
  workerUntil(sid, what, check) {
    return patiently(`worker ${sid} is ${what}`, async () => {
      const worker = await this.waiting.workers(sid).fetch();
      return check(worker) && worker;
    });
  }
}

// Waits as long as a busy machine may need.
export const patiently = (what, check) => until(what, check, { timeoutMs: 60000 });

// A refusal as the SDK tells it: RestException with Twilio's status and code. message: a pattern, optional.
export async function refused(promise, status, code, message) {
  let error;
  try {
    await promise;
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error, `refused with ${status} ${code}`);
  const told = `${error.status} ${error.code} ${error.message}`;
  assert.deepEqual([error.status, error.code], [status, code], told);
  assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`, told);
  if (message) assert.match(error.message, message);
  return error;
}
