// Bad values for every parameter of every operation of Twilio's OpenAPI document. A world says what is there:
// { mine, theirs, gone } with the SIDs of each by prefix, { WS, WA, … }: of our workspace, of another account's,
// and of what was deleted from ours.
const HEX = '0123456789abcdef0123456789abcdef';
const ZEROS = '0'.repeat(32);
const DEEP = 1000; // a query has room for that many, percent-encoded

// What a parameter takes, where its schema does not say.
const KINDS = {
  Attributes: 'object',
  EvaluateWorkerAttributes: 'object',
  Configuration: 'document',
  TargetWorkers: 'expression',
  TargetWorkersExpression: 'expression',
  EvaluateTaskAttributes: 'expression',
  Ordering: 'ordering',
  SplitByWaitTime: 'numbers',
  TaskChannel: 'channel',
  RoutingTarget: 'target',
  PageToken: 'token',
  UniqueName: 'unique',
  Template: ['NONE', 'FIFO'],
  AssignmentStatus: 'words',
  ReservationStatus: 'words',
  Instruction: 'words',
  SupervisorMode: 'words',
  Beep: 'words',
  Region: 'words',
  CallRecord: 'words',
  DequeueRecord: 'words',
  ConferenceRecord: 'words',
  ConferenceTrim: 'words',
  RecordingChannels: 'words',
  JitterBufferSize: 'words',
  StatusCallbackEvent: 'words',
  ConferenceStatusCallbackEvent: 'words',
  DequeueStatusCallbackEvent: 'words',
  Available: 'boolean',
  ReEvaluateTasks: 'boolean',
  IgnoreCapacity: 'boolean',
  'If-Match': 'version',
};

