// Twilio's OpenAPI document of TaskRouter v1 as a judge: which operation a request is, and what is wrong with
// an answer. The document's schemas require nothing, so more is asked for than they say: every property that
// a schema names has to be there, and no other; and the links that its examples have.
import fs from 'node:fs';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';

const FILE = new URL('../data/twilio_taskrouter_v1.json', import.meta.url);
const ERROR = {
  type: 'object',
  required: ['code', 'message', 'more_info', 'status'],
  additionalProperties: false,
  properties: {
    code: { type: 'integer', minimum: 10000, maximum: 99999 },
    message: { type: 'string', minLength: 8, maxLength: 8400 }, // has the path, and what was sent
    more_info: { type: 'string', pattern: '^https://www\\.twilio\\.com/docs/errors/\\d{5}$' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    details: { type: 'object' },
  },
};
const INTERNALS = /\.[ch]:\d|0x[0-9a-f]{6}|\bselect .* from\b|\bgrpc\b|taskrouter\.[a-z]+\.v1|[a-z]-svc\b/i;
const METHODS = ['get', 'post', 'delete'];

// From OpenAPI 3.0 to JSON Schema as ajv takes it. isWhole: all properties are required, and no others allowed.
function convert(node, isWhole) {
  if (Array.isArray(node)) return node.map((item) => convert(item, isWhole));
  if (node === null || typeof node !== 'object') return node;
  if (node.format === 'uri-map') {
    const url = { type: 'string', format: 'uri', nullable: true };
    return { type: 'object', nullable: node.nullable === true, additionalProperties: url };
  }
  const out = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties') {
      // A property may have any name, "default" and "format" too.
      out.properties = Object.fromEntries(
        Object.entries(value).map(([name, schema]) => [name, convert(schema, isWhole)]),
      );
    } else if (key === '$ref') {
      out.$ref = value.replace('#/components/schemas/', '');
    } else if (!['description', 'title', 'default', 'x-twilio', 'example'].includes(key)) {
      out[key] = convert(value, isWhole);
    }
  }
  if (out.type === undefined) delete out.nullable; // without a type anything goes, null too
  if (isWhole && out.properties !== undefined) {
    out.required = Object.keys(out.properties);
    out.additionalProperties = false;
  }
  return out;
}

export class Contract {
  // isWhole: see convert(); false gives the document's own, weaker, word.
  constructor({ isWhole = true } = {}) {
    this.document = JSON.parse(fs.readFileSync(FILE, 'utf8'));
    this.ajv = new Ajv({ strict: false, allErrors: true });
    addFormats(this.ajv);
    const isUrl = this.ajv.formats.uri;
    // An unset URL is "" in the document's own examples.
    this.ajv.addFormat('uri', (text) => text === '' || isUrl(text));
    this.ajv.addFormat('int64', { type: 'number', validate: Number.isSafeInteger });
    this.ajv.addFormat('http-method', /^(GET|POST)$/);
    for (const [name, schema] of Object.entries(this.document.components.schemas)) {
      this.ajv.addSchema(convert(schema, isWhole), name);
    }
    this.checkError = this.ajv.compile(ERROR);
    this.operations = [];
    for (const [path, item] of Object.entries(this.document.paths)) {
      for (const method of METHODS) {
        if (item[method]) this.operations.push(this.#operation(path, method, item[method], isWhole));
      }
    }
    // Literals before parameters: TaskQueues/RealTimeStatistics is no queue's SID.
    const names = (operation) => operation.path.split('{').length;
    this.byNames = [...this.operations].sort((a, b) => names(a) - names(b));
  }

  #operation(path, method, definition, isWhole) {
    const answers = {};
    for (const [status, response] of Object.entries(definition.responses)) {
      const schema = response.content?.['application/json']?.schema;
      answers[status] = {
        check: schema && this.ajv.compile(convert(schema, isWhole)),
        headers: Object.keys(response.headers ?? {}),
        links: linksOf(Object.values(response.content?.['application/json']?.examples ?? {})),
        examples: response.content?.['application/json']?.examples ?? {},
      };
    }
    return {
      id: definition.operationId,
      method: method.toUpperCase(),
      path,
      pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
      parameters: definition.parameters ?? [],
      body: definition.requestBody?.content ?? {},
      answers,
    };
  }

  // The operation of a request; undefined when there is none.
  find(method, url) {
    const { pathname } = new URL(url);
    return this.byNames.find((o) => o.method === method.toUpperCase() && o.pattern.test(pathname));
  }

  // What is wrong with an answer, as texts. body: parsed JSON, or undefined without a body.
  problems(operation, { status, headers, body }) {
    if (status >= 400) return this.#problemsOfError(status, body);
    const answer = operation.answers[status];
    if (!answer) return [`status ${status} is not in the document`];
    const found = [];
    if (answer.check === undefined) {
      if (body !== undefined) found.push('a body where the document has none');
    } else if (!answer.check(body)) {
      found.push(...texts(answer.check.errors));
    }
    for (const item of itemsOf(body)) {
      const links = Object.keys(item.links ?? {}).sort();
      if (String(links) !== String(answer.links)) found.push(`links ${links} instead of ${answer.links}`);
    }
    for (const name of answer.headers) {
      const isAsked = /^(etag|x-rate-limit-)/i.test(name);
      if (isAsked && headers[name.toLowerCase()] === undefined) found.push(`header ${name} is missing`);
    }
    return found;
  }

  #problemsOfError(status, body) {
    if (!this.checkError(body)) return texts(this.checkError.errors);
    const found = [];
    if (body.status !== status) found.push(`status ${body.status} in the body, ${status} in the line`);
    if (!body.more_info.endsWith(`/${body.code}`)) found.push(`more_info is of another code: ${body.more_info}`);
    if (INTERNALS.test(body.message)) found.push(`the message tells of our insides: ${body.message}`);
    return found;
  }
}

// What an answer is about: the items of a page, or itself.
function itemsOf(body) {
  return body?.meta?.key ? body[body.meta.key] ?? [] : body ? [body] : [];
}

function linksOf(examples) {
  const items = examples.flatMap(({ value }) => itemsOf(value));
  return [...new Set(items.flatMap((item) => Object.keys(item.links ?? {})))].sort();
}

function texts(errors) {
  return errors.map((e) => `${e.instancePath || '/'} ${e.message} ${JSON.stringify(e.params)}`);
}
