// The road between two suites, with what happens on real roads: latency, refusals, resets, answers that are cut
// off or lost, and, for webhooks, repeats and changes of order. What happens to which request follows from a seed.
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const BODY_MAX = 4 << 20;
const HOOK_RETRY_MS = 200;

// mulberry32: small, and the same everywhere.
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// What may befall a call of the API. Those marked "after" have happened upstream.
const API_FAULTS = ['latency', '429', '429-later', '500', 'reset', 'reset-after', 'cut', '503-after'];

async function bodyOf(stream) {
  const chunks = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > BODY_MAX) throw new Error('the body is too large for the proxy');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

class Road {
  constructor({ target, seed = 1 }) {
    this.target = target; // () => "http://127.0.0.1:port"
    this.random = random(seed);
    this.rate = 0; // share of requests that something befalls
    this.isAway = false;
    this.seen = 0;
    this.faults = {}; // name -> count
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 128 });
    this.sockets = new Set();
  }

  async start() {
    this.server = http.createServer((req, res) => {
      this.take(req, res).catch(() => req.socket.destroy());
    });
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      if (this.isAway) socket.destroy();
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  // The other end cannot be reached: open connections break, new ones do too.
  away(isAway) {
    this.isAway = isAway;
    if (isAway) for (const socket of this.sockets) socket.destroy();
  }

  count(fault) {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
  }

  // Passes a request on as it came (the Host header too, which the signature and paging speak of). Gives
  // { status, headers, body }.
  forward({ method, url, headers, body }) {
    const { hostname, port } = new URL(this.target());
    return new Promise((resolve, reject) => {
      const req = http.request(
        { hostname, port, method, path: url, headers, agent: this.agent, setHost: false },
        (res) => {
          bodyOf(res).then(
            (bytes) => resolve({ status: res.statusCode, headers: res.headers, body: bytes }),
            reject,
          );
        },
      );
      req.on('error', (error) => {
        // A kept connection that had just been closed: nothing was done yet.
        if (req.reusedSocket && error.code === 'ECONNRESET' && method === 'GET') {
          this.forward({ method, url, headers, body }).then(resolve, reject);
        } else reject(error);
      });
      req.end(body);
    });
  }

  async close() {
    this.agent.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

// From our sync-svc to Twilio's API.
export class ApiRoad extends Road {
  constructor(options) {
    super(options);
    this.kinds = options.kinds ?? API_FAULTS;
    this.calls = []; // { method, url, status } of what reached the other end
  }

  async take(req, res) {
    const body = await bodyOf(req);
    this.seen++;
    const fault = this.random() < this.rate ? this.kinds[Math.floor(this.random() * this.kinds.length)] : null;
    if (fault) this.count(fault);
    if (fault === 'latency') await delay(300 + this.random() * 700);
    if (fault === '429') return this.#refuse(res, 429, 20429, { 'retry-after': '1' });
    if (fault === '429-later') return this.#refuse(res, 429, 20429);
    if (fault === '500') return this.#refuse(res, 500, 20500);
    if (fault === 'reset') return req.socket.destroy();
    const reply = await this.forward({ method: req.method, url: req.url, headers: req.headers, body });
    this.calls.push({ method: req.method, url: req.url, status: reply.status });
    if (this.isAway || fault === 'reset-after') return req.socket.destroy();
    if (fault === '503-after') return this.#refuse(res, 503, 20503);
    res.writeHead(reply.status, reply.headers);
    if (fault === 'cut' && reply.body.length > 1) {
      res.write(reply.body.subarray(0, reply.body.length >> 1), () => req.socket.destroy());
      return;
    }
    res.end(reply.body);
  }

  #refuse(res, status, code, headers = {}) {
    res.writeHead(status, { 'content-type': 'application/json', ...headers });
    res.end(
      JSON.stringify({
        code,
        message: `The proxy says ${status}`,
        more_info: `https://www.twilio.com/docs/errors/${code}`,
        status,
      }),
    );
  }
}

// From Twilio's callbacks to our gateway: a queue in between that answers at once and delivers until it is taken,
// sometimes twice, sometimes later than what came after.
export class HookRoad extends Road {
  constructor(options) {
    super(options);
    this.pending = new Set();
    this.sent = []; // { url, params, status } of what was taken
    this.refused = []; // answers that another time would not change
  }

  async take(req, res) {
    const body = await bodyOf(req);
    this.seen++;
    const hook = { method: req.method, url: req.url, headers: req.headers, body };
    // Whoever calls waits for an answer that says what to do.
    if (!req.url.startsWith('/api/webhooks/taskrouter')) return this.#relay(hook, res);
    if (this.random() < this.rate) {
      this.count('late');
      this.#later(hook, this.random() * 1500);
    } else await this.#deliver(hook);
    if (this.random() < this.rate) {
      this.count('twice');
      this.#later(hook, this.random() * 1500);
    }
    res.writeHead(204);
    res.end();
  }

  async #relay(hook, res) {
    const reply = await this.forward(hook);
    res.writeHead(reply.status, reply.headers);
    res.end(reply.body);
  }

  #later(hook, ms) {
    const job = delay(ms).then(() => this.#deliver(hook));
    this.pending.add(job);
    job.finally(() => this.pending.delete(job)).catch(() => {});
  }

  async #deliver(hook) {
    while (!this.isClosed) {
      try {
        const { status } = await this.forward(hook);
        if (status < 300) {
          this.sent.push({
            url: hook.url,
            params: Object.fromEntries(new URLSearchParams(String(hook.body))),
            status,
          });
          return;
        }
        if (status < 500 && status !== 429) {
          this.refused.push({ url: hook.url, status, body: String(hook.body).slice(0, 300) });
          return;
        }
      } catch {
        // The gateway is away; again.
      }
      await delay(HOOK_RETRY_MS);
    }
  }

  // Until nothing is under way any more.
  async quiet() {
    while (this.pending.size > 0) await Promise.all([...this.pending]);
  }

  async close() {
    this.isClosed = true;
    await super.close();
  }
}
