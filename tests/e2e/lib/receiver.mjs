// An application's webhooks: takes what the suite sends, checks it as the official SDK does, and answers as the
// test says. Plain node:http, since the SDK's validateRequest needs no framework.
import assert from 'node:assert/strict';
import http from 'node:http';
import twilio from 'twilio';

const FORM = /^application\/x-www-form-urlencoded(;|$)/;
const BODY_MAX = 1 << 20;

// A form as { name: value }; a name that comes again has its values in a list.
function parseForm(text) {
  const params = {};
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in params) params[name] = [].concat(params[name], value);
    else params[name] = value;
  }
  return params;
}

export class Receiver {
  constructor(authToken) {
    this.authToken = authToken;
    this.requests = []; // { path, url, method, headers, text, params, isValid } in order of arrival
    this.answers = new Map(); // path -> function(request) giving { status, type, body }, or undefined: 204
  }

  async start() {
    this.server = http.createServer((req, res) => this.#take(req, res));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    return this;
  }

  // The URL to configure for a path; rest: query and fragment.
  url(path, rest = '') {
    return `http://127.0.0.1:${this.port}${path}${rest}`;
  }

  answer(path, fn) {
    this.answers.set(path, fn);
  }

  async #take(req, res) {
    const chunks = [];
    let size = 0;
    for await (const chunk of req) {
      size += chunk.length;
      if (size > BODY_MAX) return req.destroy();
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString();
    const url = `http://${req.headers.host}${req.url}`;
    const { pathname } = new URL(url);
    const params = parseForm(text);
    const isValid = twilio.validateRequest(
      this.authToken,
      req.headers['x-twilio-signature'] ?? '',
      url,
      params,
    );
    const heard = { path: pathname, url, method: req.method, headers: req.headers, text, params, isValid };
    this.requests.push(heard);
    const { status = 204, type, body = '' } = (await this.answers.get(pathname)?.(heard)) ?? {};
    res.writeHead(status, type ? { 'content-type': type } : {});
    res.end(body);
  }

  at(path) {
    return this.requests.filter((r) => r.path === path);
  }

  // What holds for whatever was sent.
  assertAllAreSigned() {
    for (const r of this.requests) {
      assert.ok(r.isValid, `validateRequest refuses ${r.url} with ${r.text}`);
      assert.equal(r.method, 'POST');
      assert.match(r.headers['content-type'], FORM);
      for (const [name, value] of Object.entries(r.params)) {
        assert.equal(typeof value, 'string', `${name} comes once`);
        assert.match(name, /^[A-Z][A-Za-z]*$/, 'names are PascalCase');
      }
    }
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
