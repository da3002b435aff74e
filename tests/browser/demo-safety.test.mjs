// The demo takes queries and addresses as data, and its policy forbids the rest.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ask, FEW_ROWS, openBrowser, phase, serveDemo } from './demo.mjs';

const ATTACKS = [
  '<img src=x onerror="window.attacked=1">',
  '<script>window.attacked=1</script>',
  '"><svg onload=window.attacked=1>',
  'javascript:window.attacked=1',
  "'-window.attacked=1-'",
  '{{constructor.constructor("window.attacked=1")()}}',
  '__proto__',
];

describe('the demo and hostile text', () => {
  let server;
  let browser;
  let page;
  let url;

  before(async () => {
    server = await serveDemo();
    url = `http://127.0.0.1:${server.port}/?rows=${FEW_ROWS}`;
    browser = await openBrowser();
    page = browser.context.pages()[0];
    await page.goto(url);
    await phase(page, 'ready');
  });

  after(async () => {
    await browser?.close();
    server?.close();
  });

  const isUnharmed = async () => {
    assert.equal(await page.evaluate(() => window.attacked), undefined);
    assert.equal(
      await page.evaluate(() => document.querySelectorAll('img, svg, body script, iframe').length),
      0,
    );
  };

  test('markup in the query stays text', async () => {
    for (const attack of ATTACKS) {
      await ask(page, attack);
      assert.equal(await page.inputValue('#query'), attack);
      await isUnharmed();
    }
  });

  test('markup in the address stays text', async () => {
    const hashes = [...ATTACKS.map(encodeURIComponent), ...ATTACKS, '%', '%E0%A4%A', 'a'.repeat(5000)];
    for (const [at, hash] of hashes.entries()) {
      // Some as the address that a page is opened with, some as a change of it.
      if (at % 5 === 0) await page.goto('about:blank');
      await page.goto(`${url}#${hash}`);
      await phase(page, 'ready');
      await page.waitForFunction(() => {
        const query = document.getElementById('query').value.trim();
        return query !== '' && document.getElementById('hits').dataset.query === query;
      });
      await isUnharmed();
      assert.ok((await page.inputValue('#query')).length <= 500);
    }
  });

  test('odd values of the development parameter do no harm', async () => {
    for (const rows of ['-1', '1e999', 'x', '2.5', '']) {
      await page.goto(url.replace(/rows=.*/, `rows=${rows}`));
      await phase(page, 'indexing');
      await page.goto(url);
      await phase(page, 'ready');
    }
  });

  test('the policy allows this origin and WebAssembly only', async () => {
    const policy = await page.getAttribute('meta[http-equiv="Content-Security-Policy"]', 'content');
    const directives = new Map(policy.split(';').map((part) => part.trim().split(/ (.*)/, 2)));
    assert.equal(directives.get('default-src'), "'none'");
    assert.equal(directives.get('script-src'), "'self' 'wasm-unsafe-eval'");
    assert.equal(directives.get('worker-src'), "'self'");
    assert.equal(directives.get('connect-src'), "'self'");
    assert.equal(directives.get('style-src'), "'self'");
    assert.equal(directives.get('base-uri'), "'none'");
    assert.equal(await page.evaluate(() => crossOriginIsolated), false);
  });

  test('the policy is enforced', async () => {
    const outcome = await page.evaluate(async () => {
      const attempt = (body) => {
        try {
          body();
          return 'done';
        } catch (error) {
          return error.name;
        }
      };
      const element = document.createElement('p');
      const script = document.createElement('script');
      script.append('window.attacked=1');
      document.body.append(script);
      script.remove();
      return {
        markup: attempt(() => {
          element.innerHTML = '<img src=x onerror="window.attacked=1">';
        }),
        handler: attempt(() => element.setAttribute('onclick', 'window.attacked=1')),
        elsewhere: await fetch('https://example.invalid/').catch((error) => error.name),
      };
    });
    assert.deepEqual(outcome, {
      markup: 'TypeError',
      handler: 'TypeError',
      elsewhere: 'TypeError',
    });
    await isUnharmed();
  });

  test('no page asked another host for anything', () => {
    const { origin } = new URL(url);
    const own = (request) =>
      request.startsWith(origin) || request.startsWith('data:') || request.startsWith('about:');
    assert.deepEqual(
      browser.requests.filter((request) => !own(request)),
      [],
    );
  });
});
