// Lists over many pages: 2,500 workers, read with list, each and page.
import assert from 'node:assert/strict';
import { useSuite } from './lib/suite.mjs';
import { Place, refused, useTwilio } from './lib/twilio.mjs';
import { inParallel } from './lib/until.mjs';

const MADE = 100;
const COPIES = 24; // of each
const WORKERS = MADE + MADE * COPIES;
const EVEN = WORKERS / 2;
const suite = useSuite({ prepare });
const judge = useTwilio(suite, import.meta.url);
let place;
let sids; // of all workers, sorted

// Some are made by the SDK, and copied in the database, since making them all would take most of the time.
async function prepare() {
  place = await Place.make(judge, 'Paging');
  await inParallel(MADE, 16, (i) =>
    place.ws.workers.create({
      friendlyName: `Worker ${String(i).padStart(4, '0')}`,
      attributes: JSON.stringify({ parity: i % 2, text: 'Zoë & co' }),
      ...(i % 2 === 0 ? { activitySid: place.activities.Available } : {}),
    }),
  );
  const columns = await suite.sql(
    `select quote_ident(column_name) as name from information_schema.columns
     where table_schema = 'workers' and table_name = 'worker' and is_generated = 'NEVER'`,
  );
  const names = columns.map(({ name }) => name);
  const NEW = {
    sid: "'WK' || md5(sid || copy)",
    friendly_name: "friendly_name || ' copy ' || copy",
    status_changed_at: "status_changed_at + copy * interval '1 second'",
  };
  await suite.sql(
    `insert into workers.worker (${names.join(', ')})
     select ${names.map((name) => NEW[name] ?? name).join(', ')}
     from workers.worker cross join generate_series(1, ${COPIES}) as copy where workspace_sid = $1`,
    [place.sid],
  );
  const all = await suite.sql('select sid from workers.worker where workspace_sid = $1', [place.sid]);
  sids = all.map(({ sid }) => sid).sort();
  assert.equal(sids.length, WORKERS);
}

const sorted = (workers) => workers.map((worker) => worker.sid).sort();

suite.test('list reads all, or as many as are wanted', async () => {
  const { workers } = place.ws;
  assert.deepEqual(sorted(await workers.list({ pageSize: 1000 })), sids);
  assert.deepEqual(sorted(await workers.list({ limit: 5000 })), sids, 'a page size over the maximum is cut');
  assert.equal((await workers.list({ limit: 1001, pageSize: 700 })).length, 1001);
  assert.equal((await workers.list({ limit: 3 })).length, 3);
  assert.equal((await workers.list({ pageSize: 1000, available: 'true' })).length, EVEN);
  const odd = await workers.list({ targetWorkersExpression: 'parity == 1', pageSize: 600 });
  assert.equal(odd.length, EVEN);
  assert.equal(new Set(odd.map((worker) => worker.sid)).size, EVEN, 'nobody twice');
});

suite.test('each gives one after the other, and stops when told', async () => {
  const { workers } = place.ws;
  const walk = (options, callback) =>
    new Promise((resolve, reject) => {
      workers.each({ ...options, callback, done: (error) => (error ? reject(error) : resolve()) });
    });
  const all = [];
  await walk({ pageSize: 900 }, (worker) => all.push(worker.sid));
  assert.deepEqual(all.sort(), sids);
  const some = [];
  await walk({ pageSize: 10 }, (worker, done) => (some.push(worker.sid) === 25 ? done() : undefined));
  assert.equal(some.length, 25);
});

suite.test('pages go forth and back, and keep their filters', async () => {
  const { workers } = place.ws;
  const filters = {
    available: 'true',
    targetWorkersExpression: "parity == 0 AND text == 'Zoë & co'",
    ordering: 'DateStatusChanged:desc',
  };
  const first = await workers.page({ ...filters, pageSize: 400 });
  assert.equal(first.previousPageUrl, undefined);
  const pages = [first];
  for (let page = first; page.nextPageUrl; ) {
    const url = new URL(page.nextPageUrl);
    assert.equal(url.origin, suite.url, 'on the host that was asked');
    assert.equal(url.searchParams.get('Available'), 'true');
    assert.equal(url.searchParams.get('TargetWorkersExpression'), filters.targetWorkersExpression);
    assert.equal(url.searchParams.get('Ordering'), filters.ordering);
    assert.equal(url.searchParams.get('PageSize'), '400');
    assert.ok(url.searchParams.get('PageToken'));
    page = await page.nextPage();
    pages.push(page);
  }
  assert.deepEqual(pages.map((page) => page.instances.length), [400, 400, 400, 50]);
  const times = pages.flatMap((page) => page.instances.map((worker) => worker.dateStatusChanged.getTime()));
  assert.deepEqual(times, [...times].sort((a, b) => b - a));
  assert.equal(new Set(pages.flatMap((page) => page.instances.map((worker) => worker.sid))).size, EVEN);
  const sidsOf = (page) => page.instances.map((worker) => worker.sid);
  let back = pages.at(-1);
  for (const page of pages.slice(0, -1).reverse()) {
    back = await back.previousPage();
    assert.deepEqual(sidsOf(back), sidsOf(page));
  }
  assert.equal(back.previousPageUrl, undefined);
  const again = await workers.getPage(pages[1].previousPageUrl);
  assert.deepEqual(sidsOf(again), sidsOf(first));
});

suite.test('the envelope of a page', async () => {
  const path = `/v1/Workspaces/${place.sid}/Workers`;
  const reply = await judge.call('GET', `${path}?PageSize=2&FriendlyName=Worker%200001`);
  assert.equal(reply.status, 200);
  const query = 'FriendlyName=Worker%200001&PageSize=2&Page=0';
  const { url, first_page_url: first, ...meta } = reply.body.meta;
  assert.deepEqual(meta, { key: 'workers', page: 0, page_size: 2, previous_page_url: null, next_page_url: null });
  for (const text of [url, first]) {
    const found = new URL(text);
    assert.equal(found.origin + found.pathname, suite.url + path);
    assert.deepEqual([...found.searchParams].sort(), [...new URLSearchParams(query)].sort());
  }
  const second = await judge.call('GET', (await judge.call('GET', `${path}?PageSize=1000`)).body.meta.next_page_url);
  assert.equal(second.body.meta.page, 1);
  const host = await judge.call('GET', `${path}?PageSize=1`, { headers: { host: 'router.example:8443' } });
  assert.ok(host.body.meta.next_page_url.startsWith(`http://router.example:8443${path}?`));
});

suite.test('page numbers without a token, and tokens of others, are refused', async () => {
  const { workers } = place.ws;
  await refused(workers.page({ pageNumber: 2 }), 400, 40153);
  await refused(workers.page({ pageToken: 'PAnothing' }), 400, 20001, /PageToken/);
  const first = await workers.page({ pageSize: 50 });
  const token = new URL(first.nextPageUrl).searchParams.get('PageToken');
  await refused(place.ws.tasks.page({ pageToken: token }), 400, 20001, /PageToken/);
});

judge.verdict();
