// The whole suite for one test file: a PostgreSQL cluster and a NATS server of its own in a temporary
// directory, the six services from TR_BIN_DIR, and what a test needs to talk to them. Nothing is
// shared with other test files, and nothing is left behind.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { createHash, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { Api, EventStream, request } from './http.mjs';
import { reservePorts } from './ports.mjs';
import { Process, run, startJanitor } from './process.mjs';
import { Hopeless, until } from './until.mjs';

const SOURCE_DIR =
  process.env.TR_SOURCE_DIR ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const BIN_DIR = process.env.TR_BIN_DIR ?? path.join(SOURCE_DIR, 'build/asan/bin');
const BOOTSTRAP_FILE = path.join(SOURCE_DIR, 'deploy/postgres/bootstrap.sql');
const PG_BIN = '/usr/lib/postgresql/15/bin';
const NATS_BIN = '/usr/sbin/nats-server';
const PG_USER = 'postgres'; // PostgreSQL refuses to run as root
const START_MS = 60000;

// Short name (schema, variable names) to program.
export const PROGRAMS = {
  workers: 'workers-svc',
  queues: 'queues-svc',
  routing: 'routing-svc',
  tasks: 'tasks-svc',
  sync: 'sync-svc',
  gateway: 'gateway',
};
export const SERVICES = Object.keys(PROGRAMS);

const hex = (bytes) => randomBytes(bytes).toString('hex');

// Memory where there is enough: a database is more than a thousand files, which a disk's file system makes slowly.
function temporaryDir() {
  try {
    fs.accessSync('/dev/shm', fs.constants.W_OK | fs.constants.X_OK);
    const { bavail, bsize } = fs.statfsSync('/dev/shm');
    if (bavail * bsize >= 2 * 2 ** 30) return '/dev/shm';
  } catch {
    // There is none.
  }
  return '/tmp';
}

// Its name changes with bootstrap.sql; count up with initdb's options.
function templatePath() {
  const text = fs.readFileSync(BOOTSTRAP_FILE);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return path.join(BIN_DIR, `../e2e-cluster-template-1-${digest}`);
}

export function sanitizerOptions() {
  const support = path.join(SOURCE_DIR, 'tests/support');
  return {
    ASAN_OPTIONS:
      process.env.ASAN_OPTIONS ??
      'detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:strict_init_order=1',
    UBSAN_OPTIONS: process.env.UBSAN_OPTIONS ?? 'print_stacktrace=1:halt_on_error=1',
    LSAN_OPTIONS: process.env.LSAN_OPTIONS ?? `suppressions=${support}/lsan.supp:print_suppressions=0`,
    TSAN_OPTIONS: process.env.TSAN_OPTIONS ?? `suppressions=${support}/tsan.supp:halt_on_error=1`,
  };
}

export class Suite {
  constructor({ services = SERVICES, environment = {} } = {}) {
    this.services = services;
    this.environment = environment; // more settings, for every service
    this.serviceToken = hex(24);
    this.authToken = hex(16);
    this.token = `tr_${hex(24)}`; // an admin's
    this.accountSid = `AC${hex(16)}`;
    this.processes = {};
    this.grpc = {}; // short name -> host:port
    this.ops = {}; // short name -> http://host:port
    this.closers = [];
    this.allowedExits = new Set();
    this.isFailed = false;
  }

  // ---- start ----

