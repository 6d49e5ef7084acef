// The telephone company, by script: it calls the suite's webhooks as Twilio does, signed, and takes the calls
// that the suite has it place.
import { createHmac, randomBytes } from 'node:crypto';
import http from 'node:http';
import { request } from './http.mjs';
import { until } from './until.mjs';

const sid = (prefix) => prefix + randomBytes(16).toString('hex');

export class VoicePeer {
  // publicUrl: how the suite is known to the world, which need not be where it listens.
  constructor(publicUrl) {
    this.publicUrl = publicUrl;
    this.placed = []; // { sid, params } of each call that was asked for
    this.changed = []; // { sid, params } of each change of a live call
  }

  async start() {
    this.server = http.createServer((req, res) => this.#take(req, res));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections?.();
  }

  // Settings of a suite that calls by this peer.
  environment() {
    return { TASKROUTER_PUBLIC_URL: this.publicUrl, TASKROUTER_TWILIO_VOICE_URL: this.url };
  }

  // suite: whose webhooks are called.
  use(suite) {
    this.suite = suite;
    return this;
  }

  async #take(req, res) {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const params = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    const one = /\/Calls\/(CA[0-9a-f]{32})\.json$/.exec(req.url)?.[1];
    const call = { sid: one ?? sid('CA'), params };
    if (req.method === 'POST') (one ? this.changed : this.placed).push(call);
    res.writeHead(req.method === 'POST' && !one ? 201 : 200, { 'content-type': 'application/json' });
    res.end(
      JSON.stringify({
        sid: call.sid,
        account_sid: this.suite.accountSid,
        status: one ? 'in-progress' : 'queued',
        to: params.To ?? '',
        from: params.From ?? '',
      }),
    );
  }

  // A webhook: path or whole URL; gives the reply.
  hook(where, params) {
    const url = where.startsWith('http') ? where : `${this.publicUrl}/api/webhooks${where}`;
    const text = url + Object.keys(params).sort().map((name) => name + params[name]).join('');
    const signature = createHmac('sha1', this.suite.authToken).update(text).digest('base64');
    return request(this.suite.url + url.slice(this.publicUrl.length), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature },
      body: new URLSearchParams(params).toString(),
    });
  }

  // The parameters of an incoming call.
  incoming({ from = '+12125550199', to = '+12125550100' } = {}) {
    return {
      AccountSid: this.suite.accountSid,
      CallSid: sid('CA'),
      From: from,
      To: to,
      CallStatus: 'ringing',
      Direction: 'inbound',
      ApiVersion: '2010-04-01',
    };
  }

  // The next call that the suite places to that address.
  placedTo(address) {
    return until(`a call to ${address}`, () => this.placed.find((call) => call.params.To === address));
  }
}
