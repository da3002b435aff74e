// A page of Chromium that can import what the package has in `dist`.
import { openBrowser } from './demo.mjs';
import { serveSite } from './site.mjs';

export async function openPackagePage() {
  const site = await serveSite({ '/page.html': '<!doctype html><link rel="icon" href="data:,">' });
  const browser = await openBrowser();
  const page = await browser.context.newPage();
  await page.goto(`${site.url}/page.html`);
  const close = async () => {
    await browser.close();
    site.close();
  };
  return { page, close };
}
