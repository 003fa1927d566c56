// A headless Chromium that talks to nobody but the portal under test.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const executable =
  process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((p) => existsSync(p));

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a browser with a profile of its own. */
export function launchBrowser() {
  return chromium.launch({ executablePath: executable, args: quiet });
}

/** A fresh person: no cookies, nothing kept. What the page complains about on its console is collected. */
export async function newPerson(browser, options = {}) {
  const context = await browser.newContext({
    locale: 'en-US',
    viewport: { width: 1280, height: 800 },
    acceptDownloads: true,
    ...options,
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    // A refused request is part of some journeys and is looked at there; Chromium reports each one here as well.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  page.on('pageerror', (err) => complaints.push(err.stack ?? String(err)));
  return { context, page, complaints };
}
