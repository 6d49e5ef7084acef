// The REST API as a plain HTTP client sees it, and its event stream.
import http from 'node:http';
import { randomUUID } from 'node:crypto';

// One request. body: an object (sent as JSON), a string or Buffer (sent as it is), or undefined.
// Gives { status, headers, text, body } where body is the parsed JSON, or undefined.
export function request(url, { method = 'GET', headers = {}, body, agent, timeoutMs = 30000 } = {}) {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  const payload = body === undefined || isRaw ? body : JSON.stringify(body);
  const send = { ...headers };
  if (payload !== undefined) {
    send['content-type'] ??= 'application/json';
    send['content-length'] = Buffer.byteLength(payload);
  }
  return new Promise((resolve, reject) => {
    const req = http.request(url, { method, headers: send, agent }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('error', reject);
      res.on('aborted', () => reject(new Error(`${method} ${url}: the reply was cut off`)));
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        let parsed;
        if (text !== '' && /\bjson\b/.test(res.headers['content-type'] ?? '')) {
          try {
            parsed = JSON.parse(text);
          } catch {
            reject(new Error(`${method} ${url}: not JSON: ${text.slice(0, 200)}`));
            return;
          }
        }
        resolve({ status: res.statusCode, headers: res.headers, text, body: parsed });
      });
    });
    req.setTimeout(timeoutMs, () => req.destroy(new Error(`${method} ${url}: no answer in ${timeoutMs} ms`)));
    req.on('error', (error) => {
      error.isReused = req.reusedSocket;
      reject(error);
    });
    // With Expect the body is sent when the server asks for it, and never after a refusal.
    if (send.expect) {
      req.on('continue', () => req.end(payload));
      req.on('response', (res) => res.on('end', () => req.destroy()));
      req.flushHeaders();
    } else {
      req.end(payload);
    }
  });
}

export class Api {
  // token: undefined sends none; workspace: the SID for X-Workspace-Sid, or undefined.
  constructor(url, { token, workspace } = {}) {
    this.url = url;
    this.token = token;
    this.workspace = workspace;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  }

  with(changes) {
    return new Api(this.url, { token: this.token, workspace: this.workspace, ...changes });
  }

  async call(method, path, body, { headers = {}, timeoutMs } = {}) {
    const send = { ...headers };
    if (this.token !== undefined) send.authorization = `Bearer ${this.token}`;
    if (this.workspace !== undefined) send['x-workspace-sid'] = this.workspace;
    const options = { method, headers: send, body, agent: this.agent, timeoutMs };
    const url = path.startsWith('/api/') ? this.url + path : `${this.url}/api/taskrouter${path}`;
    try {
      return await request(url, options);
    } catch (error) {
      // A kept connection that the server had just closed says nothing about the request.
      if (error.isReused && error.code === 'ECONNRESET')
        return request(url, { ...options, agent: undefined });
      throw error;
    }
  }

  // The body of a 2xx reply; anything else is an error that shows the reply.
  async must(method, path, body, options) {
    const reply = await this.call(method, path, body, options);
    if (reply.status < 200 || reply.status > 299) {
      throw new Error(`${method} ${path}: ${reply.status} ${reply.text.slice(0, 500)}`);
    }
    return reply.body;
  }

  get(path) {
    return this.must('GET', path);
  }

  post(path, body, options) {
    return this.must('POST', path, body, options);
  }

  // All pages of a list.
  async list(path) {
    const items = [];
    let cursor = '';
    do {
      const sep = path.includes('?') ? '&' : '?';
      const page = await this.get(
        `${path}${sep}pageSize=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      items.push(...page.items);
      cursor = page.nextCursor ?? '';
    } while (cursor);
    return items;
  }

  // A POST as a careful client sends it: asked again with the same idempotency key until it is
  // answered by anything but "not now". Gives the reply.
  async insist(path, body, { timeoutMs = 60000 } = {}) {
    const key = randomUUID();
    const end = Date.now() + timeoutMs;
    for (;;) {
      let last;
      try {
        last = await this.call('POST', path, body, { headers: { 'idempotency-key': key }, timeoutMs: 10000 });
        if (last.status !== 503 && last.status !== 429 && last.status !== 504) return last;
      } catch (error) {
        last = error;
      }
      if (Date.now() > end) throw new Error(`POST ${path}: ${last.message ?? `${last.status} ${last.text}`}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  close() {
    this.agent.destroy();
  }
}

// The server-sent events of GET /stream, parsed by the rules of the HTML standard.
export class EventStream {
  constructor(url, { token, workspace, lastEventId, path = '/api/taskrouter/stream' } = {}) {
    this.events = []; // { id, event, data } in order of arrival; data is parsed JSON
    this.comments = 0;
    this.isEnded = false;
    this.lastId = '';
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
    if (workspace) headers['x-workspace-sid'] = workspace;
    if (lastEventId) headers['last-event-id'] = lastEventId;
    this.opened = new Promise((resolve, reject) => {
      this.request = http.get(url + path, { headers, agent: false }, (res) => {
        this.status = res.statusCode;
        this.headers = res.headers;
        let rest = '';
        res.setEncoding('utf8');
        res.on('data', (text) => {
          rest = this.#read(rest + text);
        });
        res.on('error', () => {});
        res.on('close', () => (this.isEnded = true));
        resolve(this);
      });
      this.request.on('error', (error) => {
        this.isEnded = true;
        reject(error);
      });
    });
    this.opened.catch(() => {});
  }

  #read(text) {
    let end;
    while ((end = text.search(/\r?\n\r?\n/)) >= 0) {
      const block = text.slice(0, end);
      text = text.slice(end).replace(/^\r?\n\r?\n/, '');
      const event = { id: this.lastId, event: 'message', data: '' };
      for (const line of block.split(/\r?\n/)) {
        const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
        if (name === '') this.comments++;
        else if (name === 'data') event.data += (event.data && '\n') + value;
        else if (name === 'event') event.event = value;
        else if (name === 'id') event.id = this.lastId = value;
      }
      if (event.data !== '') this.events.push({ ...event, data: JSON.parse(event.data) });
    }
    return text;
  }

  close() {
    this.request.destroy();
  }
}