  async start() {
    this.dir = fs.mkdtempSync(`${temporaryDir()}/tr-e2e-`); // short: socket paths have 107 bytes
    fs.chmodSync(this.dir, 0o755);
    this.janitor = startJanitor(this.dir);
    this.ports = await reservePorts();
    await Promise.all([this.#startDatabase(), this.#startFirstNats()]);
    for (const name of SERVICES) {
      this.grpc[name] = `127.0.0.1:${await this.ports.take()}`;
      this.ops[name] = `http://127.0.0.1:${await this.ports.take()}`;
    }
    this.url = this.ops.gateway;
    await Promise.all(
      this.services.map((name) =>
        run(this.#program(name), ['--migrate'], { env: this.#env(name), cwd: this.dir }),
      ),
    );
    for (const name of this.services) this.startService(name);
    await this.allReady();
    this.api = new Api(this.url, { token: this.token });
    this.onClose(() => this.api.close());
  }

  #program(name) {
    return path.join(BIN_DIR, PROGRAMS[name]);
  }

  #env(name) {
    const env = {
      PATH: process.env.PATH,
      LANG: 'C.UTF-8',
      ...sanitizerOptions(),
      TASKROUTER_GRPC_LISTEN: this.grpc[name],
      TASKROUTER_HTTP_LISTEN: this.ops[name].slice('http://'.length),
      TASKROUTER_DATABASE_URL: this.databaseUrlOf(name),
      TASKROUTER_NATS_URL: this.natsUrl,
      TASKROUTER_SERVICE_TOKEN: this.serviceToken,
      TASKROUTER_LOG_LEVEL: 'info',
    };
    for (const peer of SERVICES) env[`TASKROUTER_GRPC_${peer.toUpperCase()}`] = this.grpc[peer];
    if (name === 'gateway' || name === 'tasks') {
      env.TASKROUTER_ACCOUNT_SID = this.accountSid;
      env.TASKROUTER_AUTH_TOKEN = this.authToken;
    }
    if (name === 'gateway') env.TASKROUTER_BOOTSTRAP_TOKEN = this.token;
    return { ...env, ...this.environment };
  }

  // The login role of a service, "reader", or undefined for the superuser.
  databaseUrlOf(role) {
    return `postgresql://${role ? `taskrouter_${role}` : PG_USER}@/taskrouter?host=${this.dir}/socket`;
  }

  async #startDatabase() {
    const owner = process.getuid() === 0 ? (await run('id', ['-u', PG_USER])).trim() : null;
    for (const [name, mode] of [
      ['pg', 0o700],
      ['socket', 0o755],
    ]) {
      const dir = path.join(this.dir, name);
      fs.mkdirSync(dir);
      fs.chmodSync(dir, mode);
      if (owner !== null) fs.chownSync(dir, Number(owner), Number(owner));
    }
    const data = path.join(this.dir, 'pg');
    const env = { PATH: process.env.PATH, LANG: 'C.UTF-8' };
    const template = templatePath();
    const settings = [
      `unix_socket_directories=${this.dir}/socket`,
      'listen_addresses=',
      'fsync=off',
      'full_page_writes=off',
      'max_connections=200',
      'shared_buffers=64MB',
      'jit=off',
      'log_min_messages=warning',
    ];
    this.postgres = new Process({
      name: 'postgres',
      program: `${PG_BIN}/postgres`,
      env,
      cwd: '/tmp',
      user: PG_USER,
      deathSignal: 'QUIT',
      args: ['-D', data, ...settings.flatMap((s) => ['-c', s])],
      logFile: path.join(this.dir, 'postgres.log'),
    });
    if (fs.existsSync(template)) {
      await run('cp', ['-aT', template, data]);
      await this.startPostgres();
    } else {
      await this.#makeDatabase(data, template, env);
    }
  }

