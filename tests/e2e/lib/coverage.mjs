// Which operations of Twilio's API were called, by which test file, with which statuses; and the table of it
// in the gateway's README. A file checks its own part of the table, so that files may run in any order, side by
// side and alone. tools/update-coverage sets TR_COVERAGE_DIR: then the parts are collected instead, and
//   node tests/e2e/lib/coverage.mjs DIR
// writes the table of them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Contract } from './contract.mjs';

const README = fileURLToPath(new URL('../../../services/gateway/README.md', import.meta.url));
const BEGIN = '<!-- coverage: written by tools/update-coverage -->';
const END = '<!-- end of coverage -->';
const HEAD = ['| operation | request | test files with the statuses seen | violations |', '|---|---|---|---|'];

export class Coverage {
  constructor(name, operations) {
    this.name = name;
    this.operations = operations;
    this.seen = new Map(); // operation -> Set of statuses
  }

  add(id, status) {
    if (!this.seen.has(id)) this.seen.set(id, new Set());
    this.seen.get(id).add(status);
  }

  // { operation: [statuses] }
  toJSON() {
    return Object.fromEntries(
      [...this.seen].sort().map(([id, statuses]) => [id, [...statuses].sort()]),
    );
  }

  publish() {
    const dir = process.env.TR_COVERAGE_DIR;
    if (dir) {
      fs.writeFileSync(path.join(dir, `${this.name}.json`), JSON.stringify(this));
      return;
    }
    const table = readTable(fs.readFileSync(README, 'utf8'));
    const told = {};
    for (const [id, parts] of table) if (parts.has(this.name)) told[id] = parts.get(this.name);
    assert.deepEqual(told, JSON.parse(JSON.stringify(this)), 'run tools/update-coverage and look at what changed');
  }
}

function between(text) {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  assert.ok(from >= 0 && to > from, `${README} has the markers of the coverage table`);
  return [from + BEGIN.length, to];
}

// operation -> Map of test file -> statuses
export function readTable(text) {
  const table = new Map();
  for (const line of text.slice(...between(text)).split('\n')) {
    const [, id, , cell] = /^\| (\w+) \| ([^|]*) \| ([^|]*) \|/.exec(line) ?? [];
    if (!id || id === 'operation') continue;
    const parts = cell.split(';').filter((part) => part.trim() !== '');
    table.set(
      id,
      new Map(
        parts.map((part) => {
          const [name, ...statuses] = part.trim().split(/\s+/);
          return [name, statuses.map(Number)];
        }),
      ),
    );
  }
  return table;
}

// The table's lines. parts: test file -> { operation: [statuses] }.
export function writeTable(operations, parts) {
  const lines = [...HEAD];
  for (const { id, method, path: template } of operations) {
    const cells = Object.keys(parts)
      .sort()
      .filter((name) => parts[name][id])
      .map((name) => `${name} ${parts[name][id].join(' ')}`);
    // A file with a violation fails, so there is never another number here.
    const violations = cells.length > 0 ? '0' : 'not called';
    const request = `${method} ${template.replace('/v1/Workspaces/{WorkspaceSid}', '~')}`;
    lines.push(`| ${id} | ${request} | ${cells.join('; ')} | ${violations} |`);
  }
  return lines.join('\n');
}

function main(dir) {
  const parts = {};
  for (const file of fs.readdirSync(dir).sort()) {
    parts[path.basename(file, '.json')] = JSON.parse(fs.readFileSync(path.join(dir, file), 'utf8'));
  }
  const text = fs.readFileSync(README, 'utf8');
  const [from, to] = between(text);
  const table = writeTable(new Contract().operations, parts);
  fs.writeFileSync(README, `${text.slice(0, from)}\n${table}\n${text.slice(to)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv[2]);
