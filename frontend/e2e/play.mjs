// Lets a test in another language play the worker: one JSON object a line on stdin, one answer a line on stdout.
//
//   {"do":"signIn","url":"http://…","username":"worker"}        a fresh browser, through the demo's provider
//   {"do":"enrolTotp"}                                           → {"secret":…,"recoveryCodes":[…]}
//   {"do":"addDevice","platform":"Linux","profile":"…","name":…} → {"name":…,"id":…}
//   {"do":"downloadConf","dir":"/…"}                             → {"path":…,"text":…}
//   {"do":"awaitGreen","timeout":30000}
//   {"do":"revoke","name":"…"}                                   → {"clickedAt": Unix milliseconds}
//   {"do":"screenshot","path":"/….png"}
//   {"do":"end"}
//
// Each answer has "ok"; where it is false, "error" says why.
import { createInterface } from 'node:readline';
import { launchBrowser, newPerson } from './browser.mjs';
import * as worker from './worker.mjs';

const browser = await launchBrowser();
let page;

const deeds = {
  async signIn({ url, username = 'worker' }) {
    ({ page } = await newPerson(browser));
    await worker.signIn(page, url, worker.demoAccount(username));
  },
  enrolTotp: () => worker.enrolTotp(page),
  addDevice: (wish) => worker.addDevice(page, wish),
  downloadConf: ({ dir }) => worker.downloadConf(page, dir),
  awaitGreen: ({ timeout }) => worker.awaitGreen(page, timeout),
  async revoke({ name }) {
    let clickedAt;
    page.on('request', (r) => {
      if (r.method() === 'DELETE' && r.url().includes('/api/v1/devices/')) clickedAt = Date.now();
    });
    await worker.revoke(page, name);
    return { clickedAt };
  },
  async screenshot({ path }) {
    await page.screenshot({ path });
  },
};

try {
  for await (const line of createInterface({ input: process.stdin })) {
    if (!line.trim()) continue;
    const { do: deed, ...wish } = JSON.parse(line);
    if (deed === 'end') break;
    console.log(JSON.stringify(await attempt(deed, wish)));
  }
} finally {
  await browser.close();
}

async function attempt(deed, wish) {
  if (!deeds[deed]) return { ok: false, error: `there is no "${deed}"` };
  try {
    return { ok: true, ...(await deeds[deed](wish)) };
  } catch (err) {
    return { ok: false, error: String(err?.message ?? err), url: page?.url() };
  }
}