function kindOf(name, schema, method) {
  const prefix = /^\^([A-Z]{2})\[/.exec(schema.pattern ?? '')?.[1];
  if (prefix) return { kind: 'sid', prefix };
  if (Array.isArray(KINDS[name])) return { kind: 'words' };
  if (KINDS[name]) return { kind: KINDS[name] };
  if (schema.type === 'integer') return { kind: 'integer' };
  if (schema.type === 'boolean') return { kind: 'boolean' };
  if (schema.format === 'date-time') return { kind: 'date' };
  if (schema.format === 'uri') return { kind: 'url' };
  if (schema.format === 'http-method' || schema.enum || schema.$ref) return { kind: 'words' };
  if (/FriendlyName$/.test(name)) return { kind: method === 'GET' ? 'filter' : 'name' };
  return { kind: 'text' };
}

const NUMBERS = ['abc', '1.5', '1e3', '0x10', '99999999999999999999', '1 2', '--1', '½'];
// What each kind refuses. Of the rest (texts, booleans) anything goes, but not down.
const BAD = {
  sid: ({ prefix }) => [
    'x',
    `${prefix}1`,
    `${prefix}${HEX}0`,
    `${prefix}${HEX.replace('f', 'g')}`,
    `ZZ${HEX}`,
    `${prefix.toLowerCase()}${HEX}`,
    `${prefix}${HEX.slice(0, 30)}%'`,
    "' or 1=1 --",
  ],
  target: () => ['x', `WS${HEX}`, `WQ${HEX}0`],
  integer: () => NUMBERS,
  numbers: () => ['soon', '5,x', '-1', '1.5', '99999999999999999999'],
  date: () => ['yesterday', '2026-13-45T00:00:00Z', '2026-02-30T00:00:00Z', '12', '2026-01-01T25:00:00Z'],
  words: () => ['nonsense', 'FIFO LIFO', 'ACCEPTED!', '\u0000', "'"],
  url: () => ['nonsense', 'ftp://example.com/x', 'http://', '//example.com/x', 'http://exa mple.com/', 'javascript:alert(1)'],
  object: () => ['{', '[1]', '"text"', '7', 'nul', '{"a": 1,}', '{"a": 1} x', '{'.repeat(DEEP), `{"a": ${'['.repeat(DEEP)}`],
  document: () => ['{', '[]', '{}', '{"task_routing": 7}', '{"task_routing": {"filters": 7}}', `{"a": ${'['.repeat(DEEP)}`],
  expression: () => ['a ==', '(a == 1', 'a == == 1', "a == 'x", `${'('.repeat(DEEP)}a`, 'a ~ b', 'a HAS'],
  ordering: () => ['nonsense', 'DateCreated:up', 'FriendlyName:asc', ':', "'"],
  channel: () => ['nothing of that name', `TC${ZEROS}`],
  token: () => ['x', 'PA', `PAWK${HEX}`, '%00', 'a'.repeat(3000)],
  unique: () => ['1st', 'with space', 'with-hyphen', 'ü', 'x'.repeat(100)],
  name: ({ longest }) => ['x'.repeat(longest + 1), 'ü'.repeat(longest + 1), 'a\u0000b', '\u0001', 'a\nb'],
  version: () => [],
};
// Also bad, by name.
const MORE = {
  Minutes: ['-1'],
  Priority: ['-1', '2147483648'],
  Timeout: ['-1', '1209601'],
  MaxReservedWorkers: ['0', '51', '-1'],
  TaskReservationTimeout: ['-1', '86401'],
  Capacity: ['-1'],
  CallTimeout: ['-1', '1000'],
  DequeueTimeout: ['-1', '1000'],
  MaxParticipants: ['1', '251'],
  Page: ['-1'],
  Attributes: [JSON.stringify({ a: 'x'.repeat(4097) })],
  VirtualStartTime: ['2999-01-01T00:00:00Z', '1800-01-01T00:00:00Z'],
  Supervisor: [],
};
// Values that no parameter may fall over, whatever comes of them.
const ODD = ['', ' ', 'x'.repeat(5000), 'ü – 東京 🙂', '\u0000', '\r\nX: y', '%', '${7*7}', "';drop table worker;--", '{"$ne": 1}'];

// What has to be with a parameter, so that it is looked at.
const COMPANY = [
  [/^Dequeue/, { Instruction: 'dequeue', DequeueFrom: '+15550100' }],
  [/^Call/, { Instruction: 'call', CallFrom: '+15550100', CallUrl: 'https://example.com/' }],
  [/^Redirect/, { Instruction: 'redirect', RedirectCallSid: `CA${HEX}`, RedirectUrl: 'https://example.com/' }],
  [/^Supervisor/, { Instruction: 'supervise', Supervisor: `WK${HEX}` }],
  [/^WorkerActivitySid$/, { ReservationStatus: 'rejected' }],
  [/^(ReservationStatus|Instruction|If-Match)$/, {}],
  [/./, { Instruction: 'conference', From: '+15550100', To: '+15550101' }],
];

// The least that an operation needs.
function baseOf(operation, world) {
  const { WW, WQ } = world.mine;
  switch (operation.id) {
    case 'CreateWorkspace':
    case 'CreateActivity':
    case 'CreateWorker':
    case 'CreateTaskQueue':
      return { FriendlyName: 'Base' };
    case 'CreateTaskChannel':
      return { FriendlyName: 'Base', UniqueName: 'base' };
    case 'CreateWorkflow':
      return {
        FriendlyName: 'Base',
        Configuration: JSON.stringify({ task_routing: { default_filter: { queue: WQ } } }),
      };
    case 'CreateTask':
      return { WorkflowSid: WW };
    default:
      return {};
  }
}

function companyOf(operation, name) {
  if (name === 'Reason') return { AssignmentStatus: 'canceled' };
  if (name === 'IgnoreCapacity' || !/Reservation$/.test(operation.id) || operation.method !== 'POST') return {};
  return COMPANY.find(([which]) => which.test(name))[1];
}

// The prefix that a path parameter wants; of channels, which go by name too, their own.
function pathPrefix(parameter, operation) {
  const prefix = /^\^([A-Z]{2})\[/.exec(parameter.schema.pattern ?? '')?.[1];
  if (prefix) return prefix;
  return /Workers/.test(operation.path) ? 'WC' : 'TC';
}

// The path with our SIDs, some of them replaced.
function pathOf(operation, world, replaced = {}) {
  let path = operation.path;
  for (const parameter of operation.parameters.filter((p) => p.in === 'path')) {
    const value = replaced[parameter.name] ?? world.mine[pathPrefix(parameter, operation)];
    path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
  }
  return path;
}

function* badPaths(operation, world) {
  for (const parameter of operation.parameters.filter((p) => p.in === 'path')) {
    const prefix = pathPrefix(parameter, operation);
    const values = {
      'of the wrong form': 'x',
      'too short': `${prefix}1`,
      'too long': `${prefix}${HEX}${HEX}`,
      'far too long': 'x'.repeat(2000),
      'of a wrong kind': `ZZ${HEX}`,
      unknown: `${prefix}${ZEROS}`,
      'of another account': world.theirs[prefix],
      deleted: world.gone[prefix],
      SQL: "' or 1=1 --",
      UTF8: 'ü',
    };
    for (const [what, value] of Object.entries(values)) {
      if (value === undefined) continue;
      yield {
        operation,
        what: `${parameter.name} ${what}`,
        url: pathOf(operation, world, { [parameter.name]: value }),
        values: baseOf(operation, world),
        status: 404,
        code: 20404,
        says: '/Workspaces',
      };
    }
  }
}

function* parametersOf(operation) {
  for (const { name, in: place, schema, required } of operation.parameters) {
    if (place !== 'path') yield { name, place, schema, required };
  }
  const form = operation.body['application/x-www-form-urlencoded']?.schema;
  for (const [name, schema] of Object.entries(form?.properties ?? {})) {
    yield { name, place: 'form', schema, required: form.required?.includes(name) };
  }
}

// A filter by what is not there finds nothing; elsewhere it is refused.
const isFilter = (operation) => operation.method === 'GET';

// Every case: { operation, what, url, place, values: parameters, headers, status, code, says } where status is
// undefined when anything goes but a failure of ours.
export function* badCases(operations, world) {
  for (const operation of operations) {
    yield* badPaths(operation, world);
    for (const parameter of parametersOf(operation)) yield* badValues(operation, world, parameter);
  }
}

function* badValues(operation, world, { name, place, schema, required }) {
  const { kind, prefix } = kindOf(name, schema, operation.method);
  const base = { ...baseOf(operation, world), ...companyOf(operation, name) };
  const common = { operation, url: pathOf(operation, world), place };
  const refusal = { status: 400, code: 20001, says: name };
  const given = (what, value, expected) =>
    place === 'header'
      ? { ...common, ...expected, what: `${name} ${what}`, values: base, headers: { [name.toLowerCase()]: value } }
      : { ...common, ...expected, what: `${name} ${what}`, values: { ...base, [name]: value } };
  if (place === 'header') {
    for (const value of ['what?', '"', '-1', '99999999999999999999999', 'W/x']) yield given(value, value, { status: [400, 412] });
    yield given('stale', '"987654"', { status: 412, code: 20412 });
    return;
  }
  if (required) {
    const { [name]: left, ...rest } = base;
    yield { ...common, ...refusal, what: `${name} missing (${left.length})`, values: rest };
    yield given('empty', '', refusal);
  }
  const isPage = name === 'Page';
  const limits = name === 'Timeout' && operation.id !== 'CreateTask' ? ['-1', '1000'] : MORE[name] ?? [];
  const longest = /Workflow$/.test(operation.id) ? 256 : 64;
  // Filters do not have to be possible.
  const bad = [...(BAD[kind]?.({ prefix, longest }) ?? []), ...(isFilter(operation) && name === 'Priority' ? [] : limits)];
  const isLoose = isFilter(operation) && kind === 'channel' && operation.id === 'ListEvent';
  for (const value of bad) yield given(JSON.stringify(value).slice(0, 60), value, isLoose ? {} : refusal);
  if (kind === 'sid' && !isFilter(operation) && world.mine[prefix]) {
    yield given('unknown', `${prefix}${ZEROS}`, refusal);
    yield given('of another account', world.theirs[prefix], refusal);
    if (world.gone[prefix]) yield given('deleted', world.gone[prefix], refusal);
  }
  if (kind === 'target' && !isFilter(operation)) {
    for (const of of ['WK', 'WQ', 'WW']) {
      yield given(`unknown ${of}`, `${of}${ZEROS}`, refusal);
      yield given(`of another account, ${of}`, world.theirs[of], refusal);
      yield given(`deleted, ${of}`, world.gone[of], refusal);
    }
  }
  if (kind === 'channel') {
    yield given('of another account', world.theirs.TC, isLoose ? {} : refusal);
    yield given('deleted', world.gone.TC, isLoose ? {} : refusal);
  }
  if (!isPage) for (const value of ODD) yield given(`odd: ${JSON.stringify(value).slice(0, 40)}`, value, {});
}
