// Two suites: `twilio` routes (provider local) and plays Twilio, `ours` is in front of it (provider twilio).
// Between them two roads with faults: `api` for our calls, `hooks` for its callbacks. Both have one account,
// as a platform and Twilio have.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ApiRoad, HookRoad } from './proxy.mjs';
import { BIN_DIR, Suite, sanitizerOptions } from './suite.mjs';
import { until } from './until.mjs';

const HOOK_PATH = '/api/webhooks/taskrouter';

class Twins {
  constructor({ seed = 1, ours = {}, twilio = {} } = {}) {
    this.seed = seed;
    this.options = { ours, twilio };
    this.isFailed = false;
  }

  async start() {
    this.twilio = new Suite({
      environment: { TASKROUTER_CALLBACK_ALLOW_PRIVATE: 'true', ...this.options.twilio.environment },
    });
    this.hooks = await new HookRoad({ seed: this.seed + 1, target: () => this.ours.url }).start();
    await this.twilio.start();
    await this.#makeWorkspace();
    this.api = await new ApiRoad({ seed: this.seed, target: () => this.twilio.url }).start();
    this.ours = new Suite({
      environment: {
        TWILIO_ACCOUNT_SID: this.twilio.accountSid,
        TWILIO_AUTH_TOKEN: this.twilio.authToken,
        TWILIO_WORKSPACE_SID: this.sid,
        TASKROUTER_TWILIO_URL: this.api.url,
        TASKROUTER_TWILIO_RATE: '400',
        TASKROUTER_TWILIO_BURST: '400',
        TASKROUTER_TWILIO_CONCURRENCY: '16',
        TASKROUTER_PUBLIC_URL: this.hooks.url,
        ...this.options.ours.environment,
      },
    });
    this.ours.accountSid = this.twilio.accountSid;
    await this.ours.start();
    this.mine = this.ours.api.with({ workspace: this.sid });
    this.ours.onClose(() => this.mine.close());
  }

  get hookUrl() {
    return this.hooks.url + HOOK_PATH;
  }

  // A workspace at Twilio, which we do not know yet.
  async #makeWorkspace() {
    const made = await this.twilio.api.post('/workspaces', {
      friendlyName: 'KIN',
      eventCallbackUrl: this.hookUrl,
    });
    this.sid = made.sid;
    this.theirs = this.twilio.api.with({ workspace: this.sid });
    this.twilio.onClose(() => this.theirs.close());
  }

  // The command, as an operator runs it. Gives { code, stdout, stderr }; never throws.
  command(args, { environment = {}, timeoutMs = 120000 } = {}) {
    const env = {
      PATH: process.env.PATH,
      LANG: 'C.UTF-8',
      ...sanitizerOptions(),
      TASKROUTER_URL: this.ours.url,
      TASKROUTER_TOKEN: this.ours.token,
      ...environment,
    };
    const options = { env, cwd: this.ours.dir, timeout: timeoutMs, maxBuffer: 64 << 20 };
    return new Promise((resolve) => {
      execFile(path.join(BIN_DIR, 'taskrouter'), args, options, (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? -1) : 0, stdout, stderr }),
      );
    });
  }

  // The same of a list on both sides, by SID, in the fields named.
  async assertInStep(list, fields) {
    const [theirs, mine] = await Promise.all([this.theirs.list(list), this.mine.list(list)]);
    // Twilio's dates are whole seconds.
    const value = (item, name) => (/^date/.test(name) ? Math.floor(Date.parse(item[name]) / 1000) : item[name]);
    const pick = (items) =>
      Object.fromEntries(
        items.map((item) => [item.sid, Object.fromEntries(fields.map((f) => [f, value(item, f)]))]),
      );
    assert.deepEqual(pick(mine), pick(theirs), `${list}: ours are theirs`);
    return theirs.length;
  }

  // Nothing befalls anybody any more, and what was under way has arrived.
  async calm() {
    this.api.rate = 0;
    this.hooks.rate = 0;
    this.api.away(false);
    this.hooks.away(false);
    await this.hooks.quiet();
  }

  // Once every webhook that arrived has been worked off.
  inboxIsEmpty(timeoutMs = 180000) {
    return until(
      'every webhook is worked off',
      async () =>
        (
          await this.ours.sql(
            `select count(*)::int as n from gateway.webhook where state = 'waiting'`,
          )
        )[0].n === 0,
      { timeoutMs, everyMs: 100 },
    );
  }

  async stop() {
    if (this.isFailed) {
      this.ours && (this.ours.isFailed = true);
      this.twilio && (this.twilio.isFailed = true);
      console.log('faults of the API:', this.api?.faults, 'of webhooks:', this.hooks?.faults);
      console.log('webhooks refused:', this.hooks?.refused.slice(0, 5));
    }
    // What Twilio sends while it ends must not wait for us.
    await this.hooks?.close();
    await Promise.all([this.twilio?.stop(), this.ours?.stop()]);
    await this.api?.close();
  }
}

// As useSuite.
export function useTwins(options = {}) {
  const twins = new Twins(options);
  before(
    async () => {
      try {
        await twins.start();
        await options.prepare?.();
      } catch (error) {
        twins.isFailed = true;
        throw error;
      }
    },
    { timeout: 180000 },
  );
  after(() => twins.stop(), { timeout: 90000 });
  twins.test = (name, fn, testOptions = {}) =>
    test(name, { timeout: 400000, ...testOptions }, async (t) => {
      try {
        await fn(t);
      } catch (error) {
        twins.isFailed = true;
        throw error;
      }
    });
  return twins;
}