  // What initdb and bootstrap.sql make is kept for the suites to come; of two that do so the first one's is kept.
  async #makeDatabase(data, template, env) {
    await run(
      `${PG_BIN}/initdb`,
      [
        '-D',
        data,
        '-U',
        PG_USER,
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--locale=C.UTF-8',
        '--no-sync',
        '--no-instructions',
        '--wal-segsize=1',
      ],
      { env, user: PG_USER, cwd: '/tmp' },
    );
    await this.startPostgres();
    await run(
      'psql',
      [
        '-X',
        '-q',
        '-v',
        'ON_ERROR_STOP=1',
        '-h',
        `${this.dir}/socket`,
        '-U',
        PG_USER,
        '-d',
        'postgres',
        '-f',
        BOOTSTRAP_FILE,
      ],
      { env },
    );
    await this.stopPostgres();
    const ours = `${template}-${process.pid}`;
    try {
      await run('cp', ['-aT', data, ours]);
      fs.renameSync(ours, template);
    } catch {
      fs.rmSync(ours, { recursive: true, force: true });
    }
    await this.startPostgres();
  }

  async startPostgres() {
    this.postgres.start();
    // The eighth line of postmaster.pid says "ready" once connections are taken.
    await until(
      'PostgreSQL takes connections',
      () => {
        if (!this.postgres.isAlive) throw new Hopeless(`PostgreSQL ended:\n${this.postgres.tail()}`);
        const lines = fs.readFileSync(path.join(this.dir, 'pg/postmaster.pid'), 'utf8').split('\n');
        return Number(lines[0]) === this.postgres.pid && /^ready/.test(lines[7] ?? '');
      },
      { timeoutMs: START_MS },
    );
  }

  async stopPostgres() {
    await this.postgres.stop('SIGINT');
  }

  async #startFirstNats() {
    const port = await this.ports.take();
    this.natsUrl = `nats://127.0.0.1:${port}`;
    this.nats = new Process({
      name: 'nats',
      program: NATS_BIN,
      env: { PATH: process.env.PATH },
      logFile: path.join(this.dir, 'nats.log'),
      args: ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', path.join(this.dir, 'nats')],
    });
    await this.startNats();
  }

  async startNats() {
    const { hostname, port } = new URL(this.natsUrl);
    const { connect } = await import('node:net');
    this.nats.start();
    await until(
      'nats-server greets',
      () => {
        if (!this.nats.isAlive) throw new Hopeless(`nats-server ended:\n${this.nats.tail()}`);
        return new Promise((resolve) => {
          const socket = connect(Number(port), hostname);
          socket.once('data', (data) => {
            resolve(String(data).includes('"jetstream":true'));
            socket.destroy();
          });
          socket.once('error', () => resolve(false));
        });
      },
      { timeoutMs: START_MS },
    );
  }

  async stopNats() {
    await this.nats.stop('SIGTERM');
  }

  // ---- services ----

  startService(name) {
    this.processes[name] ??= new Process({
      name: PROGRAMS[name],
      program: this.#program(name),
      env: this.#env(name),
      cwd: this.dir,
      logFile: path.join(this.dir, `${PROGRAMS[name]}.log`),
    });
    this.processes[name].start();
  }

  async kill(name, signal = 'SIGKILL') {
    this.allowedExits.add(name);
    this.processes[name].signal(signal);
    return this.processes[name].ended;
  }

  async restart(name) {
    await this.processes[name].stop();
    this.startService(name);
    await this.ready(name);
  }

  // The same with other settings; undefined takes one away.
  async restartWith(name, environment) {
    await this.processes[name].stop();
    const env = { ...this.#env(name), ...environment };
    for (const key of Object.keys(env)) if (env[key] === undefined) delete env[key];
    this.processes[name].options.env = env;
    this.startService(name);
    await this.ready(name);
  }

  ready(name, timeoutMs = START_MS) {
    return until(
      `${PROGRAMS[name]} is ready`,
      async () => {
        if (!this.processes[name].isAlive) {
          throw new Hopeless(`${PROGRAMS[name]} ended: ${JSON.stringify(this.processes[name].exit)}`);
        }
        const reply = await request(`${this.ops[name]}/readyz`, { timeoutMs: 3000 });
        if (reply.status !== 200) throw new Error(reply.text);
        return true;
      },
      { timeoutMs },
    );
  }

  allReady(timeoutMs) {
    return Promise.all(this.services.map((name) => this.ready(name, timeoutMs)));
  }

  // What a service answers its operators.
  probe(name, path) {
    return request(this.ops[name] + path, { timeoutMs: 10000 });
  }

  pids() {
    return Object.fromEntries(
      this.services.map((name) => [name, this.processes[name].isAlive ? this.processes[name].pid : 0]),
    );
  }

  // ---- what tests look at ----

  #connection(role) {
    const client = new pg.Client({
      host: `${this.dir}/socket`,
      port: 5432,
      database: 'taskrouter',
      user: role ? `taskrouter_${role}` : PG_USER,
    });
    client.on('error', () => {}); // the server may be stopped under it
    return client;
  }

  // Rows of a query, as the superuser (who sees every schema) or as a role.
  async sql(text, params = [], role = undefined) {
    const client = this.#connection(role);
    await client.connect();
    try {
      return (await client.query(text, params)).rows;
    } finally {
      await client.end();
    }
  }

  // What is stored, counted per table, once it stands still: copies and histories of what happened before
  // come in their own time. Left out are tables of deliveries, of refusals, and of statistics: these follow
  // the log, which is counted, a second or two later. What lies below a deleted workspace goes in its own time as well,
  // and is waited for.
  async counts() {
    await until(
      'what lies below deleted workspaces is removed',
      async () =>
        (await this.sql(`select count(*)::int as n from tasks.workspace_removal where passes = 0`))[0].n === 0,
      { timeoutMs: 60000, everyMs: 200 },
    );
    let last = null;
    return until(
      'the tables stand still',
      async () => {
        const now = await this.#countOnce();
        const isSame = last !== null && isDeepStrictEqual(now, last);
        last = now;
        return isSame && now;
      },
      { everyMs: 200 },
    );
  }

  async #countOnce() {
    const client = this.#connection();
    await client.connect();
    try {
      const { rows } = await client.query(
        `select schemaname, tablename from pg_tables
        where schemaname = any($1) and tablename !~ '(outbox|idempotency|migration|lease|audit|relay|cursor|removal|^stat_)' order by 1, 2`,
        [SERVICES],
      );
      const counts = {};
      for (const { schemaname, tablename } of rows) {
        const found = await client.query(`select count(*)::int as n from "${schemaname}"."${tablename}"`);
        counts[`${schemaname}.${tablename}`] = found.rows[0].n;
      }
      return counts;
    } finally {
      await client.end();
    }
  }

  // Holds a table against every writer until release().
  async lock(table) {
    const client = this.#connection();
    await client.connect();
    await client.query('begin');
    await client.query(`lock table ${table} in exclusive mode`);
    return { release: () => client.end() };
  }

  logs() {
    return Object.fromEntries(Object.entries(this.processes).map(([name, process]) => [name, process.log()]));
  }

  // Each line a service writes is a JSON object; a stack or a sanitizer's report is not.
  assertLogsAreClean() {
    for (const [name, text] of Object.entries(this.logs())) {
      for (const line of text.split('\n')) {
        if (line === '') continue;
        let parsed = null;
        try {
          parsed = JSON.parse(line);
        } catch {
          // Told below.
        }
        // A line may be cut by kill -9, and only then.
        assert.ok(
          parsed !== null || (this.allowedExits.has(name) && line.startsWith('{')),
          `${PROGRAMS[name]} wrote what is no log line: ${line}`,
        );
        assert.ok(
          !/AddressSanitizer|runtime error:|#0 0x/.test(line),
          `${PROGRAMS[name]} logged a stack: ${line}`,
        );
      }
    }
  }

  stream(options = {}) {
    const stream = new EventStream(this.url, { token: this.token, workspace: this.workspace, ...options });
    this.onClose(() => stream.close());
    return stream.opened;
  }

  onClose(fn) {
    this.closers.push(fn);
  }

  // ---- the guide's workspace ----

  // Made by the program that users run; gives { workspace, activities, queues, workflow } by name.
  async seed() {
    const env = { PATH: process.env.PATH, TASKROUTER_URL: this.url, TASKROUTER_TOKEN: this.token };
    this.workspace = (await run(path.join(SOURCE_DIR, 'tools/seed'), [], { env, cwd: this.dir })).trim();
    this.api.workspace = this.workspace;
    const byName = async (collection) =>
      Object.fromEntries((await this.api.list(collection)).map((item) => [item.friendlyName, item.sid]));
    this.activities = await byName('/activities');
    this.queues = await byName('/queues');
    this.workflows = await byName('/workflows');
    this.workflow = this.workflows['Default Workflow'];
    return this;
  }

  // A worker who can take tasks; capacity of the default channel.
  async worker(friendlyName, { attributes = {}, capacity = 1, activity = 'Available' } = {}) {
    const worker = await this.api.post('/workers', {
      friendlyName,
      attributes,
      activitySid: this.activities[activity],
    });
    if (capacity !== 1) {
      await this.api.must('PATCH', `/workers/${worker.sid}/channels/default`, { capacity });
    }
    return worker;
  }

  // The reservation of a task that waits for an answer.
  offerOf(taskSid) {
    return until(`an offer of ${taskSid}`, async () =>
      (await this.api.get(`/reservations?taskSid=${taskSid}`)).items.find(
        (r) => r.reservationStatus === 'pending',
      ),
    );
  }

  // ---- end ----

  printTails() {
    for (const process of [this.postgres, this.nats, ...Object.values(this.processes)]) {
      const tail = process?.tail();
      if (tail) console.log(`---- ${process.name}, last lines ----\n${tail}`);
    }
  }

  // Ends everything. In order: the door first, the data last. What a service says by its exit status (a
  // leak, for example) fails the test.
  async stop() {
    const problems = [];
    for (const close of this.closers.reverse()) await close();
    const ends = [];
    for (const name of [...this.services].reverse()) {
      const process = this.processes[name];
      if (!process) continue;
      const wasAlive = process.isAlive;
      ends.push(
        process.stop('SIGTERM').then((exit) => {
          if (wasAlive ? exit?.code !== 0 : !this.allowedExits.has(name)) {
            problems.push(`${process.name} ended with ${JSON.stringify(exit)}`);
          }
        }),
      );
    }
    await Promise.all(ends);
    await Promise.all([this.nats?.stop('SIGKILL'), this.postgres?.stop('SIGQUIT')]);
    try {
      if (!this.isFailed) this.assertLogsAreClean();
    } catch (error) {
      problems.push(error.message);
    }
    if (this.isFailed || problems.length > 0) this.printTails();
    await this.ports?.release();
    await this.janitor?.finish();
    assert.deepEqual(problems, [], 'every service ends in order');
  }
}

// Starts a suite before the file's tests and ends it after them. Tests are declared with suite.test,
// so that the logs are shown when one fails. options: services and environment of the suite; seed: make
// the guide's workspace; prepare(): what the file's tests need once (hooks of one file run side by side,
// so a second before() would not find the suite up).
export function useSuite(options = {}) {
  const suite = new Suite(options);
  before(
    async () => {
      try {
        await suite.start();
        if (options.seed) await suite.seed();
        await options.prepare?.();
      } catch (error) {
        suite.isFailed = true;
        throw error;
      }
    },
    { timeout: 120000 },
  );
  after(() => suite.stop(), { timeout: 60000 });
  suite.test = (name, fn, testOptions = {}) =>
    test(name, { timeout: 120000, ...testOptions }, async (t) => {
      try {
        await fn(t);
      } catch (error) {
        suite.isFailed = true;
        throw error;
      }
    });
  return suite;
}
