// Calls as Twilio tells of them: webhooks signed by the official SDK, and their answers read by a strict
// parser of XML and said again with the SDK's verbs.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { SaxesParser } from 'saxes';
import twilio from 'twilio';
import { request } from './http.mjs';

const hex = (bytes) => randomBytes(bytes).toString('hex');

// An element as { name, attributes, children, text }. Throws at what is not well-formed XML 1.0.
export function parseXml(text) {
  const parser = new SaxesParser();
  const root = { children: [] };
  const open = [root];
  parser.on('error', (error) => {
    throw new Error(`${error.message} in ${text}`);
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name, attributes: { ...attributes }, children: [], text: '' };
    open.at(-1).children.push(element);
    open.push(element);
  });
  parser.on('text', (part) => {
    if (open.length > 1) open.at(-1).text += part;
  });
  parser.on('cdata', (part) => (open.at(-1).text += part));
  parser.on('closetag', () => open.pop());
  parser.write(text).close();
  assert.equal(root.children.length, 1);
  return root.children[0];
}

// The same document made with the SDK's verbs: one that it does not have, or has not there, throws.
function sayAgain(element, parent) {
  for (const child of element.children) {
    const verb = parent[child.name.toLowerCase()];
    assert.equal(typeof verb, 'function', `the SDK has no ${child.name} in ${element.name}`);
    const hasText = child.children.length === 0 && child.text !== '';
    const made = hasText ? verb.call(parent, child.attributes, child.text) : verb.call(parent, child.attributes);
    sayAgain(child, made);
  }
}

// Reads an answer and gives its tree.
export function readTwiml(text, { isMessage = false } = {}) {
  const tree = parseXml(text);
  assert.equal(tree.name, 'Response');
  const again = isMessage ? new twilio.twiml.MessagingResponse() : new twilio.twiml.VoiceResponse();
  sayAgain(tree, again);
  assert.deepEqual(parseXml(again.toString()), tree);
  return tree;
}

// Names of the elements in the order of the document.
export function verbsOf(tree) {
  return tree.children.flatMap((child) => [child.name, ...verbsOf(child)]);
}

export function find(tree, name) {
  for (const child of tree.children) {
    const found = child.name === name ? child : find(child, name);
    if (found) return found;
  }
  return undefined;
}

export class Carrier {
  constructor(suite) {
    this.suite = suite;
  }

  // POSTs a signed webhook; path as in a callback: absolute, or below the host.
  send(path, params, { token } = {}) {
    const url = path.startsWith('http') ? path : this.suite.url + path;
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': twilio.getExpectedTwilioSignature(this.suite.authToken, url, params),
    };
    if (token) headers['i-twilio-idempotency-token'] = token;
    return request(url, { method: 'POST', headers, body: new URLSearchParams(params).toString() });
  }

  call({ from = '+15125550123', to }) {
    return new Call(this, { CallSid: `CA${hex(16)}`, AccountSid: this.suite.accountSid, From: from, To: to });
  }
}

class Call {
  constructor(carrier, params) {
    this.carrier = carrier;
    this.params = { ...params, Direction: 'inbound', CallStatus: 'ringing' };
    this.sid = params.CallSid;
  }

  send(path, more = {}, options) {
    return this.carrier.send(path, { ...this.params, ...more }, options);
  }

  // The tree of an answer.
  async tell(path, more = {}, options) {
    const reply = await this.send(path, more, options);
    assert.equal(reply.status, 200, reply.text);
    assert.match(reply.headers['content-type'], /^text\/xml/);
    return readTwiml(reply.text);
  }

  ring(options) {
    return this.tell('/api/webhooks/voice', {}, options);
  }

  async status(status, more = {}) {
    const reply = await this.send('/api/webhooks/voice/status', { CallStatus: status, ...more });
    assert.equal(reply.status, 204, reply.text);
  }
}
